"""States can be handed on, kept and reset: a sequence in parts is the sequence."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from machine_cases import (
    BATCH,
    FEATURES,
    ONE_PER_MACHINE,
    SEQUENCE_CASES,
    SIZE,
    assert_all_close,
    assert_close,
    copy_of,
    each_sequence_case,
    each_sequence_machine,
    once_per_kind,
)


@each_sequence_case
def test_step_by_step_equals_whole_sequence(case, inputs):
    layer = case.make()
    outputs = layer(inputs)
    states = layer.get_initial_state(BATCH)
    for time in range(SIZE):
        output, states = layer.cell(inputs[:, time], states)
        assert_close(output, outputs[:, time])


@each_sequence_case
def test_returned_states_continue_the_sequence(case, inputs):
    layer = case.make(return_state=True)
    outputs, *last = layer(inputs)
    first_outputs, *states = layer(inputs[:, :3])
    second_outputs, *states = layer(inputs[:, 3:], initial_state=states)
    assert_close(np.concatenate([first_outputs, second_outputs], axis=1), outputs)
    assert_all_close(states, last)


@each_sequence_case
def test_named_states_are_states_again(case, inputs):
    layer = case.make(return_state=True)
    _, *states = layer(inputs)
    named = layer.cell.named_states(states)
    for state, same in zip(states, layer.cell.flat_states(named), strict=True):
        np.testing.assert_array_equal(state, same)


@each_sequence_machine
@pytest.mark.parametrize("training", [False, True])
def test_states_that_do_not_fit(case, inputs, training):
    layer = case.make()
    layer.build(inputs.shape)
    states = layer.get_initial_state(BATCH + 1)
    with pytest.raises(ValueError, match=f"as many rows.*inputs of {BATCH} rows"):
        layer(inputs, initial_state=states, training=training)
    with pytest.raises(ValueError, match=f"as many rows.*inputs of {BATCH} rows"):
        layer.trace(inputs, initial_state=states)
    with pytest.raises(ValueError, match=r"states must be .*Received shapes: \[\(\)\]"):
        layer(inputs, initial_state=keras.ops.zeros(()), training=training)
    states = layer.get_initial_state(BATCH)
    named = layer.cell.named_states(states)
    with pytest.raises(ValueError, match=r"flat_states.*Received: a dict with the keys \["):
        layer(inputs, initial_state=named, training=training)
    narrow = [state[:, 1:] for state in states]
    with pytest.raises(ValueError, match=r"states must be .*Received shapes: \["):
        layer(inputs, initial_state=narrow, training=training)


@each_sequence_machine
def test_a_stateful_layer_has_one_batch_size(case, inputs):
    layer = case.make(stateful=True)
    layer(inputs)
    for training in (False, True):
        with pytest.raises(ValueError, match=f"as many rows.*inputs of {BATCH - 1} rows"):
            layer(inputs[1:], training=training)


class EncoderDecoder(keras.Model):
    """It answers one sequence from the states in which another one left a machine."""

    def __init__(self, case):
        super().__init__()
        self.encoder = case.make(return_state=True)
        self.decoder = case.make()

    def call(self, sequences, training=False):
        first, second = sequences
        _, *states = self.encoder(first, training=training)
        return self.decoder(second, initial_state=states, training=training)

    def functional(self):
        sequences = [keras.Input((None, FEATURES)), keras.Input((None, FEATURES))]
        return keras.Model(sequences, self.call(sequences))


def halves(model, inputs):
    """It takes states as inputs and outputs of two models, which share its layers."""
    first, second = keras.Input((None, FEATURES)), keras.Input((None, FEATURES))
    _, *states = model.encoder(first)
    given = [keras.Input(state.shape[1:]) for state in states]
    decoder = keras.Model([second, given], model.decoder(second, initial_state=given))
    states = keras.Model(first, states).predict(inputs[:, :3], verbose=0)
    states = states if isinstance(states, list) else [states]
    return decoder.predict([inputs[:, 3:], states], verbose=0)


# One per machine, and those whose initial states are learned.
WITH_STATES = [
    name
    for name in SEQUENCE_CASES
    if name in (*ONE_PER_MACHINE, "dense_ntm", "content_ntm")
]


# Warnings are errors: none of weights without a gradient.
@once_per_kind(WITH_STATES)
def test_states_are_another_layers_initial_state(case, inputs, tmp_path):
    model = EncoderDecoder(case)
    sequences = [inputs[:, :3], inputs[:, 3:]]
    outputs = model(sequences)
    _, *states = model.encoder(sequences[0])
    assert [state.shape[1] for state in states] == model.decoder.cell.state_size
    assert np.any(model.decoder(sequences[1]) != outputs)
    assert_close(model.predict(sequences, verbose=0), outputs)
    assert_close(halves(model, inputs), outputs)

    functional = model.functional()
    functional.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_close(loaded(sequences), outputs)
    functional.compile("sgd", "mse")
    # The last batch is smaller, so the number of rows is unknown.
    options = {"batch_size": BATCH - 1, "epochs": 2, "verbose": 0}
    losses = functional.fit(sequences, outputs + 1, **options).history["loss"]
    assert losses[1] < losses[0]


@once_per_kind(WITH_STATES)
def test_stateful_layers_train(case, inputs):
    model = keras.Sequential([keras.Input((SIZE, FEATURES), BATCH)])
    model.add(case.make(stateful=True))
    model.compile("sgd", "mse")
    outputs = model.predict(inputs, batch_size=BATCH, verbose=0)
    before = model.get_weights()
    history = model.fit(inputs, outputs + 1, batch_size=BATCH, epochs=2, verbose=0).history
    assert np.all(np.isfinite(history["loss"]))
    # But for a learned initial state, which a stateful layer leaves behind.
    *_, old = before
    assert np.any(model.get_weights()[-1] != old)


@each_sequence_machine
def test_stateful_chunks_equal_one_long_run(case, inputs):
    layer = case.make()
    outputs = layer(inputs)
    stateful = copy_of(layer, case, stateful=True)
    for _ in range(2):
        stateful.reset_state()
        chunks = [stateful(inputs[:, i : i + 2]) for i in range(0, SIZE, 2)]
        assert_close(np.concatenate(chunks, axis=1), outputs)


@each_sequence_case
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
