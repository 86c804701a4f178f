"""A machine from sequences to sequences stands where an LSTM could."""

import keras
import numpy as np
from machine_cases import (
    BATCH,
    ONE_PER_MACHINE,
    SEQUENCE_CASES,
    SIZE,
    assert_close,
    copy_of,
    with_cases,
)

# No option of a machine changes what Keras does with it.
pytestmark = with_cases([name for name in SEQUENCE_CASES if name in ONE_PER_MACHINE])


def test_go_backwards(case, inputs):
    layer = case.make()
    outputs = layer(inputs[:, ::-1])
    backwards = copy_of(layer, case, go_backwards=True)
    assert_close(backwards(inputs), outputs)


def test_unroll(case, inputs):
    layer = case.make()
    outputs = layer(inputs)
    unrolled = copy_of(layer, case, unroll=True)
    assert_close(unrolled(inputs), outputs)


def test_cell_in_a_keras_rnn(case, inputs):
    rnn = keras.layers.RNN(case.make().cell, return_sequences=True)
    outputs = rnn(inputs)
    assert_close(copy_of(rnn, case)(inputs), outputs)


def test_stacked_cells(case, inputs):
    first, second = case.make().cell, case.make().cell
    stacked = keras.layers.RNN(
        keras.layers.StackedRNNCells([first, second]), return_sequences=True
    )
    outputs = stacked(inputs)
    x = keras.layers.RNN(first, return_sequences=True)(inputs)
    assert_close(keras.layers.RNN(second, return_sequences=True)(x), outputs)


def test_bidirectional(case, inputs):
    layer = keras.layers.Bidirectional(case.make())
    outputs = layer(inputs)
    assert outputs.shape == (BATCH, SIZE, 10)
    assert_close(layer.forward_layer(inputs), outputs[..., :5])
    assert_close(layer.backward_layer(inputs), outputs[:, ::-1, 5:])


def test_time_distributed(case, inputs):
    layer = case.make()
    batches = np.stack([inputs, inputs[::-1]], axis=1)
    outputs = keras.layers.TimeDistributed(layer)(batches)
    assert_close(outputs[:, 0], layer(inputs))
    assert_close(outputs[:, 1], layer(inputs[::-1]))
