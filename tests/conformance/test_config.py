"""A configuration, as JSON, makes the same layer and the same cell again."""

import json

import keras
from machine_cases import assert_all_close, assert_close, each_machine_with_a_cell


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


@each_machine_with_a_cell
def test_a_cell_comes_back_inside_a_keras_rnn(case, inputs):
    rnn = keras.layers.RNN(case.make().cell, return_state=True)
    results = case.run_cell(rnn, inputs)
    copy = keras.layers.RNN.from_config(through_json(rnn.get_config()))
    case.run_cell(copy, inputs)
    copy.set_weights(rnn.get_weights())
    assert_all_close(case.run_cell(copy, inputs), results)
