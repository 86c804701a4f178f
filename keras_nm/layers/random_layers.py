"""Lets random layers inside a cell draw for all time steps at once, before the loop.

A layer such as `keras.layers.GaussianNoise` changes the state of its random numbers at
every call. In a loop over time steps this is slow, and on the JAX backend it is impossible.
Drawn before the loop, the numbers enter it as further channels of its inputs.

Axes: B batch, T timesteps.
"""

import contextlib
import itertools
import math

import keras
from keras import ops

from keras_nm.keras_internals import AutocastScope, inner_layers
from keras_nm.layers.random_numbers import normal, uniform
from keras_nm.layers.replaced import replaced


def _dropout(layer, shape):
    if layer.noise_shape is not None:
        steps, *rest = shape
        sizes = zip(layer.noise_shape, rest, strict=True)
        shape = (steps, *(own if fixed is None else fixed for fixed, own in sizes))
    is_kept = uniform(shape, layer.seed_generator) >= layer.rate
    return ops.cast(is_kept, "float32") / (1 - layer.rate or 1)  # a rate of 1 keeps none


def _gaussian_dropout(layer, shape):
    stddev = math.sqrt(layer.rate / (1 - layer.rate))
    return 1 + stddev * normal(shape, layer.seed_generator)


def _gaussian_noise(layer, shape):
    return layer.stddev * normal(shape, layer.seed_generator)


# By the class of a layer: what it draws, and how that changes the layer's inputs.
_RANDOM_LAYERS = {
    keras.layers.Dropout: (_dropout, ops.multiply),
    keras.layers.GaussianDropout: (_gaussian_dropout, ops.multiply),
    keras.layers.GaussianNoise: (_gaussian_noise, ops.add),
}


@contextlib.contextmanager
def drawn_before_loop(cell, sequences, training):
    """Draws what the random layers inside a cell need at all time steps.

    Within the context the cell takes the sequences that the context yields, and its random
    layers use what was drawn for their step.

    Args:
        cell: An `InnerDropout` cell.
        sequences: Tensor `(B, T, features)`.
        training: Boolean, whether random layers are random.

    Yields:
        Tensor `(B, T, more features)`.
    """
    layers = [
        layer
        for layer in inner_layers(cell)
        # With a rate or deviation of 0 it has no seed.
        if type(layer) in _RANDOM_LAYERS and hasattr(layer, "seed_generator")
    ]
    if not layers or not training:
        yield sequences
        return

    calls = _calls_of(layers, cell, sequences[:, 0])
    if not any(calls):
        yield sequences
        return
    batch_size, num_steps, num_features = ops.shape(sequences)
    draws = []  # (B, T, size) each
    for layer, x in filter(None, calls):
        draw, _ = _RANDOM_LAYERS[type(layer)]
        shape = (num_steps, batch_size, *x.shape[1:])
        drawn = ops.swapaxes(ops.broadcast_to(draw(layer, shape), shape), 0, 1)
        draws.append(ops.reshape(drawn, (batch_size, num_steps, math.prod(x.shape[1:]))))
    dtype = keras.backend.result_type(sequences.dtype, "float32")
    sequences = ops.concatenate([ops.cast(x, dtype) for x in (sequences, *draws)], axis=-1)
    *bounds, _ = itertools.accumulate([num_features, *(x.shape[-1] for x in draws)])

    call = cell.call

    def call_with_draws(inputs_and_draws, states, training=False):
        step_inputs, *step_draws = ops.split(inputs_and_draws, bounds, axis=-1)
        step_draws, step_calls = iter(step_draws), iter(calls)

        def function_of(layer):
            own, (_, combine) = layer.call, _RANDOM_LAYERS[type(layer)]

            def function(x, training=False):
                if not training:
                    return x
                if not next(step_calls, None):
                    return own(x, training=True)
                drawn = ops.reshape(next(step_draws), (-1, *x.shape[1:]))
                return combine(x, ops.cast(drawn, x.dtype))

            return function

        with replaced({layer: {"call": function_of(layer)} for layer in layers}):
            return call(step_inputs, states, training=training)

    with replaced({cell: {"call": call_with_draws}}):
        yield sequences


def _calls_of(layers, cell, step_input):
    """Returns the calls of random layers in one training step of a cell.

    Each is a layer and its inputs, or `None` if their first axis is not the batch: then the
    layer draws for itself.
    """
    if step_input.shape[0] is None:
        # The batch is told from other axes by its size. Replicas divide it.
        replicas = [getattr(x, "num_replicas", None) or 1 for x in inner_layers(cell)]
        shape = (2 * math.lcm(*replicas), *step_input.shape[1:])
        step_input = ops.zeros(shape, step_input.dtype)
    calls = []

    def function_of(layer):
        def function(x, training=False):
            if training:
                calls.append((layer, x) if x.shape[0] == step_input.shape[0] else None)
            return x

        return function

    # What the other layers do to their own state is forgotten.
    scope = keras.StatelessScope()
    with AutocastScope(None):
        for variable in cell.variables:
            scope.add_update((variable, ops.copy(variable)))
    with scope, replaced({layer: {"call": function_of(layer)} for layer in layers}):
        cell.call_inner_cells(step_input, training=True)
    return calls
