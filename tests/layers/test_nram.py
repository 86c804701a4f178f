import json

import keras
import nram_loops
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.layers import NRAM, ChainedCell, NRAMCell, gates
from keras_nm.layers.nram import split_outputs

GATES = ["READ", "ONE", "INC", "SUB", "LESS-THAN", "MAX", "WRITE"]
SIZE, REGISTERS, STEPS = 5, 3, 4


def random_layer(**options):
    """A layer whose choices differ much, as those of a trained one."""
    options = {"gates": GATES, "controller": keras.layers.Dense(6, "tanh"), **options}
    layer = NRAM(REGISTERS, num_steps=STEPS, **options)
    layer.build((None, SIZE))
    rng = np.random.default_rng(3)
    layer.set_weights([2 * rng.normal(size=x.shape) for x in layer.get_weights()])
    return layer


def numpy_controller(layer):
    kernel, bias = layer.cell.controller.get_weights()
    map_kernel, map_bias = layer.cell.circuit_map.get_weights()
    return lambda zeros: np.tanh(zeros @ kernel + bias) @ map_kernel + map_bias


def tapes(rng, batch=3, size=SIZE):
    x = rng.random((batch, size, size)) ** 3
    return (x / x.sum(axis=-1, keepdims=True)).astype("float32")


# Equations


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gate_repeats": 2},
        {"gates": gates.DEFAULT_GATES},
        {"gates": ["INC", "WRITE", "READ", "WRITE-RETURNING-ZERO"]},
        {"num_slots": 3},
        {"num_slots": 2, "gates": ["WRITE", "READ", "WRITE-RETURNING-ZERO", "ONE"]},
    ],
    ids=["some gates", "repeated", "all gates", "other order", "slots", "writing slots"],
)
def test_layer_equals_loops(options, rng):
    layer = random_layer(**options)
    tape = tapes(rng)
    trace = layer.trace(tape)
    parts = {name: x.numpy() for name, x in split_outputs(layer(tape)).items()}
    names = list(options.get("gates", GATES)) * options.get("gate_repeats", 1)
    for row in range(len(tape)):
        history = nram_loops.run(
            numpy_controller(layer),
            names,
            tape[row],
            REGISTERS,
            STEPS,
            options.get("num_slots"),
        )
        np.testing.assert_allclose(trace["tape"][row, 0], tape[row], atol=1e-6)
        assert np.array_equal(trace["registers"][row, 0], np.eye(SIZE)[[0] * REGISTERS])
        for name in ("tape", "registers"):
            expected = [step[name] for step in history]
            np.testing.assert_allclose(trace[name][row, 1:], expected, atol=1e-5)
        expected = [step["outputs"] for step in history]
        np.testing.assert_allclose(trace["outputs"][row], expected, atol=1e-5)
        masses = np.array([step["stopping_mass"] for step in history])
        np.testing.assert_allclose(trace["stopping_mass"][row, :, 0], masses, atol=1e-5)

        expected = sum(m * step["tape"] for m, step in zip(masses, history, strict=True))
        np.testing.assert_allclose(parts["tape"][row], expected, atol=1e-5)
        expected = sum(
            m * np.log(np.maximum(step["tape"], 1e-10))
            for m, step in zip(masses, history, strict=True)
        )
        np.testing.assert_allclose(parts["log_tape"][row], expected, atol=1e-3)
        expected = masses @ (1 + np.arange(STEPS))
        np.testing.assert_allclose(parts["num_steps"][row], expected, atol=1e-5)


