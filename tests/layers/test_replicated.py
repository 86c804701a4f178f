"""Replicas: each is the layer alone, on its share of the batch."""

import keras
import numpy as np
import pytest
from minimal_cell import MinimalCell

from keras_nm.keras_internals import AutocastScope
from keras_nm.layers import (
    DNC,
    NPI,
    NRAM,
    NTM,
    ChainedCell,
    NTMCell,
    Replicated,
    StackRNN,
    StackRNNCell,
    TapeRNN,
)

GATES = ["READ", "ONE", "ADD", "WRITE"]


def perceptron():
    return keras.Sequential(
        [keras.layers.Dense(8, activation="relu"), keras.layers.Dense(5)]
    )


@pytest.mark.parametrize("num_replicas", [1, 3])
def test_layer_by_hand(rng, num_replicas):
    layer = Replicated(perceptron(), num_replicas)
    x = rng.normal(size=(2 * num_replicas, 4)).astype("float32")
    y = keras.ops.convert_to_numpy(layer(x))
    first, bias, second, other_bias = map(keras.ops.convert_to_numpy, layer.weights)
    for k in range(num_replicas):
        rows = slice(2 * k, 2 * k + 2)
        hidden = np.maximum(x[rows] @ first[k] + bias[k], 0)
        np.testing.assert_allclose(
            y[rows], hidden @ second[k] + other_bias[k], rtol=1e-5, atol=1e-6
        )
    assert tuple(layer(x[:num_replicas]).shape) == (num_replicas, 5)
    assert len(np.unique(first)) == first.size  # no two begin alike


def test_cell_is_each_cell_alone(rng):
    layer = keras.layers.RNN(Replicated(keras.layers.LSTMCell(5), 3))
    x = rng.normal(size=(6, 7, 4)).astype("float32")
    y = layer(x)
    for k in range(3):
        alone = keras.layers.LSTM(5)
        alone.build((None, 7, 4))
        alone.set_weights([keras.ops.convert_to_numpy(w)[k] for w in layer.weights])
        rows = slice(2 * k, 2 * k + 2)
        np.testing.assert_allclose(y[rows], alone(x[rows]), rtol=1e-5, atol=1e-6)


def test_cell_without_an_initial_state_of_its_own(rng):
    layer = keras.layers.RNN(Replicated(MinimalCell(5), 2))
    x = rng.normal(size=(4, 7, 3)).astype("float32")
    y = layer(x)
    weights = [keras.ops.convert_to_numpy(w)[1] for w in layer.weights]
    alone = keras.layers.RNN(MinimalCell(5))
    alone.build((None, 7, 3))
    alone.set_weights(weights)
    np.testing.assert_allclose(y[2:], alone(x[2:]), rtol=1e-5, atol=1e-6)
    machine = NRAM(3, num_steps=2, controller=MinimalCell(5), num_replicas=2)
    assert machine(np.array([[1, 2, 0]] * 4)).shape[0] == 4


@pytest.mark.parametrize("kind", [NTMCell, StackRNNCell])
def test_cells_begin_with_their_own_initial_states(kind, rng, tmp_path):
    if kind is NTMCell:
        options = {"initial_memory": "learned", "initial_weighting": "learned"}
        options["memory_shape"] = (6, 3)
    else:
        options = {"memory_order": "push_first"}
    cell = kind(5, controller=keras.layers.Dense(4), **options)
    layer = keras.layers.RNN(Replicated(cell, 2))
    model = keras.Sequential([keras.Input((7, 4)), layer])
    weights = [rng.normal(size=weight.shape) for weight in model.weights]
    model.set_weights(weights)
    x = rng.normal(size=(6, 7, 4)).astype("float32")
    y = model(x)
    for k in range(2):
        alone = keras.layers.RNN(type(cell).from_config(cell.get_config()))
        alone.build((None, 7, 4))
        alone.set_weights([weight[k] for weight in weights])
        rows = slice(3 * k, 3 * k + 3)
        np.testing.assert_allclose(y[rows], alone(x[rows]), rtol=1e-5, atol=1e-6)
    model.save(tmp_path / "model.keras")
    np.testing.assert_allclose(
        keras.saving.load_model(tmp_path / "model.keras")(x), y, rtol=1e-6, atol=1e-6
    )
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(x, np.ones((6, 5)), batch_size=6, verbose=0)
    for before, after in zip(weights, model.get_weights(), strict=True):
        assert abs(after - before).max() > 1e-6


def test_initial_states_keep_their_digits_under_half_precision():
    template = NTMCell(5, memory_shape=(6, 3), initial_memory="learned")
    cell = Replicated(template, 2)
    cell.build((None, 4))
    with AutocastScope("float16"):  # as inside keras.layers.RNN
        states = cell.get_initial_state(batch_size=4)
    [weight] = [x for x in cell.weights if x.name == "initial_memory"]
    expected = np.repeat(keras.ops.convert_to_numpy(weight), 2, axis=0)
    np.testing.assert_array_equal(template.named_states(states)["memory"], expected)


