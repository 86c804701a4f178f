"""The weights of examples and of their steps."""

import keras
from keras import ops


class StepLoss(keras.losses.Loss):
    """A loss whose `call` returns a value for each step, `(B, T)`.

    Its weights are `(B, T)`, or `(B,)` for whole examples. Keras would take the latter for
    weights of the steps. Of a layer with `return_sequences=False`, both are `(B,)`.
    """

    def __call__(self, y_true, y_pred, sample_weight=None):
        if sample_weight is not None:
            steps = y_pred[..., 0]  # (B, T), or (B,) without steps
            sample_weight = step_weights(steps, sample_weight, dtype=self.dtype)
        return super().__call__(y_true, y_pred, sample_weight)


def steps_of(values):
    """Returns a value for each step of examples as `(B, T)`, also if it is `(B,)`.

    The latter are the values of a layer with `return_sequences=False`.
    """
    return ops.reshape(values, (ops.shape(values)[0], -1))  # (B, T)


def step_weights(values, *weights, dtype):
    """Returns how much each of the values `(B, T)` counts: the product of the weights.

    A weight is `None`, or a tensor `(B, T)`, or `(B,)` for whole examples. Like Keras's
    losses, this also takes `(B, T, 1)`. Values may also be `(B,)`, of one step each.
    """
    product = ops.ones_like(values, dtype=dtype)
    for weight in weights:
        if weight is not None:
            weight = ops.cast(weight, dtype)
            axes = len(weight.shape) - len(values.shape)
            if axes < 0 and len(weight.shape) == 1:
                weight = weight[:, None]  # (B, 1)
            elif axes > 0:
                weight = ops.squeeze(weight, axis=-1)  # (B, T)
            product = product * weight
    return product  # (B, T)
