"""Addresses, reads and writes the memory of a Neural Turing Machine.

The functions are pure, one per equation of Graves et al. 2014, section 3.

Axes: B batch, H heads, N memory locations, W width of a location,
S = 2 * shift_range + 1 shift offsets, ordered [-shift_range .. +shift_range].

The memory is transposed, `(B, W, N)`: its locations lie next to each other, as they do
in weightings. Every sum over W and every outer product then runs along the locations,
which is faster than with `(B, N, W)`.
"""

import keras
from keras import ops

from keras_nm.layers.choices import softmax

# The floor of norms. It bounds the gradients where a location or a key is all zeros; the
# similarity there is 0.
NORM_FLOOR = 1e-6

# The floor of weightings in logarithms. It bounds the gradient of the logarithm where a
# weighting is all zeros.
WEIGHTING_FLOOR = 1e-12

# The largest key strength. At this strength, keys that differ in the last bit of float32
# already find different locations.
_KEY_STRENGTH_LIMIT = 1e9


def key_strength(activation, x):
    """Applies a positive activation, and keeps the key strength within 1e9.

    An exponential overflows at 89, and infinity times a similarity of 0 is not a number.

    Args:
        activation: Function from a tensor to a tensor of positive numbers.
        x: Tensor of any shape.

    Returns:
        A tensor of the shape of `x`. Where it is limited, its gradient is 0.
    """
    too_large = activation(x) > _KEY_STRENGTH_LIMIT
    # Of `where`, only the chosen branch has a gradient, but 0 times infinity would be NaN.
    safe = activation(ops.where(too_large, 0.0, x))
    return ops.where(too_large, _KEY_STRENGTH_LIMIT, safe)


def content_similarity(memory, keys):
    """Compares locations with keys (equation 6).

    The similarity is `beta * cos(k, M(i))`. Its softmax over all locations is the content
    weighting `w_c` (equation 5).

    Args:
        memory: Tensor of shape `(B, W, N)`.
        keys: Tensor of shape `(B, H, W)`, as `scaled_keys` returns them.

    Returns:
        A pair of tensors: the similarities `(B, H, N)`, and the locations' inverse norms
        `(B, 1, N)`.
    """
    inverse_norms = _inverse_norm(memory, axis=1)  # (B, 1, N)
    return ops.matmul(keys, memory) * inverse_norms, inverse_norms  # (B, H, N)    (6)


def scaled_keys(keys, key_strengths):
    """Scales keys to the length of their key strengths: `beta * k / |k|`.

    Args:
        keys: Tensor `k` of shape `(B, H, W)`.
        key_strengths: Tensor `beta` of positive numbers, of shape `(B, H, 1)`.

    Returns:
        A tensor of shape `(B, H, W)`.
    """
    return keys * (key_strengths * _inverse_norm(keys, axis=2))  # (B, H, W)


def _inverse_norm(vectors, axis):
    # (B, 1, N) of a memory, (B, H, 1) of keys.
    squared_norm = ops.sum(ops.square(vectors), axis=axis, keepdims=True)
    return ops.rsqrt(ops.maximum(squared_norm, NORM_FLOOR**2))


def interpolate(content_weightings, previous_weightings, gates):
    """Blends the content weighting with the weighting of the step before (equation 7).

    `w_g = g * w_c + (1 - g) * w_{t-1}`

    Args:
        content_weightings: Tensor of shape `(B, H, N)`.
        previous_weightings: Tensor of shape `(B, H, N)`.
        gates: Tensor `g` in (0, 1) of shape `(B, H, 1)`.

    Returns:
        Weightings of shape `(B, H, N)`.
    """
    return (  # (B, H, N)    (7)
        previous_weightings + gates * (content_weightings - previous_weightings)
    )


