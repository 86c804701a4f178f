"""Joins and splits the output of a Neural Random-Access Machine.

It is one tensor that holds all that losses on tapes need.

Axes: B batch, M size of the tape.
"""

from keras import ops


def join_outputs(states):
    """Joins the last states, as `named_states` returns them, into `(B, M, 2 M + 1)`."""
    expected = states["expected_tape"]  # (B, M, M)
    steps = states["num_steps"][:, :, None] * ops.ones_like(expected[:, :, :1])  # (B, M, 1)
    return ops.concatenate([expected, states["expected_log_tape"], -steps], axis=-1)


def split_outputs(outputs):
    """Splits the output of an `NRAM` layer into its parts.

    Args:
        outputs: Tensor `(B, M, 2 M + 1)`.

    Returns:
        A dict: `"tape"` `(B, M, M)`, the expected tape; `"log_tape"` `(B, M, M)`, the
        expected log-tape; `"num_steps"` `(B,)`, the expected number of steps.

    Example:

    >>> import numpy as np
    >>> from keras_nm.layers import NRAM, split_outputs
    >>> layer = NRAM(num_registers=2, num_steps=3)
    >>> parts = split_outputs(layer(np.array([[3, 1, 2, 0]])))
    >>> tuple(parts["tape"].shape)
    (1, 4, 4)
    """
    size = (ops.shape(outputs)[-1] - 1) // 2
    return {
        "tape": outputs[:, :, :size],
        "log_tape": outputs[:, :, size:-1],
        "num_steps": -outputs[:, 0, -1],
    }
