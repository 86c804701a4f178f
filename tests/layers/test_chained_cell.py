import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from minimal_cell import MinimalCell

from keras_nm.layers import NRAM, NTM, ChainedCell

FEATURES = 3
BATCH, TIME = 4, 6


def mixed_cell(**options):
    return ChainedCell(
        [
            keras.layers.Dense(7, activation="relu"),
            keras.layers.LSTMCell(5),
            keras.layers.Dense(4, activation="tanh"),
            keras.layers.GRUCell(2),
        ],
        **options,
    )


@pytest.fixture
def sequences(rng):
    return rng.normal(size=(BATCH, TIME, FEATURES)).astype("float32")


def assert_close(actual, expected, tolerance=1e-5):
    np.testing.assert_allclose(keras.ops.convert_to_numpy(actual), expected, atol=tolerance)


def assert_all_close(actual, expected):
    actual, expected = keras.tree.flatten(actual), keras.tree.flatten(expected)
    for one, other in zip(actual, expected, strict=True):
        assert_close(one, other)


class MinimalCellThatBegins(MinimalCell):
    def get_initial_state(self, batch_size=None):
        return keras.ops.ones((batch_size, self.state_size))


# Calls


def test_equals_the_layers_one_by_one(sequences):
    cell = mixed_cell()
    rnn = keras.layers.RNN(cell, return_sequences=True, return_state=True)
    outputs, *states = rnn(sequences)
    assert outputs.shape == (BATCH, TIME, 2)
    before, lstm, between, gru = cell.layers
    hidden = memory = np.zeros((BATCH, 5), "float32")
    last = np.zeros((BATCH, 2), "float32")
    for time in range(TIME):
        x, (hidden, memory) = lstm(before(sequences[:, time]), [hidden, memory])
        x, last = gru(between(x), last)
        assert_close(outputs[:, time], x)
    assert_all_close(states, [hidden, memory, last])


def test_equals_stacked_cells_where_all_are_cells(sequences):
    cells = [keras.layers.LSTMCell(5), keras.layers.GRUCell(2), keras.layers.LSTMCell(3)]
    options = {"return_sequences": True, "return_state": True}
    expected = keras.layers.RNN(keras.layers.StackedRNNCells(cells), **options)(sequences)
    assert_all_close(keras.layers.RNN(ChainedCell(cells), **options)(sequences), expected)


@pytest.mark.parametrize("make", [MinimalCell, MinimalCellThatBegins])
def test_cells_of_users_get_their_state_in_a_list(sequences, make):
    cell = make(5)
    options = {"return_sequences": True, "return_state": True}
    expected = keras.layers.RNN(cell, **options)(sequences)
    chain = ChainedCell([cell, keras.layers.Dense(4)])
    _, *states = keras.layers.RNN(chain, **options)(sequences)
    assert_all_close(states, expected[1:])


def test_last_layer_gives_the_size_of_the_output(sequences):
    cell = ChainedCell([keras.layers.LSTMCell(5), keras.layers.Dense(4)])
    rnn = keras.layers.RNN(cell, return_sequences=True)
    assert rnn(sequences).shape == (BATCH, TIME, 4)
    assert rnn(keras.Input((None, FEATURES))).shape == (None, None, 4)
    assert rnn.compute_output_shape((None, None, FEATURES)) == (None, None, 4)


@pytest.mark.parametrize("last", [keras.layers.Dense(3), keras.layers.LSTMCell(3)])
def test_the_size_of_the_output_is_known_before(last):
    rnn = keras.layers.RNN(ChainedCell([keras.layers.LSTMCell(5), last]))
    assert rnn.compute_output_shape((2, 7, 4)) == (2, 3)


def test_all_weights_belong_to_the_cell():
    cell = mixed_cell()
    cell.build((None, FEATURES))
    sizes = [weight.shape for weight in cell.trainable_weights]
    dense, lstm = [(3, 7), (7,)], [(7, 20), (5, 20), (20,)]
    assert sizes == [*dense, *lstm, (5, 4), (4,), (4, 6), (2, 6), (2, 6)]


def test_masked_steps_are_skipped(sequences):
    rnn = keras.layers.RNN(mixed_cell(), return_sequences=True, return_state=True)
    lengths = [6, 2, 4, 5]
    mask = np.arange(TIME) < np.array(lengths)[:, None]
    outputs, *states = keras.tree.flatten(rnn(sequences, mask=mask))
    for row, length in enumerate(lengths):
        alone, *alone_states = keras.tree.flatten(rnn(sequences[row : row + 1, :length]))
        assert_close(outputs[row, :length], alone[0])
        assert_all_close([state[row] for state in states], [s[0] for s in alone_states])


def test_feed_forward_dropout_works_in_training_only(sequences):
    cell = ChainedCell([keras.layers.Dropout(0.5), keras.layers.LSTMCell(5)])
    rnn = keras.layers.RNN(cell)
    assert_close(rnn(sequences), rnn(sequences))
    first, second = rnn(sequences, training=True), rnn(sequences, training=True)
    assert np.abs(first - second).max() > 1e-3


