"""Dtype policies: outputs follow them, and machines compute in float32 at least."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from machine_cases import (
    ONE_PER_MACHINE,
    assert_close,
    each_machine,
    each_machine_with_a_cell,
    each_sequence_machine,
    model_of,
    with_cases,
)

import keras_nm


def check_dtypes(case, inputs, policy):
    layer = case.make()
    outputs = layer(inputs)
    cast = case.make(dtype=policy)
    cast.build(inputs.shape)
    cast.set_weights(layer.get_weights())
    with tf.GradientTape() as tape:
        cast_outputs = cast(inputs, training=True)
        loss = tf.reduce_sum(tf.cast(cast_outputs, "float32") ** 2)
    dtype = case.output_dtype(policy)
    assert keras.backend.standardize_dtype(cast_outputs.dtype) == dtype
    half = dtype in ("float16", "bfloat16")
    assert_close(tf.cast(cast_outputs, "float32"), outputs, 5e-2 if half else 1e-5)
    for gradient in tape.gradient(loss, [w.value for w in cast.trainable_weights]):
        assert np.all(np.isfinite(tf.cast(gradient, "float32")))
    trace = cast.trace(inputs)
    for name in case.distributions:
        dtype = "float64" if policy == "float64" else "float32"
        assert keras.backend.standardize_dtype(trace[name].dtype) == dtype, name
        sums = np.sum(trace[name], axis=-1)
        np.testing.assert_allclose(sums, 1, atol=1e-5, err_msg=name)


@each_machine
def test_half_precision(case, inputs):
    check_dtypes(case, inputs, "mixed_float16")


@each_machine
def test_double_precision(case, inputs):
    check_dtypes(case, inputs, "float64")


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float16"])
@with_cases(ONE_PER_MACHINE)
def test_other_precisions(case, inputs, policy):
    check_dtypes(case, inputs, policy)


@pytest.fixture
def half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


@each_machine_with_a_cell
def test_a_global_policy_reaches_the_controller_only(case, inputs, half_precision):
    # A controller of one's own: the machine gives its default one its own policy.
    layer = case.make(controller=keras.layers.Dense(8))
    outputs = layer(inputs)
    assert layer.cell.compute_dtype == "float32"
    assert layer.cell.controller.compute_dtype == "float16"
    assert outputs.dtype == case.output_dtype("mixed_float16")
    model_of(layer, case.symbolic_inputs())


def test_a_chained_cell_keeps_memory_in_float32(half_precision, rng):
    machine = keras_nm.layers.NTMCell(5, memory_shape=(6, 3))
    half = keras.layers.LSTMCell(4, dropout=0.1)
    cell = keras_nm.layers.ChainedCell([keras.layers.Dense(3), half, machine])
    assert (half.compute_dtype, cell.compute_dtype) == ("float16", "float32")
    x = rng.normal(size=(2, 3, 4)).astype("float32")
    model = keras.Sequential([keras.Input((3, 4)), keras.layers.RNN(cell)])
    model.compile("sgd", "mse")
    model.fit(x, np.ones((2, 5)), verbose=0)
    assert model(x).dtype == "float16"
    _, states = cell(x[:, 0], cell.get_initial_state(2))
    memory = machine.named_states(states[-1])["memory"].numpy()
    assert np.any(memory != memory.astype("float16"))
    again = keras_nm.layers.ChainedCell.from_config(cell.get_config())
    assert again.compute_dtype == "float32"
    halves = keras_nm.layers.ChainedCell([keras.layers.Dense(3), half])
    assert halves.compute_dtype == "float16"


@each_sequence_machine
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_outputs_are_rounded_float32_outputs(case, inputs, policy):
    layer = case.make()
    # Inputs, and so their products with float32 weights, lose nothing.
    sequences = np.round(inputs * 16) / 16
    outputs = layer(sequences).numpy()
    cast = case.make(dtype=policy)
    cast.build(sequences.shape)
    cast.set_weights(layer.get_weights())
    rounded = tf.cast(tf.cast(outputs, cast.compute_dtype), "float32")
    # Numbers in the middle between two may go either way.
    assert np.mean(tf.cast(cast(sequences), "float32") != rounded) < 0.1


@each_sequence_machine
def test_a_trace_rounds_its_inputs_as_a_call_does(case, inputs):
    layer = case.make(dtype="mixed_bfloat16")
    rounded = tf.cast(tf.cast(inputs, "bfloat16"), "float32")
    assert np.any(rounded != inputs)
    for name, value in layer.trace(inputs).items():
        np.testing.assert_array_equal(value, layer.trace(rounded)[name])


def test_a_tracer_rounds_as_its_model_does(rng):
    x = rng.normal(size=(2, 3, 4)).astype("float32")
    inputs = keras.Input((None, 4))
    layer = keras_nm.layers.NTM(5, memory_shape=(6, 3), dtype="float32", name="machine")
    model = keras.Model(inputs, layer(inputs))
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        trace = keras_nm.layers.Tracer(model)(x)["machine"]
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_array_equal(trace["output"][:, -1], model(x))
