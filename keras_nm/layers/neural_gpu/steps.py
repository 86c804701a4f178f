"""Gated convolutions, of which a step of a Neural GPU consists.

Axes: B batch, N positions, W width, M maps, K entries of a neighborhood.

Both forms take the weights of a cell as a pair: the kernel `(K M, 2 M)` and the bias
`(2 M,)` of the reset and the update gate, and the kernel `(K M, M)` and the bias `(M,)` of
the candidate. They also return their pre-activations.
"""

from keras import ops


def diagonal(state, weights, kernel_size, noise=None):
    """The gated convolution of Freivalds and Liepins (2017), `s <- g shift(s) + (1 - g) c`.

    `r = hs(conv(s))`, `g = hs(conv(s))` and `c = ht(conv(r s))`, with the piecewise linear
    `hs(x) = clip(x / 2 + 1 / 2, 0, 1)` and `ht(x) = clip(x, -1, 1)`.

    Args:
        state: Tensor `s` of shape `(B, N, W, M)`.
        weights: The weights of the cell.
        kernel_size: Odd integer.
        noise: Optional tensor like the state, by which the candidate `c` is multiplied.

    Returns:
        The new state, and the list of pre-activations `(B, N, W, any number)`.
    """
    (gates_kernel, gates_bias), (candidate_kernel, candidate_bias) = weights
    gates = convolve(state, gates_kernel, gates_bias, kernel_size)  # (B, N, W, 2 M)
    reset, update = ops.split(ops.clip(0.5 * gates + 0.5, 0, 1), 2, axis=-1)
    candidate = convolve(reset * state, candidate_kernel, candidate_bias, kernel_size)
    new = ops.clip(candidate, -1, 1)
    if noise is not None:
        new = new * noise
    return update * shift(state) + (1 - update) * new, [gates, candidate]


def cutoff(state, weights, kernel_size, noise=None):
    """The gated convolution of Kaiser and Sutskever (2016), `s <- u s + (1 - u) c`.

    `u = cs(conv(s))`, `r = cs(conv(s))` and `c = tanh(conv(r s))`, with the sigmoid that is
    cut off, `cs(x) = clip(1.2 sigmoid(x) - 0.1, 0, 1)`.

    Args:
        state: Tensor `s` of shape `(B, N, W, M)`.
        weights: The weights of the cell.
        kernel_size: Odd integer.
        noise: Optional tensor like the state, by which the state is first multiplied.

    Returns:
        The new state, and the list of pre-activations `(B, N, W, any number)`.
    """
    (gates_kernel, gates_bias), (candidate_kernel, candidate_bias) = weights
    if noise is not None:
        state = state * noise
    gates = convolve(state, gates_kernel, gates_bias, kernel_size)  # (B, N, W, 2 M)
    cut_off = ops.clip(1.2 * ops.sigmoid(gates) - 0.1, 0, 1)
    reset, update = ops.split(cut_off, 2, axis=-1)
    candidate = convolve(reset * state, candidate_kernel, candidate_bias, kernel_size)
    return update * state + (1 - update) * ops.tanh(candidate), [gates, candidate]


def convolve(state, kernel, bias, kernel_size):
    """Returns the convolution of a state, which is 0 beyond its edges.

    It is a product of matrices. For a convolution, XLA took eight times as long on a CPU,
    with 48 maps and the gradient.

    Args:
        state: Tensor of shape `(B, N, W, M)`.
        kernel: Tensor of shape `(K M, outputs)`.
        bias: Tensor of shape `(outputs,)`.
        kernel_size: Odd integer.
    """
    # Flat, because XLA cannot compile TensorFlow's product with axes of unknown size.
    size, outputs = kernel.shape
    places = ops.reshape(neighborhoods(state, kernel_size), (-1, size))
    values = ops.matmul(places, kernel) + bias
    return ops.reshape(values, (*ops.shape(state)[:3], outputs))


def neighborhoods(state, kernel_size):
    """Returns for each place the maps of the places around it, `(B, N, W, K M)`.

    They are in the order of a kernel `(kernel_size, kernel_size, M, ...)`. With a width of
    1 there is nothing on either side, so K is the kernel's size, and not its square.
    """
    reach = kernel_size // 2
    side = reach if state.shape[2] > 1 else 0
    padded = ops.pad(state, [[0, 0], [reach, reach], [side, side], [0, 0]])
    shifted = [
        padded[:, i : i - 2 * reach or None, j : j - 2 * side or None]
        for i in range(2 * reach + 1)
        for j in range(2 * side + 1)
    ]
    return ops.concatenate(shifted, axis=-1)


def shift(state):
    """Moves a third of the maps by a position to the right, and a third to the left."""
    num_moved = state.shape[-1] // 3
    num_still = state.shape[-1] - 2 * num_moved
    still, right, left = ops.split(state, [num_still, num_still + num_moved], axis=-1)
    return ops.concatenate([still, _from_left(right), _from_right(left)], axis=-1)


def _from_left(state):
    return ops.pad(state[:, :-1], [[0, 0], [1, 0], [0, 0], [0, 0]])


def _from_right(state):
    return ops.pad(state[:, 1:], [[0, 0], [0, 1], [0, 0], [0, 0]])
