"""A search for faults: hundreds of random settings of the machines, at extremes."""

import hypothesis
import keras
import numpy as np
import pytest
import tensorflow as tf
from random_settings import TRIALS
from toy_machine import ToyMachine

from keras_nm.layers import DNC, NPI, NRAM, NTM, NeuralGPU, StackRNN, TapeRNN
from keras_nm.machines import MACHINES

# Several searches per machine, which can run side by side.
SEARCHES = {
    NTM: 8,
    DNC: 2,
    NRAM: 6,
    StackRNN: 3,
    TapeRNN: 3,
    NPI: 2,
    NeuralGPU: 2,
    ToyMachine: 1,
}

search = hypothesis.settings(
    max_examples=16,
    database=None,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


def test_every_machine_is_searched():
    assert {row.layer for row in MACHINES.values()} <= set(SEARCHES)


def as_numpy(x):
    return keras.ops.convert_to_numpy(keras.ops.cast(x, "float64"))


def assert_same(actual, expected, layer):
    half = layer.compute_dtype == "bfloat16"
    tolerance = 1e-2 if half else 1e-4
    actual, expected = as_numpy(actual), as_numpy(expected)
    largest = np.max(np.abs(expected), initial=1.0)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * largest)


def check_values_and_gradients(layer, trial):
    with tf.GradientTape() as tape:
        outputs = layer(trial.inputs, training=True, **trial.call_options)
        # The gradient of the outputs is an array of ones and minus ones.
        signs = np.random.default_rng(trial.seed).choice([-1, 1], outputs.shape)
        loss = tf.reduce_sum(tf.cast(outputs, "float64") * signs)
        loss += tf.cast(sum(layer.losses), "float64")
    assert np.all(np.isfinite(as_numpy(outputs)))
    for weight, gradient in zip(
        layer.trainable_weights,
        tape.gradient(loss, [weight.value for weight in layer.trainable_weights]),
        strict=True,
    ):
        assert gradient is None or np.all(np.isfinite(as_numpy(gradient))), weight.path


def check_trace(layer, trial):
    for name, values in layer.trace(trial.inputs, **trial.call_options).items():
        values = as_numpy(values)
        assert np.all(np.isfinite(values)), name
        if name in trial.distributions:
            sums = values.sum(axis=-1)
            # Before its first step, a masked sequence has no trace but zeros.
            sums = np.where(np.all(values == 0, axis=-1), 1.0, sums)
            np.testing.assert_allclose(sums, 1.0, atol=1e-3, err_msg=name)


def check_copies(layer, trial, path):
    expected = layer(trial.inputs, **trial.call_options)
    copy = type(layer).from_config(layer.get_config())
    copy.build(trial.inputs.shape)
    copy.set_weights(layer.get_weights())
    assert_same(copy(trial.inputs, **trial.call_options), expected, layer)
    symbolic = keras.Input(trial.inputs.shape[1:], dtype=trial.inputs.dtype.name)
    model = keras.Model(symbolic, layer(symbolic))
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert_same(loaded(trial.inputs), model(trial.inputs), layer)


def check(trial, path):
    layer = trial.layer()
    check_values_and_gradients(layer, trial)
    check_trace(layer, trial)
    expected = layer(trial.inputs, **trial.call_options)
    assert_same(trial.by_steps(layer, trial), expected, layer)
    check_copies(layer, trial, path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layer", "seed"),
    [(layer, seed) for layer, number in SEARCHES.items() for seed in range(number)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_random_settings(layer, seed, tmp_path):
    @hypothesis.seed(seed)
    @search
    @hypothesis.given(TRIALS[layer])
    def check_each(trial):
        check(trial, tmp_path / "model.keras")

    check_each()
