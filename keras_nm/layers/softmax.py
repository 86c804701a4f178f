"""The softmax of a machine's choices."""

from keras import ops


def softmax(logits):
    """Returns the softmax over the last axis, without a warning for a single option.

    Keras warns of an axis of size 1. A machine with one register, one location or no shift
    has nothing to choose there.

    Args:
        logits: Tensor of shape `(..., options)`.

    Returns:
        A tensor of the same shape, which sums to 1 over the options.
    """
    return ops.ones_like(logits) if logits.shape[-1] == 1 else ops.softmax(logits)
