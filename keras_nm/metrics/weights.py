"""The weights of examples and of their steps."""

from keras import ops


def step_weights(values, *weights, dtype):
    """Returns how much each of the values `(B, T)` counts: the product of the weights.

    A weight is `None`, or a tensor `(B, T)`, or `(B,)` for whole examples.
    """
    product = ops.ones_like(values, dtype=dtype)
    for weight in weights:
        if weight is not None:
            weight = ops.cast(weight, dtype)
            product = product * (weight[:, None] if len(weight.shape) == 1 else weight)
    return product  # (B, T)
