"""Gradients that are summed after the loop are those of automatic differentiation."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import keras_nm
from keras_nm.layers import machine, weight_gradients

BATCH, STEPS, FEATURES, UNITS = 2, 4, 3, 5
MASK = np.array([[True, False, True, True], [False, True, True, False]])


@pytest.fixture
def inputs(rng):
    return tf.constant(rng.normal(size=(BATCH, STEPS, FEATURES)), "float32")


def machine_with(controller, **options):
    """Returns a machine with weights that are not zero, as biases are at first."""
    layer = keras_nm.layers.StackRNN(
        UNITS, (3, 2), controller=controller, **{"return_sequences": True, **options}
    )
    layer.build((BATCH, STEPS, FEATURES))
    for index, weight in enumerate(layer.trainable_weights):
        weight.assign_add(0.3 * keras.random.normal(weight.shape, seed=index))
    return layer


def gradients(layer, inputs, states=None, **options):
    """Returns the gradients of a loss by inputs, initial states and weights."""
    states = states or []
    weights = [weight.value for weight in layer.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch([inputs, *states])
        outputs = layer(inputs, initial_state=states or None, training=True, **options)
        loss = sum(
            tf.reduce_sum(tf.sin((index + 1) * tf.cast(x, "float32")))
            for index, x in enumerate(keras.tree.flatten(outputs))
        )
    unused = tf.UnconnectedGradients.ZERO
    return tape.gradient(loss, [inputs, *states, *weights], unconnected_gradients=unused)


@contextlib.contextmanager
def left_to_automatic_differentiation():
    @contextlib.contextmanager
    def nothing_summed(cell, sequences, scope, training):
        yield sequences

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "summed_after_loop", nothing_summed)
        yield


def assert_the_same(layer, inputs, rtol=1e-5, **options):
    with left_to_automatic_differentiation():
        automatic = gradients(layer, inputs, **options)
    summed = gradients(layer, inputs, **options)
    for a, b in zip(automatic, summed, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.max(np.abs(a)))


def number_summed(layer, inputs):
    """Returns how many layers sum their gradients."""
    fits, summed = weight_gradients._fits, []

    def spy(layer):
        summed.append(fits(layer))
        return summed[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weight_gradients, "_fits", spy)
        layer(inputs, training=True)
    return sum(summed)


def chained():
    return keras_nm.layers.ChainedCell(
        [
            keras.layers.Dense(6, activation="relu"),
            keras.layers.LSTMCell(3),
            keras.layers.SimpleRNNCell(4),
        ]
    )


class OwnWay(keras.layers.Layer):
    """Calls a layer as a function says, which gets its inputs and the layer."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.map = keras.layers.Dense(4, activation="tanh")

    def call(self, x):
        return self.function(x[:, :4], self.map)


def in_a_loop(x, layer):
    return ops.fori_loop(0, 3, lambda i, x: layer(x), x)


def on_parts(x, layer):
    parts = ops.vectorized_map(layer, ops.reshape(x, (-1, 2, 2)))
    return ops.reshape(parts, (-1, 8))


def on_merged_axes(x, layer):
    return ops.reshape(layer(ops.reshape(x, (-1, 2))), (-1, 8))


class LoopingChain(keras_nm.layers.ChainedCell):
    """A user's cell, which calls a layer in a loop of its own."""

    def __init__(self):
        super().__init__([keras.layers.Dense(5), keras.layers.SimpleRNNCell(3)])

    def call(self, inputs, states, training=False):
        dense, cell = self.layers
        inputs = ops.fori_loop(0, 3, lambda i, x: dense(x), dense(inputs))
        outputs, state = cell(inputs, [states[0]])
        return outputs, state


class ByTwos(keras_nm.layers.StackRNNCell):
    """A user's cell, whose map is called on pairs of features."""

    def __init__(self):
        super().__init__(UNITS, (3, 2), controller=keras.layers.Dense(4))
        self.pairs_map = keras.layers.Dense(2, activation="tanh")

    def build(self, input_shape):
        super().build(input_shape)
        self.pairs_map.build((None, 2))

    def step(self, inputs, states, training=False, trace=None):
        pairs = ops.reshape(inputs[:, :4], (-1, 2))
        inputs = ops.concatenate(
            [ops.reshape(self.pairs_map(pairs), (-1, 4)), inputs[:, 4:]], axis=-1
        )
        return super().step(inputs, states, training, trace)


def sequential(*parts):
    return keras.Sequential([keras.layers.Dense(4, activation="tanh"), *parts])


