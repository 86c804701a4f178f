import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.export.tapes import facts
from keras_nm.layers import NRAM
from keras_nm.machines import MACHINES
from keras_nm.page.models import _line
from keras_nm.programs import PROGRAMS, Circuit, Program
from keras_nm.tasks import nram
from keras_nm.training import RECIPES, RegisterTraceLoss, build_model

LIST = np.array([[6, 1, 3, 0, 0, 7, 8, 9, 4, 5], [6, 0, 3, 0, 0, 7, 8, 9, 4, 5]])
# Registers of the program list_k, worked out by hand. The value of the head, at 6, is in
# cell 7, that of the next node in cell 9. The second list takes no hop and stops sooner.
REGISTERS = [[(7, 1), (9, 0), (9, 0)], [(7, 0), (7, 0)]]


def random_registers(rng, num_steps=4, num_registers=3):
    registers = rng.random((2, num_steps, num_registers, 10)).astype("float32")
    return registers / registers.sum(-1, keepdims=True)


def by_hand(registers, columns, epsilon):
    losses = []
    for row, steps in enumerate(REGISTERS):
        losses.append(0.0)
        right = 1.0
        for step, values in enumerate(steps):
            before = right
            for place, column in enumerate(columns):
                p = registers[row, step, place, values[column]]
                losses[-1] -= before * np.log((p + epsilon) / (1 + epsilon))
                right *= p
    return np.mean(losses)


@pytest.mark.parametrize("names", [None, ["r2"], ["r2", "r1"]])
def test_loss_by_hand(rng, names):
    registers = random_registers(rng)
    columns = [int(name[1]) - 1 for name in names or ["r1", "r2"]]
    for weight, epsilon in ((1.0, 0.1), (2.0, 1e-3)):
        loss = RegisterTraceLoss("list_k", names, weight=weight, epsilon=epsilon)
        expected = weight * by_hand(registers, columns, epsilon)
        assert float(loss(LIST, registers)) == pytest.approx(expected, rel=1e-5)


def test_steps_that_are_missing_do_not_count(rng):
    registers = random_registers(rng)
    registers[:, 0] = 0  # nothing after a step in which nothing is right
    loss = RegisterTraceLoss("list_k")
    assert float(loss(LIST, registers)) == pytest.approx(2 * np.log(1.1 / 0.1), rel=1e-5)
    assert float(loss(LIST, registers[:, :1])) == float(loss(LIST, registers))


def test_what_was_right_before_is_not_a_reason_to_be_wrong(rng):
    # Less probability at the first step would make the others count less.
    registers = tf.constant(random_registers(rng))
    loss = RegisterTraceLoss("list_k")
    with tf.GradientTape() as gradients:
        gradients.watch(registers)
        result = loss(LIST, registers)
    gradient = gradients.gradient(result, registers).numpy()
    for row, (first, *_) in enumerate(REGISTERS):
        for place, value in enumerate(first):
            p = float(registers[row, 0, place, value])
            assert gradient[row, 0, place, value] == pytest.approx(
                -0.5 / (p + 0.1), rel=1e-4
            )
    assert np.all(gradient <= 0)


def test_layer_adds_it_in_training_only():
    layer = NRAM(2, 4, gate_repeats=2, register_loss=RegisterTraceLoss("list_k"))
    PROGRAMS["list_k"].into_layer(layer)
    layer(LIST)
    assert layer.losses == []
    layer(LIST, training=True)
    assert float(layer.losses[0]) == pytest.approx(0, abs=1e-5)
    PROGRAMS["swap"].into_layer(layer)
    layer(LIST, training=True)
    assert float(layer.losses[0]) > 1


def test_replicas_have_the_mean_of_their_losses():
    together = NRAM(2, 3, num_replicas=2, register_loss=RegisterTraceLoss("access"))
    tapes = np.array([[3, 1, 2, 0], [1, 3, 2, 0]])
    together(tapes, training=True)
    alone = []
    for index in range(2):
        layer = together.replica(index)
        layer(tapes[index : index + 1], training=True)
        alone.append(float(layer.losses[0]))
    assert float(together.losses[0]) == pytest.approx(np.mean(alone), rel=1e-5)
    assert alone[0] != pytest.approx(alone[1])


