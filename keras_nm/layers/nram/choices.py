"""Turns the logits of a Neural Random-Access Machine's controller into choices.

The logits of all choices are one tensor `(B, size)`, in the layout of
`NRAMCell.circuit_shapes`. One softmax serves all choices: they stand in rows, one per
choice, and those with fewer options than others are padded. Stopping is a special
choice: it has one logit, and a probability `(B, 1)` instead of a distribution.
"""

import keras
import numpy as np
from keras import ops

from keras_nm.layers import choices
from keras_nm.layers.tensors import boolean_mask, boolean_unmask, split

# So low a logit gets a probability of exactly 0.
_NEVER = -1e30


def select(logits, shapes, selection):
    """Turns logits into choices.

    Args:
        logits: Tensor `(B, size)`.
        shapes: Dict, the `circuit_shapes` of the cell.
        selection: One of `keras_nm.layers.choices.SELECTIONS`.

    Returns:
        A pair. The first entry is a dict from the name of each choice except stopping to a
        tensor `(B, *shape)`: distributions over the last axis. The second entry is the
        probability of stopping `(B, 1)`.
    """
    rows, stop = _in_rows(logits, shapes)
    hard = ops.cast(stop > 0, stop.dtype)
    stop = choices.harden(ops.sigmoid(stop), hard, selection)
    flat = boolean_mask(choices.select(rows, selection), _options(shapes))
    return split(flat, {name: shapes[name] for name in shapes if name != "stop"}), stop


def mean_entropy(logits, shapes, epsilon):
    """Returns the mean entropy of all choices of a step, in nats.

    It is the entropy of the soft choices, even where the machine takes the largest.

    Args:
        logits: As for `select`.
        shapes: As for `select`.
        epsilon: Float, the smallest value of a probability in its logarithm.

    Returns:
        Tensor `(B, 1)`.
    """

    def entropy(x):
        return -ops.sum(x * ops.log(ops.maximum(x, epsilon)), axis=-1)

    rows, stop = _in_rows(logits, shapes)
    stop = ops.sigmoid(stop)
    stop = ops.stack([stop, 1 - stop], axis=-1)  # (B, 1, 2), to stop or not
    entropies = [entropy(choices.softmax(rows)), entropy(stop)]
    return ops.mean(ops.concatenate(entropies, axis=-1), axis=-1, keepdims=True)


def _in_rows(logits, shapes):
    """Returns the logits in rows `(B, choices, options)`, and that of stopping `(B, 1)`."""
    return boolean_unmask(logits[:, :-1], _options(shapes), _NEVER), logits[:, -1:]


def _options(shapes):
    """Returns a boolean array `(choices, options)`: which choice has which options."""
    lengths = np.concatenate(
        [np.full(*shape) for name, shape in shapes.items() if name != "stop"]
    )
    return np.arange(lengths.max()) < lengths[:, None]


@keras.saving.register_keras_serializable(package="keras_nm")
class ZerosAndLast(keras.initializers.Initializer):
    """Initializes a bias with zeros, and a value for the last logit, which is stopping."""

    def __init__(self, value):
        self.value = value

    def __call__(self, shape, dtype=None):
        last = ops.one_hot(shape[-1] - 1, shape[-1], dtype=dtype)
        return ops.broadcast_to(self.value * last, shape)

    def get_config(self):
        return {"value": self.value}
