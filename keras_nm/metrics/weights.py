"""The weights of examples and of their steps."""

from keras import ops


def by_step(weight, dtype):
    """Returns weights as a tensor `(B, T)`, or `(B, 1)` for weights `(B,)` of examples."""
    weight = ops.cast(weight, dtype)
    return weight[:, None] if len(weight.shape) == 1 else weight
