"""Writes on and moves the tapes of a Tape-RNN.

Axes: B batch, K tapes, N locations, W width of a location, A moves.

A tape is a ring. Its head is always at location 0, and the tape moves under it. A tape is
flat, `(B, K, N W)`: its locations lie one after the other.
"""

from keras import ops

# By how many locations a move shifts the contents of the tape.
STEPS = {"stay": 0, "left": -1, "right": 1}
# The same in units of the input's length.
JUMPS = {"jump_left": -1, "jump_right": 1}
MOVES = (*STEPS, *JUMPS)


def write(tapes, values):
    """Replaces what is under the heads.

    Args:
        tapes: Tensor of shape `(B, K, N W)`.
        values: Tensor of shape `(B, K, W)`.

    Returns:
        The new tapes, of shape `(B, K, N W)`.
    """
    return ops.concatenate([values, tapes[..., values.shape[-1] :]], axis=-1)


def moved(tapes, name, width, lengths):
    """Returns the tapes after one of `MOVES`.

    Args:
        tapes: Tensor of shape `(B, K, N W)`.
        name: One of `MOVES`.
        width: Integer W.
        lengths: int32 tensor of shape `(B, 1)`, the length of a jump. Only jumps use it.

    Returns:
        The new tapes, of shape `(B, K, N W)`.
    """
    if name == "stay":
        return tapes  # also because runtimes refuse the empty half of a shift by 0
    if name in JUMPS:
        return _rotated(tapes, JUMPS[name] * lengths, width)
    shift = STEPS[name] * width
    # Contents that leave one end enter at the other.
    return ops.concatenate([tapes[..., -shift:], tapes[..., :-shift]], axis=-1)


def _rotated(tapes, shifts, width):
    """Rotates the tapes of each example by its own number of locations, `(B, 1)`."""
    num_tapes, size = tapes.shape[1:]
    sources = (ops.arange(size // width, dtype="int32") - shifts) % (
        size // width
    )  # (B, N)
    tapes = ops.reshape(tapes, (-1, num_tapes, size // width, width))  # (B, K, N, W)
    tapes = ops.take_along_axis(tapes, sources[:, None, :, None], axis=2)  # (B, K, N, W)
    return ops.reshape(tapes, (-1, num_tapes, size))
