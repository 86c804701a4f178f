"""Remembers in which order a Differentiable Neural Computer wrote to its locations.

The functions are pure, one per equation of Graves et al. 2016, "Temporal memory linkage" in
the methods.

Axes: B batch, R read heads, V write heads, N memory locations.
"""

from keras import ops

from keras_nm.layers.choices import softmax
from keras_nm.layers.gradients import supports_several_outputs, with_gradient

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
    return links * _off_diagonal(links)  # (B, V, N, N)


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
        The backward weightings and the forward weightings, each of shape `(B, V, R, N)`.
    """
    return _times(read_weightings[:, None], links), _times_transposed(
        read_weightings[:, None], links
    )


def sharpen(weightings, sharpening):
    """Raises weightings to a power and normalizes them.

    `S(d, s)(i) = d(i)^s / sum_j d(j)^s`, with 1e-6 added to every weight `d` (Csordás and
    Schmidhuber 2019, section 3.3).

    Args:
        weightings: Tensor of shape `(B, R, N)`.
        sharpening: Tensor of numbers of at least 1, of shape `(B, R, 1)`.

    Returns:
        Weightings of shape `(B, R, N)`, summing to 1 over N.
    """
    # Weightings are negative only after states that do not come from this machine.
    logarithms = ops.log(ops.maximum(weightings, 0.0) + _LEAST_WEIGHT)
    return softmax(sharpening * logarithms)


def advance(links, write_weightings, precedence, read_weightings, training=False):
    """Updates links and follows them.

    Args:
        links: See `update_links`.
        write_weightings: See `update_links`.
        precedence: See `update_links`.
        read_weightings: See `follow_links`.
        training: Boolean, whether to use the hand-written gradient.

    Returns:
        A triple: the new links, the backward weightings and the forward weightings.
    """
    arguments = (links, write_weightings, precedence, read_weightings)
    if training and supports_several_outputs():
        return with_gradient(
            lambda *x: (_advance(*x), lambda upstream: _gradient(x, upstream)), *arguments
        )
    return _advance(*arguments)


def _advance(links, write_weightings, precedence, read_weightings):
    links = update_links(links, write_weightings, precedence)
    return (links, *follow_links(links, read_weightings))


def _gradient(arguments, upstream):
    """Returns the gradients of `_advance` with respect to its arguments.

    `d_x` is the gradient of the loss with respect to `x`.
    """
    links, writes, precedence, reads = arguments
    d_links, d_backward, d_forward = upstream
    num_heads = reads.shape[1]

    # The product with the identity keeps XLA from computing these vectors again for every
    # element of the links, out of what the loop over time has stored.
    reads = ops.broadcast_to(reads[:, None], ops.shape(d_backward))  # (B, V, R, N)
    vectors = ops.concatenate(
        [reads, d_backward, d_forward, writes[:, :, None], precedence[:, :, None]], axis=2
    )
    vectors = ops.matmul(vectors, ops.eye(links.shape[-1], dtype=links.dtype))
    reads, d_backward, d_forward, writes, precedence = ops.split(
        vectors, [num_heads, 2 * num_heads, 3 * num_heads, 3 * num_heads + 1], axis=2
    )

    # Following the links.
    updated = update_links(links, writes[:, :, 0], precedence[:, :, 0])  # (B, V, N, N)
    d_reads = ops.sum(  # (B, R, N)
        _times(d_forward, updated) + _times_transposed(d_backward, updated), axis=1
    )
    for head in range(num_heads):
        read = reads[:, :, head]  # (B, V, N)
        d_links = d_links + _outer(d_forward[:, :, head], read)
        d_links = d_links + _outer(read, d_backward[:, :, head])
    d_links = d_links * _off_diagonal(links)  # (B, V, N, N)

    # Updating them. Sums over rows and columns are products with ones, which are faster.
    products = d_links * links  # (B, V, N, N)
    ones = ops.ones_like(writes)
    d_writes = (  # (B, V, 1, N)
        _times_transposed(precedence, d_links)
        - _times_transposed(ones, products)
        - _times(ones, products)
    )
    d_precedence = _times(writes, d_links)  # (B, V, 1, N)
    after, before = ops.swapaxes(writes, 2, 3), writes
    return (
        (1 - after - before) * d_links,
        d_writes[:, :, 0],
        d_precedence[:, :, 0],
        d_reads,
    )


def _outer(rows, columns):
    return rows[..., :, None] * columns[..., None, :]  # (B, V, N, N)


def _times(vectors, matrices):
    # (B, V, R, N)
    return ops.matmul(vectors, matrices)


def _times_transposed(vectors, matrices):
    # (B, V, R, N)
    return ops.swapaxes(ops.matmul(matrices, ops.swapaxes(vectors, -1, -2)), -1, -2)


def _off_diagonal(links):
    return 1 - ops.eye(links.shape[-1], dtype=links.dtype)
