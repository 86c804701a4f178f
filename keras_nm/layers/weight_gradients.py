"""Sums the gradients of weights over all time steps after the loop, as one product each.

Automatic differentiation multiplies and adds at every time step, for every weight, and the
products of one step are too small to be fast. Here a step only hands out the factors of its
product. They leave the loop as the gradient of an input of its own, which is empty.

Axes: B batch, T timesteps, U units of a layer, F all that its kernels multiply.
"""

import contextlib
import itertools
from typing import NamedTuple

import keras
from keras import ops

from keras_nm.keras_internals import inner_layers
from keras_nm.layers.gradients import with_gradient
from keras_nm.layers.inner_dropout import InnerDropout
from keras_nm.layers.replaced import replaced

# By the class of a layer: its kernels, in the order of what they multiply. The layer adds
# their products and its bias, and uses what they multiply for nothing else.
_KERNELS = {
    keras.layers.Dense: ["kernel"],
    keras.layers.LSTMCell: ["kernel", "recurrent_kernel"],
    keras.layers.SimpleRNNCell: ["kernel", "recurrent_kernel"],
}


@contextlib.contextmanager
def summed_after_loop(cell, sequences, scope, training):
    """Lets layers inside a cell sum the gradients of their weights after the loop.

    They are those of automatic differentiation, in another order of summation. Left to it
    are layers of other classes than `Dense`, `LSTMCell` and `SimpleRNNCell`, and those
    without a bias, with dropout, or with weights that are frozen or quantized. So are all
    layers inside a cell or layer whose class is not known: it may call them in a loop of
    its own, or on other tensors than one vector per example.

    Args:
        cell: A Keras RNN cell.
        sequences: Tensor `(B, T, features)`.
        scope: The `keras.StatelessScope` of the loop, with the values of the weights.
        training: Boolean. If it is false, nothing changes.

    Yields:
        What `keras.layers.RNN` gives to the cell within the context.
    """
    parts = _parts(cell) if training and _is_of_package(cell, "keras_nm") else []
    maps = [_LinearMap(x, scope) for x in parts if _fits(x)]
    if not maps:
        yield sequences
        return

    call = cell.call
    sizes = [x.num_factors for x in maps]

    def call_with_places(inputs, states, training=False):
        places = _split(inputs.places, sizes)
        with contextlib.ExitStack() as stack:
            for linear_map, place in zip(maps, places, strict=True):
                stack.enter_context(linear_map.in_step(place))
            return call(inputs.sequences, states, training=training)

    batch_size, num_steps, _ = ops.shape(sequences)
    dtype = keras.backend.result_type(*(x.dtype for x in maps))

    def empty_places(*weights):
        def gradient(upstream):
            factors = _split(upstream[0], sizes)
            pairs = zip(maps, factors, strict=True)
            return tuple(y for x, own in pairs for y in x.gradients(own))

        return ops.zeros((batch_size, num_steps, sum(sizes)), dtype=dtype), gradient

    places = with_gradient(empty_places, *(weight for x in maps for weight in x.weights))
    with replaced({cell: {"call": call_with_places}}):
        yield _Inputs(sequences, places)


class _Inputs(NamedTuple):
    """The inputs of a loop. RNN asks for their shape, and its loop takes them apart."""

    sequences: object  # (B, T, features)
    # Empty. The gradient of a step's place is what the step hands out.
    places: object

    @property
    def shape(self):
        return self.sequences.shape


def _parts(container):
    """Yields the layers that a container calls once, on one vector per example."""
    for layer in inner_layers(container, at_any_depth=False):
        if not _is_container(layer):
            yield layer
        elif all(map(_is_known, inner_layers(layer))):
            yield from _parts(layer)


def _is_container(layer):
    ours = isinstance(layer, InnerDropout) and _is_of_package(layer, "keras_nm")
    return ours or type(layer) in (keras.Sequential, keras.layers.StackedRNNCells)


def _is_known(layer):
    """Returns whether a layer keeps the batch as it is, as the layers of Keras do."""
    own_way = (keras.layers.Lambda, keras.layers.Wrapper, keras.layers.RNN, keras.Model)
    of_keras = _is_of_package(layer, "keras")
    return _is_container(layer) or (of_keras and not isinstance(layer, own_way))


def _is_of_package(layer, package):
    return type(layer).__module__.startswith(f"{package}.")