def test_trace_shows_what_was_chosen(rng):
    layer = random_layer()
    tape = tapes(rng)
    trace = {name: x.numpy() for name, x in layer.trace(tape).items()}
    sources = np.concatenate([trace["registers"][:, :-1], trace["outputs"]], axis=2)
    np.testing.assert_allclose(trace["register_selection"].sum(axis=-1), 1, atol=1e-6)
    mixed = np.einsum("btrs,btsm->btrm", trace["register_selection"], sources)
    np.testing.assert_allclose(trace["registers"][:, 1:], mixed, atol=1e-5)
    mixed = np.einsum("btgas,btsm->btgam", trace["argument_selection"], sources)
    np.testing.assert_allclose(trace["arguments"], mixed, atol=1e-5)
    read, one, subtract = (GATES.index(name) for name in ("READ", "ONE", "SUB"))
    assert np.all(trace["argument_selection"][:, :, read, 0, REGISTERS:] == 0)
    assert np.all(trace["argument_selection"][:, :, one] == 0)
    assert np.all(trace["argument_selection"][:, :, subtract, 1].sum(axis=-1) > 0.999)
    assert "gate_selection" not in trace
    hybrid = random_layer(num_slots=2).trace(tape)
    np.testing.assert_allclose(tf.reduce_sum(hybrid["gate_selection"], -1), 1, atol=1e-6)


# Stopping


def test_stopping_masses_sum_to_one(rng):
    for num_steps in (1, 2, 7):
        mass = random_layer().trace(tapes(rng), num_steps)["stopping_mass"]
        np.testing.assert_allclose(tf.reduce_sum(mass, axis=1), 1, atol=1e-6)


def with_stop_logit(value, **options):
    layer = random_layer(**options)
    kernel, bias = layer.cell.circuit_map.get_weights()
    kernel[:, -1], bias[-1] = 0, value
    layer.cell.circuit_map.set_weights([kernel, bias])
    return layer


def test_the_last_step_takes_what_is_left(rng):
    mass = with_stop_logit(0.0).trace(tapes(rng), 4)["stopping_mass"]
    np.testing.assert_allclose(mass[0, :, 0], [1 / 2, 1 / 4, 1 / 8, 1 / 8], atol=1e-6)
    never = with_stop_logit(-100.0).trace(tapes(rng), 4)
    assert np.array_equal(never["stopping_mass"][0, :, 0], [0, 0, 0, 1])
    outputs = split_outputs(with_stop_logit(-100.0)(tapes(rng)))
    assert np.all(outputs["num_steps"] == STEPS)


def test_a_machine_that_stops_gives_the_tape_of_that_step(rng):
    tape = rng.integers(0, SIZE, (2, SIZE))
    layer = with_stop_logit(0.1)
    first = layer.trace(tape, 1, selection="discrete")["tape"][:, 1]
    outputs = split_outputs(layer(tape, num_steps=9, selection="discrete"))
    assert np.array_equal(outputs["tape"], first)
    assert np.all(outputs["num_steps"] == 1)
    result = layer.run_integers(tape, 9)
    assert np.array_equal(result["tape"], np.argmax(first, axis=-1))
    assert np.array_equal(result["num_steps"], [1, 1])


def test_a_machine_goes_on_at_a_willingness_of_one_half(rng):
    tape = rng.integers(0, SIZE, (2, SIZE))
    layer = with_stop_logit(0.0)
    outputs = split_outputs(layer(tape, num_steps=9, selection="discrete"))
    assert np.all(outputs["num_steps"] == 9)
    assert np.all(layer.run_integers(tape, 9)["num_steps"] == 9)


def test_each_example_can_have_its_own_number_of_steps(rng):
    layer = random_layer()
    tape = tapes(rng, batch=4)
    num_steps = np.array([3, 1, 5, 2])
    outputs = layer(tape, num_steps=num_steps)
    integers = rng.integers(0, SIZE, (4, SIZE))
    results = layer.run_integers(integers, num_steps)
    for row, number in enumerate(num_steps):
        alone = layer(tape[row : row + 1], num_steps=int(number))
        np.testing.assert_allclose(outputs[row], alone[0], atol=1e-5)
        alone = layer.run_integers(integers[row : row + 1], int(number))
        for name, result in results.items():
            assert np.array_equal(result[row], alone[name][0])