def test_a_machine_in_a_machine_has_replicas(rng):
    controller = NTMCell(5, memory_shape=(6, 3), controller=keras.layers.Dense(4))
    machine = NRAM(3, num_steps=2, gates=GATES, controller=controller, num_replicas=2)
    tape = rng.integers(0, 4, (6, 4))
    outputs = machine(tape)
    for weight in machine.weights:
        weight.assign(rng.normal(size=weight.shape))
    outputs = machine(tape)
    for k in range(2):
        rows = slice(3 * k, 3 * k + 3)
        alone = machine.replica(k)(tape[rows])
        np.testing.assert_allclose(outputs[rows], alone, atol=1e-5)


def test_fit_builds_a_layer_that_was_never_called(rng):
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.replicas = Replicated(perceptron(), 3)

        def call(self, x):
            return self.replicas(x)

    model = Model()
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(rng.normal(size=(6, 4)), np.zeros((6, 5)), batch_size=6, verbose=0)
    kernel = keras.ops.convert_to_numpy(model.replicas.weights[0])
    assert len(np.unique(kernel)) == 3 * 4 * 8


def test_a_saved_layer_is_the_same(rng, tmp_path):
    inputs = keras.Input((4,))
    cell = ChainedCell([keras.layers.Dense(3), keras.layers.LSTMCell(5)])
    for layer in (
        Replicated(perceptron(), 2),
        keras.layers.RNN(Replicated(cell, 2)),
    ):
        shaped = inputs if isinstance(layer, Replicated) else inputs[:, None]
        model = keras.Model(inputs, layer(shaped))
        model.save(tmp_path / "model.keras")
        again = keras.saving.load_model(tmp_path / "model.keras")
        x = rng.normal(size=(6, 4)).astype("float32")
        np.testing.assert_allclose(again(x), model(x), rtol=1e-6)


def test_a_seed_does_not_make_copies_alike():
    generator = keras.random.SeedGenerator(1)
    for seed in (1, generator):
        dense = keras.layers.Dense(
            2, kernel_initializer=keras.initializers.GlorotUniform(seed=seed)
        )
        layer = Replicated(keras.Sequential([dense, keras.layers.Dense(3)]), 3)
        layer.build((None, 4))
        assert len(np.unique(np.asarray(layer.weights[0]))) == 3 * 4 * 2
    again = Replicated(keras.Sequential([dense, keras.layers.Dense(3)]), 3)
    again.build((None, 4))
    np.testing.assert_array_equal(again.weights[0], layer.weights[0])


def test_what_cannot_be_replicated():
    layer = Replicated(keras.layers.Dense(2), 3)
    with pytest.raises(ValueError, match=r"same number of rows.*Received: 4 rows"):
        layer(np.ones((4, 2), "float32"))
    with pytest.raises(ValueError, match="num_replicas"):
        Replicated(keras.layers.Dense(2), 0)
    regularizers = [{"bias_regularizer": "l2"}, {"activity_regularizer": "l2"}]
    for option in ({"kernel_constraint": "unit_norm"}, *regularizers):
        with pytest.raises(ValueError, match="without constraints and regularizers"):
            Replicated(keras.layers.Dense(2, **option), 2).build((None, 3))
    frozen = keras.layers.Dense(2, trainable=False)
    with pytest.raises(ValueError, match=r"weights are all trainable.*kernel"):
        Replicated(frozen, 2).build((None, 3))
    dropout = Replicated(keras.layers.Dropout(0.5), 2)
    x = np.ones((4, 2), "float32")
    np.testing.assert_array_equal(dropout(x), x)  # there it changes nothing
    with pytest.raises(ValueError, match="no dropout, no statistics"):
        dropout(x, training=True)
    drawn = NTMCell(2, memory_shape=(6, 3), initial_memory="drawn")
    sequences = np.ones((4, 3, 2), "float32")
    layer = keras.layers.RNN(Replicated(drawn, 2))
    assert tuple(layer(sequences).shape) == (4, 2)  # there it draws nothing
    with pytest.raises(ValueError, match="no states that are drawn"):
        layer(sequences, training=True)


@pytest.fixture(params=["dense", "lstm"])
def machine(request):
    options = {"gates": GATES, "num_steps": 3}
    if request.param == "lstm":
        options["controller"] = ChainedCell(
            [keras.layers.Dense(6, activation="relu"), keras.layers.LSTMCell(5)]
        )
    return NRAM(2, num_replicas=3, entropy_weight=-0.5, **options)


