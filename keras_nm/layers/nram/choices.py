"""Turns the logits of a Neural Random-Access Machine's controller into choices.

The logits of all choices are one tensor `(B, size)`, and so are the choices. Both have
the layout of `NRAMCell.circuit_shapes`, whose last axes are the options of a choice.
Stopping is a special choice, and the last: it has one logit, and a probability instead of
a distribution.
"""

import keras
import numpy as np
from keras import ops

from keras_nm.layers import choices
from keras_nm.layers.tensors import boolean_mask, boolean_unmask

# So low a logit gets a probability of exactly 0.
_NEVER = -1e30


def select(logits, shapes, selection):
    """Turns logits into choices, by one softmax for all of them.

    Args:
        logits: Tensor `(B, size)`.
        shapes: Dict, the `circuit_shapes` of the cell.
        selection: One of `keras_nm.layers.choices.SELECTIONS`.

    Returns:
        Tensor `(B, size)`: distributions, and the probability of stopping.
    """
    rows = choices.select(in_rows(logits, shapes), selection)  # (B, choices, options)
    stop = logits[:, -1:]  # (B, 1)
    hard = ops.cast(stop > 0, stop.dtype)
    stop = choices.harden(ops.sigmoid(stop), hard, selection)
    return ops.concatenate([boolean_mask(rows, _options(shapes)), stop], axis=-1)


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

    rows = choices.softmax(in_rows(logits, shapes))
    stop = ops.sigmoid(logits[:, -1:])
    stop = ops.stack([stop, 1 - stop], axis=-1)  # (B, 1, 2), to stop or not
    entropies = ops.concatenate([entropy(rows), entropy(stop)], axis=-1)
    return ops.mean(entropies, axis=-1, keepdims=True)


def in_rows(logits, shapes):
    """Returns logits in one row per choice, without stopping.

    Args:
        logits: As for `select`.
        shapes: As for `select`.

    Returns:
        Tensor `(B, choices, options)`. Where a choice has fewer options than another, its
        row ends with very low logits.
    """
    return boolean_unmask(logits[:, :-1], _options(shapes), _NEVER)


def _options(shapes):
    """Returns a boolean array `(choices, options)`, which choice has which options."""
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