# Selections


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_slots": 3},
        {"gate_repeats": 2},
        {"num_slots": 4, "gates": ["WRITE", "READ", "WRITE-RETURNING-ZERO", "INC"]},
    ],
)
def test_integer_machine_equals_the_discrete_one(options, rng):
    for controller in (
        keras.layers.Dense(6, "tanh"),
        ChainedCell([keras.layers.Dense(6, "relu"), keras.layers.LSTMCell(5)]),
    ):
        layer = random_layer(controller=controller, **options)
        tape = rng.integers(0, 9, (20, 9))
        discrete = layer.trace(tape, 4, selection="discrete")
        result = layer.run_integers(tape, 4)
        ended = tf.argmax(discrete["stopping_mass"][:, :, 0], axis=1) + 1
        assert np.array_equal(result["num_steps"], ended)
        for name in ("tape", "registers"):
            values = tf.gather(discrete[name], ended, axis=1, batch_dims=1)
            assert np.array_equal(result[name], tf.argmax(values, axis=-1))


def test_straight_through_has_values_of_discrete_and_gradients(rng):
    tape = rng.integers(0, SIZE, (3, SIZE))
    layer = random_layer(gates=["READ", "INC", "WRITE"])
    hard = layer(tape, selection="straight_through")
    assert np.array_equal(hard, layer(tape, selection="discrete"))

    def gradient(selection):
        with tf.GradientTape() as gradient_tape:
            outputs = split_outputs(layer(tape, num_steps=1, selection=selection))
            loss = tf.reduce_sum(outputs["tape"] * np.arange(SIZE, dtype="float32"))
        return gradient_tape.gradient(loss, layer.cell.circuit_map.kernel.value)

    assert gradient("discrete") is None
    assert np.abs(gradient("straight_through")).max() > 0


def test_selection_of_the_layer_and_of_the_call(rng):
    tape = rng.integers(0, SIZE, (3, SIZE))
    layer = random_layer(selection="discrete")
    assert np.array_equal(layer(tape), random_layer()(tape, selection="discrete"))
    np.testing.assert_allclose(layer(tape, selection="soft"), random_layer()(tape))
    with pytest.raises(ValueError, match="`selection` must be one of 'soft'"):
        layer(tape, selection="hard")


# Stability


def largest_gradient(rng, training=True, **options):
    tape = rng.integers(0, SIZE, (3, SIZE))
    layer = random_layer(gates=["READ", "INC", "WRITE"], **options)
    with tf.GradientTape() as gradient_tape:
        outputs = split_outputs(layer(tape, training=training))
        loss = tf.reduce_sum(outputs["log_tape"])
    variables = [x.value for x in layer.trainable_weights]
    return max(np.abs(g).max() for g in gradient_tape.gradient(loss, variables))


def test_clipping_is_an_argument_and_for_training_only():
    gradients = {
        (clip, training): largest_gradient(
            np.random.default_rng(0), training, activation_gradient_clip=clip
        )
        for clip in (None, 1e-3)
        for training in (True, False)
    }
    assert gradients[1e-3, True] < 0.1 * gradients[None, True]
    assert gradients[1e-3, False] == pytest.approx(gradients[None, True], rel=1e-3)


def test_renormalization_has_the_gradient_of_doing_nothing():
    cell = NRAMCell(2)
    x = tf.constant([[0.2, 0.2, 0.4]])
    with tf.GradientTape() as gradient_tape:
        gradient_tape.watch(x)
        y = cell._renormalized(x)
    np.testing.assert_allclose(y, [[0.25, 0.25, 0.5]], rtol=1e-6)
    upstream = tf.constant([[3.0, -1.0, 2.0]])
    assert np.array_equal(gradient_tape.gradient(y, x, upstream), upstream)
    assert np.array_equal(NRAMCell(2, renormalize=False)._renormalized(x), x)


def test_distributions_stay_distributions_over_many_steps(rng):
    trace = tf.function(random_layer().trace)(tapes(rng), 100)
    for name in ("tape", "registers"):
        np.testing.assert_allclose(tf.reduce_sum(trace[name], axis=-1), 1, atol=1e-6)


def test_logarithms_are_bounded_by_epsilon():
    layer = with_stop_logit(100.0, gates=["READ"], epsilon=1e-4)
    log_tape = split_outputs(layer(np.array([[1, 0, 2]])))["log_tape"]
    expected = np.where(np.eye(3)[[1, 0, 2]] == 1, 0, np.log(1e-4))
    np.testing.assert_allclose(log_tape[0], expected, atol=1e-4)


