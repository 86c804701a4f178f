"""Looks up locations of a Differentiable Neural Computer by their content.

Axes: B batch, H heads, N memory locations, W width of a location. The memory is transposed,
`(B, W, N)`, as in `keras_nm.layers.ntm.addressing`.
"""

from keras import ops

from keras_nm.layers.choices import softmax
from keras_nm.layers.ntm.addressing import NORM_FLOOR, content_similarity, scaled_keys


def content_weightings(memory, keys, strengths, masks=None):
    """Compares locations with keys: `C(M, k, beta) = softmax(beta cos(k, M(i)))`.

    A mask takes values out of the comparison. It multiplies both the key and the locations,
    `cos(m k, m M(i))` (Csordás and Schmidhuber 2019, section 3.1).

    Args:
        memory: Tensor `M` of shape `(B, W, N)`.
        keys: Tensor `k` of shape `(B, H, W)`.
        strengths: Tensor `beta` of positive numbers, of shape `(B, H, 1)`.
        masks: Optional tensor of shape `(B, H, W)`.

    Returns:
        Weightings of shape `(B, H, N)`, summing to 1 over N.
    """
    if masks is None:
        similarities, _ = content_similarity(memory, scaled_keys(keys, strengths))
        return softmax(similarities)  # (B, H, N)
    # The mask of the locations goes to the other factor of each product, so that no tensor
    # is as large as a memory per head.
    keys = masks * scaled_keys(masks * keys, strengths)  # (B, H, W)
    squared_norms = ops.matmul(ops.square(masks), ops.square(memory))  # (B, H, N)
    inverse_norms = ops.rsqrt(ops.maximum(squared_norms, NORM_FLOOR**2))
    return softmax(ops.matmul(keys, memory) * inverse_norms)  # (B, H, N)
