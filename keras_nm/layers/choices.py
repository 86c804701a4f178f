"""Choices of a controller among options: distributions over the last axis of a tensor."""

from keras import ops

SELECTIONS = ("soft", "straight_through", "discrete")


def select(logits, selection):
    """Turns logits into a choice.

    Args:
        logits: Tensor of shape `(..., options)`.
        selection: `"soft"`, the softmax; `"discrete"`, the one-hot argmax, without a
            gradient; or `"straight_through"`, the values of `"discrete"` with the gradient
            of `"soft"`.

    Returns:
        A tensor of the same shape, which sums to 1 over the options.
    """
    if selection == "soft":
        return softmax(logits)
    hard = ops.one_hot(first_largest(logits), logits.shape[-1], dtype=logits.dtype)
    return harden(softmax(logits), hard, selection)


def soft_in_training(selection, training):
    """Returns the selection of a call, where `"discrete"` is the softmax in training.

    The paper of the Stack-RNN rounds a trained machine, and trains it unrounded.
    """
    return "soft" if training and selection == "discrete" else selection


def harden(soft, hard, selection):
    """Returns the soft or the hard form of a choice, as the selection says."""
    if selection == "soft":
        return soft
    if selection == "discrete":
        return hard
    return ops.stop_gradient(hard) + (soft - ops.stop_gradient(soft))


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


def first_largest(x):
    """Returns `ops.argmax` over the last axis, as int32.

    It takes the argmax of integers. The argmax of floats tells -0 from 0, by operations
    that only TensorFlow has, but exported models also run elsewhere.
    """
    largest = ops.equal(x, ops.max(x, axis=-1, keepdims=True))
    return ops.cast(ops.argmax(ops.cast(largest, "int32"), axis=-1), "int32")