# Sizes


def test_no_weight_depends_on_the_size_of_the_tape():
    shapes = []
    for size in (8, 45):
        layer = NRAM(4, num_steps=2)
        layer(np.zeros((1, size), int))
        shapes.append([tuple(weight.shape) for weight in layer.weights])
    assert shapes[0] == shapes[1]
    # Registers in, then 2 x 32 hidden units, then all choices of the 14 gates.
    num_arguments = [1, 0, 0, 0, 1, 2, 2, 1, 2, 2, 2, 2, 2, 2]
    choices = sum(n * (4 + index) for index, n in enumerate(num_arguments)) + 4 * 18 + 1
    assert shapes[0] == [(4, 32), (32,), (32, 32), (32,), (32, choices), (choices,)]


def test_argmax_of_the_output_is_the_answer_tape(rng):
    outputs = random_layer()(tapes(rng, batch=30)).numpy()
    assert outputs.shape == (30, SIZE, 2 * SIZE + 1)
    expected = split_outputs(outputs)["tape"]
    assert np.array_equal(outputs.argmax(axis=-1), np.argmax(expected, axis=-1))


def test_integers_and_their_distributions_are_the_same_tape(rng):
    tape = rng.integers(0, SIZE, (3, SIZE))
    layer = random_layer()
    one_hot = np.eye(SIZE, dtype="float32")[tape]
    assert np.array_equal(layer(tape), layer(one_hot))
    assert np.array_equal(layer(tape.astype("uint8")), layer(one_hot))


def test_losses_of_the_layer_reach_a_model(rng):
    tape = rng.integers(0, SIZE, (3, SIZE))
    layer = NRAM(2, num_steps=2, activity_regularizer="l2")
    outputs = layer(tape)
    np.testing.assert_allclose(layer.losses, [0.01 * np.sum(outputs**2) / 3], rtol=1e-5)
    assert NRAM.from_config(layer.get_config()).activity_regularizer.l2 == 0.01


# A gate of the user's own


@pytest.fixture
def triple(monkeypatch):
    monkeypatch.setattr(gates, "GATES", dict(gates.GATES))
    return gates.register_gate(
        gates.Gate(
            "TRIPLE",
            num_arguments=1,
            fuzzy=lambda tape, a: gates.GATES["ADD"].fuzzy(
                tape, a, gates.GATES["ADD"].fuzzy(tape, a, a)
            ),
            integer=lambda xp, tape, a: 3 * a % xp.shape(tape)[1],
        )
    )


def test_integers_leave_no_masks_for_the_next_call(rng):
    layer = random_layer(controller=keras.layers.SimpleRNNCell(5, dropout=0.3))
    tape = rng.integers(0, SIZE, (4, SIZE))
    registers, states = np.zeros((4, REGISTERS), int), np.zeros((4, 5), "float32")
    layer(tape[:2], training=True)
    layer.run_integers(tape)
    layer(tape[:2], training=True)
    layer.step_integers(tape, registers, [states])
    layer(tape[:2], training=True)
    tf.function(layer.run_integers)(tape)
    layer(tape, training=True)


@pytest.mark.parametrize(
    ("dtype", "controller_dtype"), [("float32", "mixed_float16"), ("float64", "float32")]
)
def test_integers_with_a_controller_of_another_dtype(rng, dtype, controller_dtype):
    controller = keras.layers.LSTMCell(6, dtype=controller_dtype)
    layer = random_layer(controller=controller, dtype=dtype)
    tape = rng.integers(0, SIZE, (3, SIZE))
    results = tf.function(layer.run_integers)(tape)
    for name, expected in layer.run_integers(tape).items():
        np.testing.assert_array_equal(results[name], expected)
    states = layer.cell.initial_controller_states(3)
    _, new_states = layer.step_integers(tape, np.zeros((3, REGISTERS), int), states)
    assert [x.dtype for x in new_states] == [dtype, dtype]


