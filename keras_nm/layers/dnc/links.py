"""Remembers in which order a Differentiable Neural Computer wrote to its locations.

The functions are pure, one per equation of Graves et al. 2016, "Temporal memory linkage" in
the methods.

Axes: B batch, R read heads, V write heads, N memory locations.
"""

from keras import ops

from keras_nm.layers.choices import softmax

# The least weight of a location before sharpening. Where a weighting is all zeros, all
# locations are then alike.
_LEAST_WEIGHT = 1e-6


def update_links(links, write_weightings, precedence):
    """Links the locations that this step writes to those that the step before wrote.

    `L_t(i, j) = (1 - w(i) - w(j)) L_{t-1}(i, j) + w(i) p_{t-1}(j)`, and 0 for `i = j`. The
    entry `(i, j)` is 1 if location `i` was written right after location `j`. Each write
    head has its own links.

    Args:
        links: Tensor `L` of shape `(B, V, N, N)`.
        write_weightings: Tensor `w` of shape `(B, V, N)`, of this step.
        precedence: Tensor `p` of shape `(B, V, N)`, of the step before.

    Returns:
        The new links, of shape `(B, V, N, N)`.
    """
    after, before = write_weightings[..., :, None], write_weightings[..., None, :]
    links = (1 - after - before) * links + after * precedence[..., None, :]
    return links * (1 - ops.eye(links.shape[-1], dtype=links.dtype))  # (B, V, N, N)


def update_precedence(precedence, write_weightings):
    """Returns how much each location is the one that was written last.

    `p_t = (1 - sum_i w(i)) p_{t-1} + w`

    Args:
        precedence: Tensor of shape `(B, V, N)`.
        write_weightings: Tensor `w` of shape `(B, V, N)`, of this step.

    Returns:
        The new precedence, of shape `(B, V, N)`.
    """
    written = ops.sum(write_weightings, axis=-1, keepdims=True)  # (B, V, 1)
    return (1 - written) * precedence + write_weightings  # (B, V, N)


def follow_links(links, read_weightings):
    """Moves weightings to the locations that were written right before and right after.

    `b = L^T w` and `f = L w`

    Args:
        links: Tensor `L` of shape `(B, V, N, N)`.
        read_weightings: Tensor `w` of shape `(B, R, N)`, of the step before.

    Returns:
        The backward weightings and the forward weightings, each of shape `(B, R, V, N)`.
    """
    backward = ops.einsum("brj,bvji->brvi", read_weightings, links)  # (B, R, V, N)
    forward = ops.einsum("brj,bvij->brvi", read_weightings, links)  # (B, R, V, N)
    return backward, forward


def sharpen(weightings, sharpening):
    """Raises weightings to a power and normalizes them (Csordas and Schmidhuber 2019).

    Args:
        weightings: Tensor of shape `(B, R, V, N)`.
        sharpening: Tensor of numbers of at least 1, of shape `(B, R, V, 1)`.

    Returns:
        Weightings of shape `(B, R, V, N)`, summing to 1 over N.
    """
    # Weightings are negative only after states that do not come from this machine.
    logarithms = ops.log(ops.maximum(weightings, 0.0) + _LEAST_WEIGHT)
    return softmax(sharpening * logarithms)