@pytest.mark.slow
def test_traces_are_learned_by_fit():
    keras.utils.set_random_seed(0)
    task = nram.Access(max_length=4)
    trace_loss = RegisterTraceLoss("access", ["r1"], weight=3.0)
    options = {"entropy_weight": -0.1, "register_loss": trace_loss}
    layer = NRAM(2, 2, gates=["READ", "ONE", "INC", "WRITE"], **options)
    inputs = keras.Input((None,), dtype="int32")
    model = keras.Model(inputs, layer(inputs))
    # Nothing else is asked for.
    model.compile(keras.optimizers.Adam(0.03), jit_compile=False)
    tapes = task.dataset(32).map(lambda tape, answer, cells: tape)
    model.fit(tapes, steps_per_epoch=60, verbose=0, shuffle=False)
    tape = next(iter(task.dataset(32, split="validation")))[0].numpy()
    registers = layer.trace(tape)["registers"].numpy().argmax(-1)
    assert np.array_equal(registers[:, 1, 0], tape[:, 0])


def test_config_round_trips(rng):
    own = Program(1, [("*", Circuit({"READ": ["r1"], "INC": ["READ"]}, ["INC"]))])
    registers = random_registers(rng)
    for program in ("list_k", PROGRAMS["list_k"], own):
        loss = RegisterTraceLoss(program, ["r1"], weight=0.5, epsilon=0.2)
        layer = NRAM(3, register_loss=loss)
        copy = NRAM.from_config(layer.get_config()).register_loss
        assert copy.get_config() == loss.get_config()
        assert float(copy(LIST, registers)) == float(loss(LIST, registers))
    assert NRAM.from_config(NRAM(3).get_config()).register_loss is None


def test_errors(rng):
    with pytest.raises(ValueError, match="`program` must be one of 'access'"):
        RegisterTraceLoss("quicksort")
    with pytest.raises(ValueError, match="`registers` must be one of 'r1', 'r2'"):
        RegisterTraceLoss("access", ["r3"])
    with pytest.raises(ValueError, match="`registers` must have distinct names"):
        RegisterTraceLoss("access", ["r1", "r1"])
    for registers in ([], "r1", 5):
        with pytest.raises(ValueError, match="must be a list of names"):
            RegisterTraceLoss("access", registers)
    for name in ("weight", "epsilon"):
        with pytest.raises(ValueError, match=f"`{name}` must be a positive number"):
            RegisterTraceLoss("access", **{name: 0})
    with pytest.raises(ValueError, match="`epsilon` must be at least"):
        RegisterTraceLoss("access", epsilon=1e-50)
    loss = RegisterTraceLoss("list_k")
    with pytest.raises(ValueError, match="needs a register for each of"):
        loss(LIST, random_registers(rng, num_registers=1))
    with pytest.raises(ValueError, match="needs a tape of at least 3"):
        loss(np.array([[1, 0], [1, 0]]), random_registers(rng)[..., :2])
    with pytest.raises(ValueError, match="tapes of integers"):
        loss(np.eye(10, dtype="float32")[LIST], random_registers(rng))

    @tf.function(input_signature=[tf.TensorSpec((2, None, 3, 10))])
    def of_unknown_length(registers):
        return loss(LIST, registers)

    with pytest.raises(ValueError, match="number of steps must be known"):
        of_unknown_length(random_registers(rng))
    with pytest.raises(ValueError, match="must be a function of the tape"):
        NRAM(2, register_loss="list_k")
    layer = NRAM(2, 3, register_loss=loss)
    with pytest.raises(ValueError, match="one Python integer as the number of steps"):
        layer(LIST, num_steps=np.array([1, 2]), training=True)

    @tf.function(input_signature=[tf.TensorSpec((2, None), tf.int32)])
    def of_unknown_size(tape):
        return layer(tape, training=True)

    with pytest.raises(ValueError, match="takes tapes of known size"):
        of_unknown_size(LIST)


@pytest.mark.parametrize(("task", "also"), [("list_search", True), ("walk_bst", False)])
def test_a_card_says_what_else_a_machine_was_trained_on(task, also):
    layer = build_model(RECIPES[f"nram/{task}"]["nram"]).get_layer("machine")
    known = facts(layer).get("also_trained_on")
    assert known == ("the registers of a program after each of its steps" if also else None)


def test_a_page_says_what_else_a_machine_was_trained_on():
    card = {
        "trained_on_examples": 48_000,
        "task_options": {"min_length": 4, "max_length": 5},
        "also_trained_on": "registers",
    }
    assert _line(card, MACHINES["NRAM"], ["4 registers"]) == (
        "Neural Random-Access Machine, 4 registers. Trained on 48,000 examples of lengths "
        "4 to 5, and on registers."
    )