def test_a_gate_of_one_s_own(triple, rng):
    layer = random_layer(gates=["READ", "TRIPLE", "WRITE"])
    tape = rng.integers(0, 7, (20, 7))
    soft = layer.trace(tape, 3, selection="discrete")
    result = layer.run_integers(tape, 3)
    ended = result["num_steps"].numpy()
    assert np.array_equal(
        result["tape"], np.argmax(soft["tape"].numpy()[np.arange(20), ended], axis=-1)
    )
    assert NRAM.from_config(layer.get_config()).cell.gates == ("READ", "TRIPLE", "WRITE")


def test_outputs_are_tapes_again(rng):
    layer = random_layer(gates=gates.DEFAULT_GATES)
    run = tf.function(layer)
    for seed in range(20):
        weights = np.random.default_rng(seed)
        layer.set_weights([3 * weights.normal(size=w.shape) for w in layer.weights])
        tape = split_outputs(run(tapes(rng)))["tape"]
        assert np.min(tape) >= 0
        assert np.all(np.isfinite(run(tape)))


def test_tapes_of_half_precision_are_corrected(rng):
    tape = tf.cast(tf.cast(tapes(rng, size=40), tf.bfloat16), tf.float32)
    first = random_layer().trace(tape, 1)["tape"][:, 0]
    np.testing.assert_allclose(tf.reduce_sum(first, axis=-1), 1, atol=1e-6)


def test_options_of_numpy_types_are_plain_in_the_config():
    options = {"num_registers": np.int64(2), "num_steps": np.int64(3)}
    for more in ({"num_slots": np.int64(2)}, {"gate_repeats": np.int64(2)}):
        layer = NRAM(**options, **more, epsilon=np.float32(0.5))
        config = json.dumps(layer.get_config())
        assert json.dumps(NRAM.from_config(json.loads(config)).get_config()) == config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_registers": 0}, "`num_registers` must be an integer of at least 1"),
        ({"num_steps": 0}, "`num_steps` must be an integer of at least 1"),
        ({"gates": ["READ", "XOR"]}, "Received: gates='XOR'"),
        ({"gates": []}, "`gates` must be a list of names"),
        ({"gate_repeats": 0}, "`gate_repeats`"),
        ({"num_slots": 0}, "`num_slots`"),
        ({"num_slots": 3, "gate_repeats": 2}, "`gate_repeats` must be 1"),
        ({"selection": "hard"}, "`selection` must be one of 'soft'"),
        ({"activation_gradient_clip": 0}, "must be a positive number"),
        ({"epsilon": None}, "`epsilon` must be a positive number"),
        ({"epsilon": 1e-50}, "`epsilon` must be at least 1.2e-38.* epsilon=1e-50"),
        ({"controller": "lstm"}, "`controller` must be a Keras RNN cell"),
        ({"controller": keras.layers.LSTM(3)}, "pass its cell"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        NRAM(**{"num_registers": 2, **options})


def test_the_cell_says_how_to_start_it():
    with pytest.raises(ValueError, match=r"initial_state=cell.initial_states\(tape\)"):
        keras.layers.RNN(NRAMCell(2))(np.zeros((1, 3, 1)))
    with pytest.raises(ValueError, match=r"NRAMCell takes inputs of shape \(batch, 1\)"):
        keras.layers.RNN(NRAMCell(2))(np.zeros((1, 3, 2)))


def test_a_bias_against_stopping_at_once():
    for num_replicas in (None, 2):
        layer = NRAM(2, num_steps=3, stop_bias=-4.0, num_replicas=num_replicas)
        layer.build(None)
        bias = keras.ops.convert_to_numpy(layer.cell.circuit_map.weights[-1])
        assert np.all(bias[..., -1] == -4)
        assert np.all(bias[..., :-1] == 0)
        copy = NRAM.from_config(layer.get_config())
        assert copy.cell.stop_bias == -4


def test_a_machine_without_arguments():
    layer = NRAM(1, num_steps=3, gates=["ONE"])
    trace = layer.trace(np.array([[1, 0], [0, 1]]))
    assert trace["argument_selection"].shape == (2, 3, 1, 2, 2)
    assert not np.any(trace["argument_selection"])
    assert not np.any(trace["arguments"])
    np.testing.assert_array_equal(trace["outputs"][:, :, 0], np.full((2, 3, 2), [0, 1]))
