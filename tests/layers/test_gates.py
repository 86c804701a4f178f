"""Every gate against the sum over all pairs of integers that defines it (equation 2)."""

import keras
import nram_loops
import numpy as np
import pytest
import tensorflow as tf
from nram_loops import MEANING

from keras_nm.layers import gates
from keras_nm.layers.nram.gates import DEFAULT_GATES, GATES, Gate

SIZES = [1, 2, 3, 4, 5, 6, 7]
NAMES_AND_SIZES = [
    (name, size) for name in MEANING for size in SIZES if size >= GATES[name].min_size
]
BATCH = 4


def distributions(rng, *shape):
    x = rng.random(shape) ** 3
    return (x / x.sum(axis=-1, keepdims=True)).astype("float32")


def one_hot(integers, size):
    return np.eye(size, dtype="float32")[integers]


def lift(name, arguments):
    return np.array(
        [
            nram_loops.lift(
                MEANING[name], GATES[name].num_arguments, arguments.shape[-1], row
            )
            for row in np.swapaxes(arguments, 0, 1)
        ]
    )


def test_all_gates_are_covered():
    assert set(MEANING) | {"READ"} == set(GATES)
    assert set(DEFAULT_GATES) == set(GATES) - {"WRITE-RETURNING-ZERO"}


def test_the_paper_s_gates_in_the_paper_s_order():
    printed = "READ ZERO ONE TWO INC ADD SUB DEC LESS-THAN LESS-OR-EQUAL EQUALITY MIN MAX"
    assert [*printed.split(), "WRITE"] == list(DEFAULT_GATES)


