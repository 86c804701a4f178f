"""`keras.Model.quantize` reaches the layers inside a machine, and files keep it."""

import keras
import numpy as np
import pytest
from keras.quantizers import AbsMaxQuantizer, Int8QuantizationConfig
from machine_cases import (
    CASES,
    ONE_PER_MACHINE,
    assert_close,
    model_of,
    once_per_kind,
    with_cases,
)

# Keras's words about every layer that has nothing to quantize, such as inputs and LSTM.
pytestmark = pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")

# How far answers may be from the exact ones, as a share of their norm. One step of int8
# weights is 1/127 of the largest of a column, of int4 weights 1/7.
MODES = {"int8": 0.03, "float8": 0.15, "int4": 0.15}


def weights_only():
    return Int8QuantizationConfig(AbsMaxQuantizer(axis=0), activation_quantizer=None)


def quantized_types(model):
    return sorted((weight.path.split("/")[-1], weight.dtype) for weight in model.weights)


def check_quantized_model_in_a_keras_file(case, inputs, tmp_path, mode):
    model = model_of(case.make(), case.symbolic_inputs())
    exact = np.asarray(case.answer(model(inputs)))
    before = quantized_types(model)
    model.quantize(mode)
    if case is not CASES["replicated_nram"]:
        assert quantized_types(model) != before
    for outputs in (model(inputs), model.predict(inputs, verbose=0)):
        error = np.linalg.norm(np.asarray(case.answer(outputs)) - exact)
        assert error < MODES[mode] * np.linalg.norm(exact)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert quantized_types(loaded) == quantized_types(model)
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


# What is quantized are the layers inside.
@once_per_kind([*ONE_PER_MACHINE, "content_ntm", "lstm_nram", "replicated_nram"])
def test_int8_model_in_a_keras_file(case, inputs, tmp_path):
    check_quantized_model_in_a_keras_file(case, inputs, tmp_path, "int8")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["float8", "int4"])
@with_cases(["lstm_ntm", "dense_nram", "neural_gpu"])
def test_other_quantized_models_in_a_keras_file(case, inputs, tmp_path, mode):
    check_quantized_model_in_a_keras_file(case, inputs, tmp_path, mode)


def test_settings_of_the_quantization_are_kept(rng, tmp_path):
    case = CASES["dense_ntm"]
    inputs = case.inputs(rng)
    model = model_of(case.make(), case.symbolic_inputs())
    model.quantize(config=weights_only())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    head_map = next(x for x in loaded.layers if x.name.startswith("ntm")).cell.head_map
    assert head_map.quantization_config.activation_quantizer is None


def test_a_cell_in_keras_rnn(rng, tmp_path):
    case = CASES["lstm_ntm"]
    inputs = case.inputs(rng)
    model = keras.Sequential([keras.layers.RNN(case.make().cell), keras.layers.Dense(2)])
    model(inputs)
    model.quantize("int8")
    clone = keras.models.clone_model(model)
    clone.build(inputs.shape)
    clone.set_weights(model.get_weights())
    assert_close(clone(inputs), model(inputs))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "mode"), [("dense_ntm", "int8"), ("dense_nram", "float8")], indirect=["case"]
)
def test_quantized_models_learn(case, inputs, mode):
    layer, targets, loss = case.learning_task(inputs)
    model = model_of(layer, case.symbolic_inputs())
    model.quantize(mode)
    model.compile(keras.optimizers.Adam(0.05), loss)
    losses = model.fit(inputs, targets, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_replicas_are_left_alone(rng):
    case = CASES["replicated_nram"]
    inputs = case.inputs(rng)
    model = model_of(case.make(), case.symbolic_inputs())
    outputs = model(inputs)
    with pytest.warns(UserWarning, match="Layer Replicated does not have a `quantize`"):
        model.quantize("int8")
    np.testing.assert_array_equal(model(inputs), outputs)
