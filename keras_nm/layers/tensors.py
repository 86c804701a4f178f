"""Reshapes tensors: flat for Keras, and in their own axes for the equations."""

import itertools
import math

import keras
import numpy as np
from keras import ops

from keras_nm.layers.gradients import with_gradient


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
    # One operation, whose gradient is one as well.
    ends = list(itertools.accumulate(math.prod(shape) for shape in shapes.values()))
    parts = ops.split(flat, ends[:-1], axis=-1) if len(shapes) > 1 else [flat]
    named = {}
    for (name, shape), part in zip(shapes.items(), parts, strict=True):
        if len(flat.shape) == 2:
            named[name] = ops.reshape(part, (-1, *shape))
        else:
            # A layer, because it also takes symbolic tensors of unknown length.
            named[name] = keras.layers.Reshape((-1, *shape), dtype=flat.dtype)(part)
    return named


def boolean_mask(x, mask):
    """Returns the entries of a tensor where a mask is true.

    Args:
        x: Tensor `(B, *shape)`.
        mask: Boolean NumPy array of this shape.

    Returns:
        Tensor `(B, entries)`, in the order of the mask.
    """
    return with_gradient(
        lambda x: (_mask(x, mask), lambda upstream: _unmask(upstream[0], mask, 0.0)), x
    )


def boolean_unmask(entries, mask, padding=0.0):
    """Puts entries where a mask is true, and a number elsewhere.

    Args:
        entries: Tensor `(B, entries)`, as from `boolean_mask`.
        mask: Boolean NumPy array `shape`.
        padding: Float.

    Returns:
        Tensor `(B, *shape)`.
    """
    return with_gradient(
        lambda x: (_unmask(x, mask, padding), lambda upstream: _mask(upstream[0], mask)),
        entries,
    )


# Each of the two is the other's gradient. The automatic gradients would be sums over
# indices, which take many times as long.


def _mask(x, mask):
    return ops.take(ops.reshape(x, (-1, mask.size)), np.flatnonzero(mask), axis=1)


def _unmask(entries, mask, padding):
    # The padding is one more entry, the last.
    padded = ops.pad(entries, [[0, 0], [0, 1]], constant_values=padding)
    indices = np.where(mask, np.cumsum(mask).reshape(mask.shape) - 1, mask.sum())
    return ops.take(padded, indices, axis=1)