def test_dropout_of_a_cell_draws_new_masks_for_every_batch(sequences):
    cell = ChainedCell([keras.layers.Dense(6), keras.layers.LSTMCell(5, dropout=0.5)])
    rnn = keras.layers.RNN(cell)
    first, second = rnn(sequences, training=True), rnn(sequences, training=True)
    assert np.abs(first - second).max() > 1e-3
    assert rnn(sequences[:2], training=True).shape == (2, 5)
    inputs = keras.Input((None, FEATURES))
    model = keras.Model(inputs, rnn(inputs))
    model.compile("adam", "mse")
    model.fit(sequences, np.zeros((BATCH, 5)), verbose=0)


# Construction and files


def test_config_round_trip(sequences):
    rnn = keras.layers.RNN(mixed_cell(name="controller"))
    outputs = rnn(sequences)
    config = json.dumps(rnn.get_config())
    copy = keras.layers.RNN.from_config(json.loads(config))
    assert json.dumps(copy.get_config()) == config
    assert copy.cell.name == "controller"
    copy.build(sequences.shape)
    copy.set_weights(rnn.get_weights())
    assert_close(copy(sequences), outputs)


@pytest.mark.parametrize(
    "layers",
    [
        [],
        [keras.layers.Dense(3)],
        [keras.layers.LSTMCell(3), np.tanh],
        [keras.layers.LSTMCell(3), "relu"],
    ],
)
def test_layers_without_a_cell_and_other_things_are_errors(layers):
    with pytest.raises(ValueError, match="at least one of them an RNN cell") as error:
        ChainedCell(layers)
    assert str(layers) in str(error.value)


# Dtypes


@pytest.mark.parametrize(
    ("policy", "dtype", "tolerance"),
    [("float64", "float64", 1e-5), ("mixed_float16", "float16", 1e-2)],
)
def test_dtypes(sequences, policy, dtype, tolerance):
    rnn = keras.layers.RNN(mixed_cell(), return_state=True)
    expected = rnn(sequences)
    keras.config.set_dtype_policy(policy)
    try:
        cast = keras.layers.RNN(mixed_cell(), return_state=True)
        cast.build(sequences.shape)
        cast.set_weights(rnn.get_weights())
        results = cast(sequences)
    finally:
        keras.config.set_dtype_policy("float32")
    results, expected = keras.tree.flatten(results), keras.tree.flatten(expected)
    for actual, value in zip(results, expected, strict=True):
        assert actual.dtype == dtype
        assert_close(tf.cast(actual, "float32"), value, tolerance)


# As a controller


def make_ntm(controller):
    return NTM(5, (9, 4), controller, return_sequences=True)


def make_nram(controller):
    return NRAM(2, num_steps=3, controller=controller, gates=["READ", "ONE", "WRITE"])


MACHINES = {"ntm": make_ntm, "nram": make_nram}


@pytest.fixture(params=MACHINES)
def machine(request, rng, sequences):
    tapes = rng.integers(0, 5, (BATCH, 5))
    return MACHINES[request.param], sequences if request.param == "ntm" else tapes


@pytest.mark.parametrize(
    "make_cell", [keras.layers.LSTMCell, MinimalCell, MinimalCellThatBegins]
)
def test_one_cell_in_a_chain_controls_like_the_cell_alone(machine, make_cell):
    make, inputs = machine
    alone = make(make_cell(8))
    outputs = alone(inputs)
    chained = make(ChainedCell([make_cell(8)]))
    chained.build(inputs.shape)
    chained.set_weights(alone.get_weights())
    assert_close(chained(inputs), outputs)


def test_every_layer_of_a_controller_gets_a_gradient(machine):
    make, inputs = machine
    # Not ReLU, which may be 0 for all there is to see.
    controller = ChainedCell(
        [
            keras.layers.Dense(7, activation="tanh"),
            keras.layers.LSTMCell(5),
            keras.layers.Dense(4),
        ]
    )
    layer = make(controller)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(inputs, training=True) ** 2)
    assert len(controller.trainable_weights) == 7
    variables = [weight.value for weight in controller.trainable_weights]
    for gradient in tape.gradient(loss, variables):
        assert np.abs(gradient).max() > 0


def test_file_of_a_machine_with_a_chain_round_trip(machine, tmp_path):
    make, inputs = machine
    symbolic = keras.Input(inputs.shape[1:], dtype=inputs.dtype.name)
    model = keras.Model(symbolic, make(mixed_cell())(symbolic))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_close(loaded(inputs), model(inputs))


def test_a_frozen_cell_has_frozen_layers(sequences):
    for frozen in (mixed_cell(trainable=False), mixed_cell()):
        frozen.trainable = False
        copy = ChainedCell.from_config(frozen.get_config())
        keras.layers.RNN(copy)(sequences)
        assert copy.weights
        assert not any(weight.trainable for weight in copy.weights)