# By name: a controller, and how many of its layers sum their gradients.
CONTROLLERS = {
    "sequential": (lambda: sequential(keras.layers.Dense(3)), 2),
    "nested": (lambda: sequential(sequential(keras.layers.Dense(3))), 3),
    "a loop": (lambda: OwnWay(in_a_loop), 0),
    "parts": (lambda: OwnWay(on_parts), 0),
    "merged axes": (lambda: OwnWay(on_merged_axes), 0),
    "a layer that is not known": (lambda: sequential(OwnWay(on_merged_axes)), 0),
    "a cell that is not known": (ByTwos, 0),
    "a chain that is not known": (LoopingChain, 0),
    "dense": (lambda: keras.layers.Dense(4, activation="tanh"), 1),
    "LSTM": (lambda: keras.layers.LSTMCell(4), 1),
    "chained": (chained, 3),
    "LSTM in parts": (lambda: keras.layers.LSTMCell(4, implementation=1), 0),
    "LSTM without a bias": (lambda: keras.layers.LSTMCell(4, use_bias=False), 0),
    "LSTM with dropout": (lambda: keras.layers.LSTMCell(4, dropout=0.5), 0),
    "GRU": (lambda: keras.layers.GRUCell(4), 0),
    "frozen": (lambda: keras.layers.Dense(4, trainable=False), 0),
}


@pytest.mark.parametrize("name", CONTROLLERS)
def test_controllers(name, inputs):
    make, expected = CONTROLLERS[name]
    layer = machine_with(make())
    assert number_summed(layer, inputs) == expected + 3  # the machine's own maps
    if name != "LSTM with dropout":  # which draws other masks in every call
        assert_the_same(layer, inputs)


def test_a_cell_that_is_not_known(rng):
    layer = machine.MachineLayer(ByTwos(), return_sequences=True)
    pairs = tf.constant(rng.normal(size=(BATCH, STEPS, 4)), "float32")
    layer.build(pairs.shape)
    assert number_summed(layer, pairs) == 0
    assert_the_same(layer, pairs)


LOOPS = {
    "forwards": {"return_state": True},
    "backwards": {"go_backwards": True},
    "unrolled": {"unroll": True},
    "only the last output": {"return_sequences": False},
    "zeros for masked steps": {"zero_output_for_mask": True},
}


@pytest.mark.parametrize("mask", [None, MASK], ids=["no mask", "mask"])
@pytest.mark.parametrize("loop", LOOPS)
def test_loops_from_given_states(loop, mask, inputs, rng):
    layer = machine_with(keras.layers.LSTMCell(4), **LOOPS[loop])
    sizes = layer.cell.state_size
    states = [tf.constant(rng.normal(size=(BATCH, x)), "float32") for x in sizes]
    assert_the_same(layer, inputs, states=states, mask=mask)


def test_stateful(inputs):
    layer = machine_with(keras.layers.LSTMCell(4), stateful=True)
    for _ in range(2):
        layer.reset_state()
        layer(inputs)  # not the initial state
    with left_to_automatic_differentiation():
        automatic = gradients(layer, inputs)
    layer.reset_state()
    layer(inputs)
    for a, b in zip(automatic, gradients(layer, inputs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_layer_that_is_used_twice(inputs):
    dense = keras.layers.Dense(4, activation="tanh")
    controller = keras.Sequential([keras.layers.Dense(4), dense, dense])
    layer = machine_with(controller)
    assert number_summed(layer, inputs) == 2 + 3
    assert_the_same(layer, inputs)


def test_random_layers_draw_the_same(inputs):
    noise = keras.layers.GaussianNoise(0.5, seed=1)
    layer = machine_with(keras.Sequential([keras.layers.Dense(4), noise]))
    seed = noise.seed_generator.state
    start = seed.numpy()
    with left_to_automatic_differentiation():
        automatic = gradients(layer, inputs)
    assert np.any(seed.numpy() != start)
    seed.assign(start)
    for a, b in zip(automatic, gradients(layer, inputs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_half_precision(inputs):
    layer = machine_with(keras.layers.LSTMCell(4, dtype="mixed_bfloat16"))
    assert_the_same(layer, inputs, rtol=0.05)


def test_lengths_and_batches_that_are_not_known(inputs):
    """As in `model.fit`, also compiled with XLA, and with a tape outside the graph."""
    layer = machine_with(keras.layers.LSTMCell(4))
    with left_to_automatic_differentiation():
        automatic = gradients(layer, inputs)
    signature = [tf.TensorSpec((None, None, FEATURES))]
    for compiled in (False, True):
        function = tf.function(
            lambda x: gradients(layer, x), input_signature=signature, jit_compile=compiled
        )
        for a, b in zip(automatic, function(inputs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)

    outside = tf.function(lambda x: layer(x, training=True), input_signature=signature)
    weights = [weight.value for weight in layer.trainable_weights]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.sin(outside(inputs)))
    for a, b in zip(automatic[1:], tape.gradient(loss, weights), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_second_derivatives(inputs):
    layer = machine_with(keras.layers.LSTMCell(4))
    weight = layer.cell.output_map.kernel.value

    def second():
        with tf.GradientTape() as tape:
            first = gradients(layer, inputs)
            square = sum(tf.reduce_sum(tf.square(x)) for x in first)
        return tape.gradient(square, weight)

    with left_to_automatic_differentiation():
        expected = second()
    np.testing.assert_allclose(second(), expected, rtol=1e-4, atol=1e-4)
