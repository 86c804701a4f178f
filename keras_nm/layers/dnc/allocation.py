"""Finds locations that a Differentiable Neural Computer can write to.

The functions are pure, one per equation of Graves et al. 2016, "Dynamic memory allocation"
in the methods. None of them sorts: locations are compared in pairs, which compiles and
exports everywhere.

Axes: B batch, R read heads, V write heads, N memory locations.
"""

from keras import ops

from keras_nm.layers.gradients import supports_several_outputs, with_gradient

# The share of each location that always counts as used, in the formula of the allocation
# alone. It keeps the logarithm of an unused location finite.
_USED_SHARE = 1e-6

# Usages are put in order on a scale of this many parts. On a finer one, rounding would
# decide among locations that are alike, such as the unused ones, and differently on each
# device.
_PARTS = 4096


def retention(free_gates, read_weightings):
    """Returns the share of each location that no read head frees.

    `psi(i) = prod_heads(1 - f w_r(i))`

    Args:
        free_gates: Tensor `f` in (0, 1) of shape `(B, R, 1)`.
        read_weightings: Tensor `w_r` of shape `(B, R, N)`, of the step before.

    Returns:
        A tensor of shape `(B, N)`.
    """
    return _product_over_heads(1 - free_gates * read_weightings)


def update_usage(usage, write_weightings, retained):
    """Adds to the usage what the step before wrote, and removes what this step frees.

    `u_t = (u_{t-1} + w_w - u_{t-1} w_w) psi`, where `w_w` is the share of a location that
    at least one head has written.

    Args:
        usage: Tensor of shape `(B, N)`.
        write_weightings: Tensor of shape `(B, V, N)`, of the step before.
        retained: Tensor `psi` of shape `(B, N)`, as `retention` returns it.

    Returns:
        The new usage, of shape `(B, N)`.
    """
    written = 1 - _product_over_heads(1 - write_weightings)  # (B, N)
    return (usage + (1 - usage) * written) * retained  # (B, N)


def allocations(usage, gates, training=False):
    """Allocates locations to all write heads, one after another.

    Each head counts as used what the heads before it are about to write by allocation.

    Args:
        usage: Tensor of shape `(B, N)`.
        gates: Tensor in (0, 1) of shape `(B, V, 1)`: how much of a head's weighting is its
            allocation, which is the product of allocation gate and write gate.
        training: Boolean, whether to use the hand-written gradient.

    Returns:
        A tensor of shape `(B, V, N)`.
    """
    weightings = []
    for head in range(gates.shape[1]):
        weightings.append(allocation(usage, training))  # (B, N)
        usage = usage + (1 - usage) * gates[:, head] * weightings[-1]
    return ops.stack(weightings, axis=1)  # (B, V, N)


def allocation(usage, training=False):
    """Focuses on the least used locations.

    `a(i) = (1 - u(i)) prod_j u(j)`, over all locations `j` that are used less than `i`, or
    as much and stand before it. It sums to nearly 1 as long as a location is unused.

    Usages that differ by less than about 1 in 4,000 may count as equal.

    Args:
        usage: Tensor of shape `(B, N)`.
        training: Boolean, whether to use the hand-written gradient.

    Returns:
        A tensor of shape `(B, N)`.
    """
    usage = _USED_SHARE + (1 - _USED_SHARE) * usage
    if training and supports_several_outputs():
        return with_gradient(_allocation, usage)
    result, _ = _allocation(usage)
    return result


def _allocation(usage):
    """Returns the allocation, and the function that gives its gradient."""
    # The logarithm of states that do not come from this machine must be a number as well.
    usage = ops.maximum(usage, _USED_SHARE / 2)
    # Sums of logarithms are a product of a vector and a matrix, which is fast.
    sums = ops.matmul(ops.log(usage)[:, None], comes_before(usage))[:, 0]  # (B, N)
    products = ops.exp(sums)
    result = (1 - usage) * products  # (B, N)

    def gradient(upstream):
        # The order has no gradient.
        (upstream,) = upstream
        of_later = ops.matmul(comes_before(usage), (upstream * result)[:, :, None])
        return of_later[..., 0] / usage - upstream * products

    return result, gradient


def comes_before(usage):
    """Returns which locations are allocated before which others.

    It is the one that is used less. Of two that are used alike, it is the first one.

    Args:
        usage: Tensor of shape `(B, N)`.

    Returns:
        A tensor of shape `(B, N, N)`. Its entry `(j, i)` is 1 if location `j` comes before
        location `i`, and otherwise 0.
    """
    # The order of exponentials is the same. XLA computes them once, but it would compute
    # all that leads to a usage once per pair of locations.
    order = ops.cast(ops.floor(_PARTS * ops.exp(ops.minimum(usage, 1.0))), "int32")
    num_locations = usage.shape[1]
    order = num_locations * order + ops.arange(num_locations, dtype="int32")  # (B, N)
    return ops.cast(order[:, :, None] < order[:, None, :], usage.dtype)  # (B, N, N)


def _product_over_heads(x):
    # Not `ops.prod`, whose gradient is slow.
    product = x[:, 0]  # (B, N)
    for head in range(1, x.shape[1]):
        product = product * x[:, head]
    return product
