"""A configuration, as JSON, makes the same layer and the same cell again."""

import inspect
import json

import keras
import pytest
from machine_cases import (
    CASES,
    assert_all_close,
    assert_close,
    each_machine,
    each_machine_with_a_cell,
    model_of,
)

# What changes no output outside training, with values that are no defaults.
TRAINING_OPTIONS = {
    "lstm_ntm": {"gradient_clip": 3.0},
    "lstm_dnc": {"usage_gradient": True},
    "dense_nram": {"activation_gradient_clip": 2.0, "entropy_weight": -1.5},
    "neural_gpu": {
        "dropout": 0.25,
        "saturation_weight": 0.5,
        "saturation_limit": 0.8,
        "num_weight_sets": 2,
        "pull": 0.01,
    },
}


def through_json(config):
    return json.loads(json.dumps(config))


def test_a_layer_comes_back(case, inputs):
    layer = case.make(**case.unusual_options, name="machine")
    config = through_json(keras.saving.serialize_keras_object(layer))
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == layer.get_config()
    outputs = layer(inputs)
    copy.build(inputs.shape)
    copy.set_weights(layer.get_weights())
    assert_close(copy(inputs), outputs)


def test_a_configuration_has_every_argument(case):
    layer = case.make()
    classes = [type(layer)] + ([type(layer.cell)] if hasattr(layer, "cell") else [])
    arguments = {
        argument.name
        for each in classes
        for argument in inspect.signature(each).parameters.values()
        if argument.kind is not argument.VAR_KEYWORD
    }
    assert arguments <= set(layer.get_config())


@each_machine
def test_a_frozen_layer_stays_frozen(case, inputs, tmp_path):
    layer = case.make()
    model = model_of(layer, case.symbolic_inputs())
    num_weights = len(model.trainable_weights)
    layer.trainable = False
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    made = model_of(case.make(trainable=False), case.symbolic_inputs())
    for each in (model, loaded, keras.models.clone_model(model), made):
        assert each.trainable_weights == []
        each.layers[-1].trainable = True
        assert len(each.trainable_weights) == num_weights


@each_machine_with_a_cell
def test_a_frozen_cell_stays_frozen(case, inputs):
    rnn = keras.layers.RNN(case.make().cell, return_state=True)
    rnn.trainable = False
    copy = keras.layers.RNN.from_config(through_json(rnn.get_config()))
    case.run_cell(copy, inputs)
    assert copy.weights
    assert copy.cell.trainable_weights == []
    assert not any(weight.trainable for weight in copy.weights)


@pytest.mark.parametrize("name", TRAINING_OPTIONS)
def test_options_of_training_come_back(name):
    options = TRAINING_OPTIONS[name]
    layer = CASES[name].make(**options)
    config = through_json(keras.saving.serialize_keras_object(layer))
    copy = keras.saving.deserialize_keras_object(config)
    assert {option: copy.get_config()[option] for option in options} == options


@each_machine_with_a_cell
def test_a_cell_comes_back_inside_a_keras_rnn(case, inputs):
    rnn = keras.layers.RNN(case.make().cell, return_state=True)
    results = case.run_cell(rnn, inputs)
    copy = keras.layers.RNN.from_config(through_json(rnn.get_config()))
    case.run_cell(copy, inputs)
    copy.set_weights(rnn.get_weights())
    assert_all_close(case.run_cell(copy, inputs), results)
