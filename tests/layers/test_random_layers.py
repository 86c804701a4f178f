"""Random layers in a controller draw anew for every example and time step."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from toy_machine import ToyMachine

BATCH, STEPS, UNITS = 20, 30, 6


def drawn(*random_layers, bias=0.0, **options):
    """Returns the outputs of a machine that puts out what its controller does."""
    dense = keras.layers.Dense(UNITS, kernel_initializer="zeros")
    layer = ToyMachine(
        UNITS,
        leak=0.0,
        controller=keras.Sequential([dense, *random_layers]),
        return_sequences=True,
        **options,
    )
    sequences = np.zeros((BATCH, STEPS, 2), "float32")
    layer(sequences)
    dense.bias.assign(np.full(UNITS, bias))
    layer.cell.total_map.kernel.assign(np.eye(UNITS))
    outputs = [np.asarray(layer(sequences, training=True)) for _ in range(2)]
    assert np.all(np.asarray(layer(sequences)) == bias)  # not random outside training
    assert np.any(outputs[0] != outputs[1])
    return outputs[0]


@pytest.mark.parametrize("unroll", [False, True])
def test_gaussian_noise(unroll):
    noise = drawn(keras.layers.GaussianNoise(0.5), unroll=unroll)
    assert len(np.unique(noise)) == noise.size
    assert abs(noise.mean()) < 0.05
    assert abs(noise.std() - 0.5) < 0.05


def test_gaussian_dropout():
    outputs = drawn(keras.layers.GaussianDropout(0.2), bias=3.0)
    assert len(np.unique(outputs)) > 0.99 * outputs.size
    assert abs(outputs.mean() - 3) < 0.15
    assert abs(outputs.std() - 3 * np.sqrt(0.2 / 0.8)) < 0.15


def test_dropout():
    outputs = drawn(keras.layers.Dropout(0.25), bias=3.0)
    np.testing.assert_allclose(np.unique(outputs), [0, 4], rtol=1e-6)
    assert abs(np.mean(outputs == 0) - 0.25) < 0.05
    # No two steps, and no two examples, have the same mask.
    assert len(np.unique(outputs.reshape(BATCH * STEPS, UNITS), axis=0)) > 40
    assert not np.any(np.all(outputs[:, 1:] == outputs[:, :-1], axis=(0, 2)))


def test_dropout_of_everything():
    ones = keras.layers.Dense(UNITS, bias_initializer="ones")
    layers = [ones, keras.layers.Dropout(1.0)]
    np.testing.assert_array_equal(outputs_of(keras.Sequential(layers)), 0)


def test_dropout_of_whole_vectors():
    outputs = drawn(keras.layers.Dropout(0.5, noise_shape=(None, 1)), bias=1.0)
    assert np.all(outputs == outputs[:, :, :1])
    assert 0.4 < np.mean(outputs == 0) < 0.6


def test_several_layers_draw_apart():
    first, second = keras.layers.GaussianNoise(0.5), keras.layers.GaussianNoise(0.5)
    both = drawn(first, second)
    assert abs(both.std() - 0.5 * np.sqrt(2)) < 0.05


def test_a_layer_that_is_used_twice_draws_twice():
    noise = keras.layers.GaussianNoise(0.5)
    both = drawn(noise, noise)
    assert abs(both.std() - 0.5 * np.sqrt(2)) < 0.05


def test_the_seed_decides():
    def outputs():
        keras.utils.set_random_seed(3)
        return drawn(keras.layers.Dropout(0.25), bias=3.0)

    np.testing.assert_array_equal(outputs(), outputs())


class OwnWay(keras.layers.Layer):
    """A controller that calls Dropout in the way that a function says."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.dense = keras.layers.Dense(
            UNITS, kernel_initializer="zeros", bias_initializer="ones"
        )
        self.dropout = keras.layers.Dropout(0.5)

    def call(self, x, training=False):
        return self.function(self.dense(x), self.dropout, training)


def outputs_of(controller, batch_size=BATCH):
    layer = ToyMachine(UNITS, leak=0.0, controller=controller, return_sequences=True)
    sequences = np.zeros((BATCH, STEPS, 2), "float32")
    layer(sequences)
    layer.cell.total_map.kernel.assign(np.eye(UNITS))
    signature = [tf.TensorSpec((batch_size, STEPS, 2))]
    train = tf.function(lambda x: layer(x, training=True), input_signature=signature)
    return np.asarray(train(sequences))


def test_a_layer_that_is_called_for_inference_does_not_draw():
    frozen = OwnWay(lambda x, dropout, training: dropout(x, training=False))
    np.testing.assert_array_equal(outputs_of(frozen), 1)


def test_a_layer_that_is_only_called_in_training():
    def function(x, dropout, training):
        return dropout(x, training=True) if training else x

    outputs = outputs_of(OwnWay(function))
    assert set(np.unique(outputs)) == {0, 2}
    assert not np.any(np.all(outputs[:, 1:] == outputs[:, :-1], axis=(0, 2)))


@pytest.mark.parametrize("batch_size", [None, BATCH])
def test_axes_that_are_merged_with_the_batch(batch_size):
    def function(x, dropout, training):
        parts = keras.ops.reshape(x, (-1, UNITS // 2))
        return keras.ops.reshape(dropout(parts, training=training), (-1, UNITS))

    outputs = outputs_of(OwnWay(function), batch_size)
    assert set(np.unique(outputs)) == {0, 2}
    assert not np.any(np.all(outputs[:, 1:] == outputs[:, :-1], axis=(0, 2)))
    assert not np.any(np.all(outputs[1:] == outputs[:-1], axis=(1, 2)))


@pytest.mark.parametrize("batch", [1, 3, 4])
def test_tensors_of_any_rank(batch):
    """Each example and each place has a mask of its own."""
    inner = keras.Sequential(
        [
            keras.layers.Dense(20, kernel_initializer="zeros", bias_initializer="ones"),
            keras.layers.Reshape((4, 5)),
            keras.layers.Dropout(0.5),
            keras.layers.Flatten(),
        ]
    )
    layer = ToyMachine(20, leak=0.0, controller=inner, return_sequences=True)
    sequences = np.zeros((batch, STEPS, 2), "float32")
    layer(sequences)
    layer.cell.total_map.kernel.assign(np.eye(20))
    outputs = np.asarray(layer(sequences, training=True))
    np.testing.assert_allclose(np.unique(outputs), [0, 2])
    masks = outputs.reshape(batch, STEPS, 4, 5)
    for first, second in itertools.combinations(range(4), 2):
        assert np.any(masks[:, :, first] != masks[:, :, second])
    for first, second in itertools.combinations(range(batch), 2):
        assert np.any(masks[first] != masks[second])