def _fits(layer):
    names = _KERNELS.get(type(layer))
    return (
        names is not None
        and layer.trainable
        and layer.use_bias
        and len(layer.weights) == len(names) + 1  # more if quantized, or with LoRA
        and not getattr(layer, "dropout", 0)
        and not getattr(layer, "recurrent_dropout", 0)
        and getattr(layer, "implementation", 2) == 2  # 1 splits the weights by gates
    )


class _LinearMap:
    """A layer that sums the gradients of its weights after the loop."""

    def __init__(self, layer, scope):
        self._layer = layer
        self._scope = scope
        self._kernels = [getattr(layer, name) for name in _KERNELS[type(layer)]]
        variables = [*self._kernels, layer.bias]
        self.weights = [scope.get_current_value(variable) for variable in variables]
        self.dtype = layer.variable_dtype
        # Transposed once, because every time step multiplies with it.
        kernels = ops.concatenate(self.weights[:-1], axis=0)  # (F, U)
        self._transposed = ops.transpose(kernels)
        num_inputs, self._units = kernels.shape
        self._sizes = [kernel.shape[0] for kernel in self._kernels]
        # The outputs' gradient, what the kernels multiply, and the 1 that the bias does.
        self.num_factors = self._units + num_inputs + 1

    def gradients(self, factors):
        """Returns the gradients of the weights.

        Args:
            factors: Tensor `(B, T, U + F + 1)`, what all time steps have handed out.
        """
        factors = ops.cast(ops.reshape(factors, (-1, self.num_factors)), self.dtype)
        d_outputs, factors = _split(factors, [self._units, self.num_factors - self._units])
        products = ops.matmul(ops.transpose(factors), d_outputs)  # (F + 1, U)
        *kernels, bias = _split(products, [*self._sizes, 1], axis=0)
        return *kernels, bias[0]

    @contextlib.contextmanager
    def in_step(self, place):
        """Lets the layer's next call hand out its factors.

        Further calls in the same context, and calls with more than one vector per example,
        are left to automatic differentiation.

        Args:
            place: Tensor `(B, U + F + 1)`, zeros.
        """
        call = self._layer.call
        is_first = True

        def first_call(inputs, states=None, **options):
            nonlocal is_first
            if not is_first or len(inputs.shape) != 2:
                return call(*([inputs] if states is None else [inputs, states]), **options)
            is_first = False
            # The output of a cell is its first state. (The others are not multiplied.)
            previous, *others = keras.tree.flatten(states) or [None]
            factors = [inputs] if states is None else [inputs, previous]
            # All gradients pass through the bias, and none through the products.
            constants = (self.weights[-1], self._transposed)
            bias = with_gradient(self._bias_per_example, place, *constants, *factors)
            arguments = [ops.stop_gradient(x) for x in factors]
            if states is not None:
                new_states = [arguments.pop(), *others]
                arguments.append(keras.tree.pack_sequence_as(states, new_states))
            bias = ops.cast(bias, self._layer.compute_dtype)  # (B, U)
            with replaced({self._layer: {"bias": bias}}), self._constant_kernels():
                return call(*arguments, **options)

        with replaced({self._layer: {"call": first_call}}):
            yield

    def _bias_per_example(self, place, bias, transposed, *factors):
        ones = ops.ones_like(place[:, :1])  # (B, 1)

        def gradient(upstream):
            (d_outputs,) = upstream  # (B, U)
            d_factors = _split(ops.matmul(d_outputs, transposed), self._sizes)
            handed_out = [d_outputs, *(ops.cast(x, place.dtype) for x in factors), ones]
            pairs = zip(d_factors, factors, strict=True)
            d_factors = [ops.cast(d_x, x.dtype) for d_x, x in pairs]
            return ops.concatenate(handed_out, axis=-1), None, None, *d_factors

        return ops.cast(ones, self.dtype) * bias, gradient

    @contextlib.contextmanager
    def _constant_kernels(self):
        values = [self._scope.get_current_value(kernel) for kernel in self._kernels]
        for kernel, value in zip(self._kernels, values, strict=True):
            self._scope.add_update((kernel, ops.stop_gradient(value)))
        try:
            yield
        finally:
            for kernel, value in zip(self._kernels, values, strict=True):
                self._scope.add_update((kernel, value))


def _split(x, sizes, axis=-1):
    *bounds, _ = itertools.accumulate(sizes)
    return ops.split(x, bounds, axis=axis) if bounds else [x]
