"""Reshapes tensors: flat for Keras, and in their own axes for the equations."""

import math

import keras
from keras import ops


def flatten(x):
    """Brings a tensor to the shape `(B, size)` that Keras requires of a state."""
    if len(x.shape) == 2:
        return x
    sizes = tuple(x.shape[1:])
    # A known size must stay known: other layers need it.
    return ops.reshape(x, (ops.shape(x)[0], -1 if None in sizes else math.prod(sizes)))


def joined(named, shapes):
    """Joins tensors into one tensor `(B, total size)`.

    Args:
        named: Dict from name to tensor `(B, *shape)`.
        shapes: Dict from name to shape, without the batch, in the order of the result.

    Returns:
        A tensor, which `split` takes apart again.
    """
    parts = [ops.reshape(named[x], (-1, math.prod(s))) for x, s in shapes.items()]
    return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]


def total_size(shapes):
    """Returns the total size of the tensors in a dict of shapes."""
    return sum(math.prod(shape) for shape in shapes.values())


def split(flat, shapes):
    """Splits a tensor that holds several tensors.

    Args:
        flat: Tensor `(B, total size)` or `(B, T, total size)`, possibly symbolic.
        shapes: Dict from name to shape, without batch and time, in the order of `flat`.

    Returns:
        Dict from name to tensor `(B, *shape)` or `(B, T, *shape)`.
    """
    named = {}
    start = 0
    for name, shape in shapes.items():
        end = start + math.prod(shape)
        part = flat[..., start:end]
        if len(flat.shape) == 2:
            named[name] = ops.reshape(part, (-1, *shape))
        else:
            # A layer, because it also takes symbolic tensors of unknown length.
            named[name] = keras.layers.Reshape((-1, *shape), dtype=flat.dtype)(part)
        start = end
    return named