def test_machines_are_each_machine_alone(machine, rng):
    tape = rng.integers(0, 5, (6, 5))
    outputs = keras.ops.convert_to_numpy(machine(tape))
    integers = machine.run_integers(tape)["tape"]
    registers = machine.trace(tape)["registers"]
    for k in range(3):
        alone = machine.replica(k)
        assert alone.cell.num_replicas is None
        rows = slice(2 * k, 2 * k + 2)
        np.testing.assert_allclose(outputs[rows], alone(tape[rows]), atol=1e-5)
        np.testing.assert_array_equal(
            integers[rows], alone.run_integers(tape[rows])["tape"]
        )
        np.testing.assert_allclose(
            registers[rows], alone.trace(tape[rows])["registers"], atol=1e-6
        )
    other = keras.ops.convert_to_numpy(machine.replica(1)(tape[:2]))
    assert abs(outputs[:2] - other).max() > 1e-3


def test_a_machine_goes_in_and_out(machine):
    machine.build(None)
    other = machine.replica(2)
    for weight in other.weights:
        weight.assign(keras.ops.full(weight.shape, 0.25))
    machine.assign_replica(1, other)
    for before, after in zip(
        other.get_weights(), machine.replica(1).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(before, after)
    assert abs(machine.replica(2).get_weights()[0] - 0.25).min() > 1e-4
    for index in (3, -1):
        with pytest.raises(ValueError, match=f"Received: index={index}"):
            machine.replica(index)
        with pytest.raises(ValueError, match=f"Received: index={index}"):
            machine.assign_replica(index, other)
    with pytest.raises(ValueError, match="num_replicas=None"):
        other.replica(0)
    with pytest.raises(ValueError, match="before it is built: call it first"):
        NRAM(2, num_steps=3, num_replicas=4).replica(0)
    with pytest.raises(ValueError, match="must have weights of the shapes"):
        machine.assign_replica(0, NRAM(3))


def test_gradients_do_not_mix(machine, rng):
    tape = rng.integers(0, 5, (6, 5))
    model = keras.Sequential([keras.Input((5,), dtype="int32"), machine])
    machine.entropy_weight.assign([0.0, 0.0, 0.0])
    before = model.get_weights()
    model.compile(keras.optimizers.SGD(1.0), loss="mse", jit_compile=False)
    answers = keras.ops.convert_to_numpy(model(tape)).copy()
    answers[2:4] += 1
    model.fit(tape, answers, batch_size=6, shuffle=False, verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_allclose(new[[0, 2]], old[[0, 2]], atol=1e-6)
    changes = [
        abs(new[1] - old[1]).max()
        for old, new in zip(before, model.get_weights(), strict=True)
    ]
    assert max(changes) > 1e-3


def test_entropy_of_a_machine_by_hand(rng):
    layer = NRAM(2, num_steps=2, gates=["READ", "WRITE"], entropy_weight=3.0)
    tape = rng.integers(0, 4, (5, 4))
    layer(tape)
    assert layer.losses == []  # only in training
    layer(tape, training=True)
    trace = layer.trace(tape)
    # READ chooses among 2 registers, WRITE twice among 3 values, the registers among 4.
    choices = [
        trace["argument_selection"][:, :, 0, :1, :2],
        trace["argument_selection"][:, :, 1, :, :3],
        trace["register_selection"],
    ]
    # The stop of the last step is forced, and not the controller's choice.
    stop = keras.ops.convert_to_numpy(trace["stop"])
    expected = []
    for choice in map(keras.ops.convert_to_numpy, choices):
        expected.append(-np.sum(choice * np.log(choice), axis=-1))
    first = np.concatenate(
        [
            *expected,
            -(stop * np.log(stop) + (1 - stop) * np.log(1 - stop + 1e-30))[..., 0:1],
        ],
        axis=-1,
    )[:, 0]
    # The controller sees the probabilities of 0. Stopping is the last of its choices.
    x = keras.ops.convert_to_numpy(trace["registers"])[:, 1, :, 0]
    weights = layer.cell.get_weights()
    *hidden, (kernel, bias) = zip(weights[::2], weights[1::2], strict=True)
    for hidden_kernel, hidden_bias in hidden:
        x = np.maximum(x @ hidden_kernel + hidden_bias, 0)
    last_stop = 1 / (1 + np.exp(-(x @ kernel + bias)[:, -1:]))
    last = np.concatenate(
        [
            *[x[:, 1] for x in expected],
            -(last_stop * np.log(last_stop) + (1 - last_stop) * np.log(1 - last_stop)),
        ],
        axis=-1,
    )
    mean = np.mean([first.mean(axis=-1), last.mean(axis=-1)])
    [loss] = layer.losses
    assert float(loss) == pytest.approx(3 * mean, rel=1e-4)


@pytest.mark.parametrize("layer", [NTM, DNC, StackRNN, TapeRNN, NPI])
def test_there_are_no_replicas_of_other_machines(layer):
    sizes = {"num_programs": 3, "argument_sizes": (2,)} if layer is NPI else {"units": 3}
    with pytest.raises(ValueError, match=r"Cell does not take .* num_replicas=2"):
        layer(**sizes, num_replicas=2)  # only its controller would be replicated