def shift(weightings, shift_weightings):
    """Rotates a weighting by a distribution over offsets (equation 8).

    `w_s(i) = sum_j w_g(j) s(i - j)`, with indices modulo N. Weight at offset +1 moves
    the focus from location i to location i + 1.

    Args:
        weightings: Tensor of shape `(B, H, N)`.
        shift_weightings: Tensor `s` of shape `(B, H, S)`, summing to 1 over S.

    Returns:
        Weightings of shape `(B, H, N)`.
    """
    parts = rolled(weightings, shift_weightings.shape[-1])  # S times (B, H, N)
    return sum(  # (B, H, N)    (8)
        shift_weightings[..., index : index + 1] * part for index, part in enumerate(parts)
    )


def rolled(weightings, num_offsets):
    """Returns the weightings rotated by each offset: `num_offsets` tensors `(B, H, N)`.

    They are slices of one ring, which is faster than `ops.roll`. Besides, some runtimes
    of exported models have no roll.
    """
    num_locations, shift_range = weightings.shape[-1], num_offsets // 2
    ring = ops.concatenate(  # (B, H, N + 2 * shift_range)
        [
            weightings[..., num_locations - shift_range :],
            weightings,
            weightings[..., :shift_range],
        ],
        axis=-1,
    )
    starts = range(2 * shift_range, -1, -1)
    return [ring[..., start : start + num_locations] for start in starts]


def sharpen(weightings, sharpening):
    """Raises a weighting to a power and normalizes it (equation 9).

    `w(i) = w_s(i)^gamma / sum_j w_s(j)^gamma`, computed on logarithms because the
    power underflows. A weighting of all zeros becomes uniform.

    Args:
        weightings: Tensor of shape `(B, H, N)`, not necessarily summing to 1.
        sharpening: Tensor `gamma` of numbers of at least 1, of shape `(B, H, 1)`.

    Returns:
        Weightings of shape `(B, H, N)`, summing to 1 over N.
    """
    logarithms = ops.log(ops.maximum(weightings, WEIGHTING_FLOOR))  # (B, H, N)
    return softmax(sharpening * logarithms)  # (B, H, N)    (9)


def read(memory, weightings):
    """Reads the mean of the locations under each weighting (equation 2).

    `r = sum_i w(i) M(i)`

    Args:
        memory: Tensor of shape `(B, W, N)`.
        weightings: Tensor of shape `(B, H, N)`.

    Returns:
        Read vectors of shape `(B, H, W)`.
    """
    return ops.einsum("bhn,bwn->bhw", weightings, memory)  # (B, H, W)    (2)


def write(memory, weightings, erase, add):
    """Erases, then adds, with all write heads at once (equations 3 and 4).

    `M(i) <- M(i) * prod_heads(1 - w(i) e) + sum_heads w(i) a`

    Args:
        memory: Tensor of shape `(B, W, N)`.
        weightings: Tensor of shape `(B, H, N)`.
        erase: Tensor `e` in (0, 1) of shape `(B, H, W)`.
        add: Tensor `a` of shape `(B, H, W)`.

    Returns:
        The new memory, of shape `(B, W, N)`.
    """
    for head in range(erase.shape[1]):
        one_head = slice(head, head + 1)
        # Not `*=`, which changes the caller's tensor on torch.
        memory = memory * (1 - outer(erase[:, one_head], weightings[:, one_head]))  # (3)
    return memory + outer(add, weightings)  # (B, W, N)    (4)


def outer(vectors, weightings):
    """Sums outer products of `(B, H, W)` and `(B, H, N)` over the heads: `(B, W, N)`.

    It is a matrix product, even for one head. Its gradient is then a matrix product as
    well, which is faster than the sum over N that a broadcast product would lead to.
    """
    return ops.einsum("bhw,bhn->bwn", vectors, weightings)  # (B, W, N)


def squeezed_sigmoid(x, epsilon):
    """Keeps a sigmoid away from 0 and 1: `epsilon / 2 + (1 - epsilon) * sigmoid(x)`.

    Args:
        x: Tensor of any shape.
        epsilon: Float in [0, 1). With 0, this is the plain sigmoid.

    Returns:
        A tensor of the shape of `x`, in [epsilon / 2, 1 - epsilon / 2].
    """
    return epsilon / 2 + (1 - epsilon) * keras.activations.sigmoid(x)