@pytest.mark.parametrize(("name", "size"), NAMES_AND_SIZES)
def test_fuzzy_form_is_the_sum_over_all_pairs(name, size, rng):
    gate = GATES[name]
    tape = distributions(rng, BATCH, size, size)
    arguments = distributions(rng, gate.num_arguments, BATCH, size)
    expected = lift(name, arguments)
    np.testing.assert_allclose(gate.fuzzy(tape, *arguments), expected, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_read_is_the_sum_over_all_cells(size, rng):
    tape = distributions(rng, BATCH, size, size)
    pointer = distributions(rng, BATCH, size)
    expected = np.zeros((BATCH, size))
    for row in range(BATCH):
        for cell in range(size):
            for value in range(size):
                expected[row, value] += pointer[row, cell] * tape[row, cell, value]
    np.testing.assert_allclose(GATES["READ"].fuzzy(tape, pointer), expected, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_write_mixes_every_cell_with_the_value(size, rng):
    tape = distributions(rng, BATCH, size, size)
    pointer, value = distributions(rng, 2, BATCH, size)
    expected = np.zeros((BATCH, size, size))
    for row in range(BATCH):
        # The tape as it is if the pointer points to `cell` for certain, times how likely.
        for cell in range(size):
            written = tape[row].copy()
            written[cell] = value[row]
            expected[row] += pointer[row, cell] * written
    np.testing.assert_allclose(gates.write(tape, pointer, value), expected, atol=1e-6)


def all_pairs(size):
    return (x.ravel() for x in np.meshgrid(range(size), range(size)))


@pytest.mark.parametrize(("name", "size"), NAMES_AND_SIZES)
def test_one_hot_arguments_give_exactly_the_integer_form(name, size):
    gate = GATES[name]
    arguments = list(all_pairs(size))[: gate.num_arguments]
    count = size * size
    tape = np.zeros((count, size), int)
    expected = np.array(
        [
            MEANING[name](size, *[argument[row] for argument in arguments])
            for row in range(count)
        ]
    )
    assert gate.integer(np, tape, *arguments).tolist() == expected.tolist()

    tensors = [tf.constant(argument, tf.int32) for argument in arguments]
    in_graph = gate.integer(keras.ops, tf.constant(tape, tf.int32), *tensors)
    assert in_graph.dtype == tf.int32
    assert in_graph.numpy().tolist() == expected.tolist()

    fuzzy = gate.fuzzy(
        one_hot(tape, size), *[one_hot(argument, size) for argument in arguments]
    )
    assert np.array_equal(fuzzy, one_hot(expected, size))


@pytest.mark.parametrize("size", SIZES)
def test_one_hot_read_and_write_are_exact(size, rng):
    tape = rng.integers(0, size, (BATCH, size))
    pointer, value = rng.integers(0, size, (2, BATCH))
    rows = np.arange(BATCH)
    integer = GATES["READ"].integer(np, tape, pointer)
    assert integer.tolist() == tape[rows, pointer].tolist()
    fuzzy = GATES["READ"].fuzzy(one_hot(tape, size), one_hot(pointer, size))
    assert np.array_equal(fuzzy, one_hot(integer, size))

    written = gates.write(*(one_hot(x, size) for x in (tape, pointer, value)))
    tape[rows, pointer] = value
    assert np.array_equal(written, one_hot(tape, size))


@pytest.mark.parametrize("size", [3, 7, 64])
@pytest.mark.parametrize("name", GATES)
def test_outputs_are_distributions(name, size, rng):
    gate = GATES[name]
    tape = distributions(rng, BATCH, size, size)
    arguments = [distributions(rng, BATCH, size) for _ in range(gate.num_arguments)]
    output = np.asarray(gate.fuzzy(tape, *arguments))
    assert output.shape == (BATCH, size)
    assert output.min() >= 0
    np.testing.assert_allclose(output.sum(axis=-1), 1, atol=1e-6)


@pytest.mark.parametrize("kind", ["one_hot", "random"])
@pytest.mark.parametrize("name", GATES)
def test_gradients_are_those_of_the_sum_over_all_pairs(name, kind, rng):
    gate = GATES[name]
    size = 5
    tape = distributions(rng, BATCH, size, size)
    arguments = distributions(rng, 2, BATCH, size)
    if kind == "one_hot":
        arguments = one_hot(rng.integers(0, size, (2, BATCH)), size)
    arguments = [tf.constant(x) for x in arguments[: gate.num_arguments]]
    upstream = rng.normal(size=(BATCH, size)).astype("float32")
    with tf.GradientTape() as gradient_tape:
        gradient_tape.watch(arguments)
        output = gate.fuzzy(tape, *arguments)
    actual = gradient_tape.gradient(
        output, arguments, upstream, unconnected_gradients="zero"
    )
    # The sum is linear in each argument: its derivative is the sum at a one-hot one. As
    # distributions sum to 1, only differences between the derivatives matter.
    for index, gradient in enumerate(actual):
        assert np.all(np.isfinite(gradient))
        derivatives = np.zeros((BATCH, size))
        for value in range(size):
            changed = np.array(arguments)
            changed[index] = one_hot(np.full(BATCH, value), size)
            expected = tape[:, value] if name == "READ" else lift(name, changed)
            derivatives[:, value] = (expected * upstream).sum(axis=-1)
        np.testing.assert_allclose(
            gradient - np.mean(gradient, axis=-1, keepdims=True),
            derivatives - derivatives.mean(axis=-1, keepdims=True),
            atol=1e-5,
        )


def test_slots_have_names_of_their_own():
    slots = gates.slots_of(["READ", "INC", "INC"], gate_repeats=2)
    assert list(slots) == ["READ", "INC", "INC2", "READ2", "INC3", "INC4"]
    assert slots["READ2"] == [GATES["READ"]]
    slots = gates.slots_of(["READ", "INC"], num_slots=3)
    assert list(slots) == ["slot1", "slot2", "slot3"]
    assert all(choices == [GATES["READ"], GATES["INC"]] for choices in slots.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["READ", "XOR"], 1), "must be one of 'READ', .* Received: gates='XOR'"),
        (([], 1), "must be a list of names"),
        (("READ", 1), "must be a list of names.* Received: gates='READ'"),
        ((iter(["READ"]), 1), "must be a list of names.* Received: gates=<list_iterator"),
        ((["READ"], 0), "`gate_repeats` must be an integer of at least 1"),
        ((["READ"], 1, 0), "`num_slots` must be an integer of at least 1"),
        ((["READ"], 2, 3), "`gate_repeats` must be 1. Received: gate_repeats=2"),
    ],
)
def test_wrong_lists_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        gates.slots_of(*arguments)


@pytest.mark.parametrize(
    "options",
    [
        {"name": ""},
        {"name": "READ2"},
        {"name": "r"},
        {"name": "stop"},
        {"name": "registers"},
        {"num_arguments": 3},
        {"num_arguments": 1, "writes": True},
        {"min_size": 0},
    ],
)
def test_wrong_gates_are_refused(options):
    arguments = {"name": "X", "num_arguments": 0, "fuzzy": None, "integer": None}
    with pytest.raises(ValueError):
        Gate(**{**arguments, **options})


def test_a_name_is_registered_once(monkeypatch):
    monkeypatch.setattr(gates, "GATES", dict(GATES))
    gate = Gate("NOTHING", 1, lambda tape, a: a, lambda xp, tape, a: a)
    assert gates.register_gate(gate) is gate
    gates.register_gate(gate)
    other = Gate("NOTHING", 1, lambda tape, a: -a, lambda xp, tape, a: -a)
    with pytest.raises(ValueError, match="A gate of the name 'NOTHING' already exists"):
        gates.register_gate(other)
