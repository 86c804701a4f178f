"""States can be handed on, kept and reset: a sequence in parts is the sequence."""

import keras
import numpy as np
import tensorflow as tf
from machine_cases import (
    BATCH,
    SIZE,
    assert_all_close,
    assert_close,
    copy_of,
    each_sequence_case,
)

pytestmark = each_sequence_case


def test_step_by_step_equals_whole_sequence(case, inputs):
    layer = case.make()
    outputs = layer(inputs)
    states = layer.get_initial_state(BATCH)
    for time in range(SIZE):
        output, states = layer.cell(inputs[:, time], states)
        assert_close(output, outputs[:, time])


def test_returned_states_continue_the_sequence(case, inputs):
    layer = case.make(return_state=True)
    outputs, *last = layer(inputs)
    first_outputs, *states = layer(inputs[:, :3])
    second_outputs, *states = layer(inputs[:, 3:], initial_state=states)
    assert_close(np.concatenate([first_outputs, second_outputs], axis=1), outputs)
    assert_all_close(states, last)


def test_stateful_chunks_equal_one_long_run(case, inputs):
    layer = case.make()
    outputs = layer(inputs)
    stateful = copy_of(layer, case, stateful=True)
    for _ in range(2):
        stateful.reset_state()
        chunks = [stateful(inputs[:, i : i + 2]) for i in range(0, SIZE, 2)]
        assert_close(np.concatenate(chunks, axis=1), outputs)


def test_zeros_of_keras_reset_state_are_survived(case, inputs):
    layer = keras.layers.RNN(case.make().cell, stateful=True, return_sequences=True)
    layer(inputs)
    layer.reset_state()
    assert all(np.all(state.numpy() == 0) for state in layer.states)
    with tf.GradientTape() as tape:
        outputs = layer(inputs)
        loss = tf.reduce_sum(outputs**2)
    assert np.all(np.isfinite(outputs))
    variables = [weight.value for weight in layer.trainable_weights]
    for gradient in tape.gradient(loss, variables):
        assert gradient is None or np.all(np.isfinite(gradient))
