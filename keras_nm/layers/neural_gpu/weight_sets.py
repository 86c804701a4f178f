"""The weights of a cell, of which there may be several sets.

Axes: K entries of a neighborhood, M maps, R sets of weights.

A cell is a list of three pairs of a kernel `(R, ..., M, M)` and a bias `(R, M)`: of the
reset gate, of the update gate, and of the candidate.
"""

import itertools

import keras
from keras import ops


def drawn_apart(initializer):
    """Returns an initializer that draws each set by itself.

    Args:
        initializer: A Keras initializer of one set, or a function of a shape and a dtype.
    """
    count = itertools.count()

    def another():
        if not isinstance(initializer, keras.initializers.Initializer):
            return initializer
        if isinstance(getattr(initializer, "seed", None), keras.random.SeedGenerator):
            return initializer  # it never repeats its numbers
        # The same initializer would, and so would the same seed.
        config = initializer.get_config()
        if isinstance(config.get("seed"), int):
            config["seed"] += next(count)
        return type(initializer).from_config(config)

    def draw(shape, dtype=None):
        return ops.stack([another()(shape[1:], dtype=dtype) for _ in range(shape[0])])

    return draw


def matrices(cell):
    """Returns the weights of a cell as `steps` takes them, with the axis R in front."""
    reset, update, candidate = (
        (ops.reshape(kernel, (kernel.shape[0], -1, kernel.shape[-1])), bias)
        for kernel, bias in cell
    )
    gates = [ops.concatenate(both, axis=-1) for both in zip(reset, update, strict=True)]
    return gates, candidate


def distance(cells):
    """Returns the sum of the squared distances of the sets from their mean."""
    return sum(ops.sum(ops.square(x - _mean(x))) for x in _variables(cells))


def merge(cells):
    """Replaces all sets by their mean."""
    for x in _variables(cells):
        x.assign(ops.broadcast_to(_mean(x), x.shape))


def _mean(x):
    return ops.mean(x, axis=0, keepdims=True)


def _variables(cells):
    return [x for cell in cells for pair in cell for x in pair]
