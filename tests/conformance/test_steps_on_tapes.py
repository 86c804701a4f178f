"""A machine on tapes runs for as many steps as it is told, alone or in a Keras RNN."""

import keras
import numpy as np
from machine_cases import BATCH, STEPS, assert_close, each_tape_machine

from keras_nm.layers import NRAMCell
from keras_nm.layers.nram import split_outputs

pytestmark = each_tape_machine


def test_cell_in_a_keras_rnn(case, inputs):
    layer = case.make()
    outputs = split_outputs(layer(inputs))
    cell = NRAMCell.from_config(layer.cell.get_config())
    rnn = keras.layers.RNN(cell, return_sequences=True, return_state=True)
    case.run_cell(rnn, inputs)
    rnn.set_weights(layer.get_weights())
    stopping_mass, *states = case.run_cell(rnn, inputs)
    states = cell.named_states(states)
    assert stopping_mass.shape == (BATCH, STEPS, 1)
    assert_close(np.sum(stopping_mass, axis=1), np.ones((BATCH, 1)))
    assert_close(states["stopping_mass"], stopping_mass[:, -1])
    assert_close(states["running"], np.zeros((BATCH, 1)))
    assert_close(states["expected_tape"], outputs["tape"])
    assert_close(states["expected_log_tape"], outputs["log_tape"])
    assert_close(states["num_steps"][:, 0], outputs["num_steps"])


def test_numbers_of_steps_per_example_are_those_of_each_alone(case, inputs):
    layer = case.make()
    numbers = np.array([3, 1, 4, 2], "int32")
    expected = [
        layer(inputs, num_steps=int(number))[row] for row, number in enumerate(numbers)
    ]
    assert_close(layer(inputs, num_steps=numbers), expected)
    symbolic = [case.symbolic_inputs(), keras.Input((), dtype="int32")]
    model = keras.Model(symbolic, layer(symbolic[0], num_steps=symbolic[1]))
    assert_close(model([inputs, numbers]), expected)
