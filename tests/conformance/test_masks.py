"""Masked steps are skipped, and masks go on through a model."""

import keras
import numpy as np
from machine_cases import (
    BATCH,
    FEATURES,
    SIZE,
    assert_all_close,
    assert_close,
    each_sequence_case,
    each_sequence_machine,
)


@each_sequence_case
def test_padded_equals_unpadded(case, inputs):
    layer = case.make(return_state=True)
    lengths = [5, 2, 4, 3]
    mask = np.arange(SIZE) < np.array(lengths)[:, None]
    outputs, *states = layer(inputs, mask=mask)
    for row, length in enumerate(lengths):
        alone, *alone_states = layer(inputs[row : row + 1, :length])
        assert_close(outputs[row, :length], alone[0])
        assert_all_close([state[row] for state in states], [s[0] for s in alone_states])


@each_sequence_case
def test_steps_masked_inside_are_skipped(case, inputs):
    layer = case.make(return_sequences=False)
    mask = np.ones((BATCH, SIZE), bool)
    mask[:, [0, 3]] = False
    assert_close(layer(inputs, mask=mask), layer(np.delete(inputs, [0, 3], axis=1)))


@each_sequence_machine
def test_the_mask_of_the_layer_before_counts_beside_an_initial_state(case, inputs):
    layer = case.make(return_state=True)
    _, *states = layer(inputs)
    inputs = inputs.copy()
    inputs[:, 3:] = 0
    outputs, *_ = layer(keras.layers.Masking()(inputs), initial_state=states)
    expected, *_ = layer(inputs, initial_state=states, mask=np.arange(SIZE) < [[3]] * BATCH)
    assert_close(outputs, expected)
    masked = keras.layers.Masking()(inputs)
    trace = layer.trace(masked, initial_state=states)
    assert_close(trace["output"], outputs)
    for values in trace.values():
        assert_close(values[:, 3:], np.repeat(values[:, 2:3], SIZE - 3, axis=1))


@each_sequence_machine
def test_mask_passes_through_a_model(case, inputs):
    padded = inputs.copy()
    padded[:, 3:] = 0
    symbolic = keras.Input((None, FEATURES))
    masked = keras.layers.Masking()(symbolic)
    x = case.make(zero_output_for_mask=True)(masked)
    model = keras.Model(symbolic, [x, case.make(return_sequences=False)(x)])
    outputs, last = model(padded)
    assert np.all(outputs[:, 3:] == 0)
    short_outputs, short_last = model(inputs[:, :3])
    assert_close(outputs[:, :3], short_outputs)
    assert_close(last, short_last)
