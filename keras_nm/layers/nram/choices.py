"""Turns the logits of a Neural Random-Access Machine's controller into choices.

Choices are distributions over the last axis. Stopping is a special choice: it has one
logit `(B, 1)`, and a probability instead of a distribution.
"""

import keras
from keras import ops

from keras_nm.layers import choices


def select(logits, selection):
    """Turns logits into a choice.

    Args:
        logits: Tensor `(B, ..., choices)`, or `(B, 1)` for stopping.
        selection: One of `keras_nm.layers.choices.SELECTIONS`.

    Returns:
        A tensor of the same shape: distributions, or the probability of stopping.
    """
    if len(logits.shape) == 2:  # stopping
        stop = ops.cast(logits > 0, logits.dtype)
        return choices.harden(ops.sigmoid(logits), stop, selection)
    return choices.select(logits, selection)


def mean_entropy(logits, epsilon):
    """Returns the mean entropy of all choices of a step, in nats.

    It is the entropy of the soft choices, even where the machine takes the largest.

    Args:
        logits: Dict from name to tensor, as for `select`.
        epsilon: Float, the smallest value of a probability in its logarithm.

    Returns:
        Tensor `(B, 1)`.
    """
    entropies = []
    for part in logits.values():
        chosen = select(part, "soft")
        if len(part.shape) == 2:  # stopping: (B, 1, 2), to stop or not
            chosen = ops.stack([chosen, 1 - chosen], axis=-1)
        entropy = -ops.sum(chosen * ops.log(ops.maximum(chosen, epsilon)), axis=-1)
        entropies.append(ops.reshape(entropy, (ops.shape(entropy)[0], -1)))
    return ops.mean(ops.concatenate(entropies, axis=-1), axis=-1, keepdims=True)


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
