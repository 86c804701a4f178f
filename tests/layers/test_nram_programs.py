"""One program, four forms of the machine that runs it.

The forms are NumPy, integers, one-hot and soft distributions.
"""

import json
from pathlib import Path

import nram_tapes
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.layers import NRAM
from keras_nm.programs import PROGRAMS

# The executions that the paper prints: the state before each step and after the last.
EXECUTIONS = json.loads(
    (Path(__file__).parent / "kurach_2016_executions.json").read_text(encoding="utf-8")
)


def machine(name):
    program = PROGRAMS[name]
    layer = NRAM(program.num_registers, gate_repeats=program.gate_repeats)
    return program.into_layer(layer, scale=40.0)


@pytest.fixture(params=EXECUTIONS)
def execution(request):
    printed = EXECUTIONS[request.param]
    return request.param, np.array(printed["tape"]), np.array(printed["registers"])


def test_program_runs_the_printed_execution(execution):
    name, tapes, registers = execution
    trace = PROGRAMS[name].trace(tapes[:1], num_steps=len(tapes) - 1)
    assert trace["tape"].tolist() == [tapes.tolist()]
    assert trace["registers"].tolist() == [registers.tolist()]


def test_integer_machine_runs_the_printed_execution(execution):
    name, tapes, registers = execution
    # The same tape for every number of steps.
    numbers = np.arange(1, len(tapes))
    result = machine(name).run_integers(np.repeat(tapes[:1], len(numbers), 0), numbers)
    assert result["tape"].numpy().tolist() == tapes[1:].tolist()
    assert result["registers"].numpy().tolist() == registers[1:].tolist()


def test_soft_machine_runs_the_printed_execution(execution):
    name, tapes, registers = execution
    trace = machine(name).trace(tapes[:1], len(tapes) - 1)
    for key, expected in {"tape": tapes, "registers": registers}.items():
        right = np.take_along_axis(trace[key][0].numpy(), expected[..., None], axis=-1)
        assert right.min() > 0.999999


def random_tapes(name, rng, num_tapes, smallest, largest):
    """Random tapes of one M: tape, answer, its cells and numbers of steps as arrays."""
    num_cells = nram_tapes.smallest_tape(name, largest) + rng.integers(10)
    smallest = max(smallest, nram_tapes.SMALLEST_SIZE.get(name, 1))
    rows = [
        nram_tapes.sample(name, rng, rng.integers(smallest, largest + 1), num_cells)
        for _ in range(num_tapes)
    ]
    # A machine runs for as long as the longest of a batch.
    rows.sort(key=lambda row: row[-1])
    return [np.array(column) for column in zip(*rows, strict=True)]


def check_answers(integer, discrete, tape, answer, answer_cells, num_steps):
    """Both machines give the answer, the discrete one with probabilities of 0 and 1."""
    inputs = tf.constant(tape, tf.int32), tf.constant(num_steps, tf.int32)
    result = integer(*inputs)["tape"].numpy()
    assert np.all((result == answer)[answer_cells == 1])
    outputs = np.concatenate(
        [discrete(*(x[i : i + 50] for x in inputs)) for i in range(0, len(tape), 50)]
    )
    assert np.array_equal(outputs.argmax(axis=-1), result)
    size = tape.shape[1]
    assert np.array_equal(outputs[:, :, :size], np.eye(size)[result])


@pytest.mark.parametrize("name", PROGRAMS)
def test_integer_and_discrete_machine_make_no_mistake_on_small_tapes(name, rng):
    layer = machine(name)
    tapes = random_tapes(name, rng, 10, 1, 6)
    check_answers(
        layer.run_integers, lambda *inputs: layer(*inputs, selection="discrete"), *tapes
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_integer_and_discrete_machine_make_no_mistake_on_1000_random_tapes(name, rng):
    layer = machine(name)
    tapes = tf.TensorSpec((None, None), tf.int32)
    steps = tf.TensorSpec((None,), tf.int32)
    integer = tf.function(layer.run_integers, input_signature=[tapes, steps])
    discrete = tf.function(
        lambda tape, num_steps: layer(tape, num_steps, selection="discrete"),
        input_signature=[tapes, steps],
    )
    # Fewer of the large ones: a machine of distributions takes as long as M cubed.
    for largest, num_tapes in ((12, 450), (24, 300), (36, 150), (48, 50), (59, 50)):
        batch = random_tapes(name, rng, num_tapes, largest - 11, largest)
        check_answers(integer, discrete, *batch)


def check_where_the_soft_machine_stops(run, name, rng, size):
    tape, answer, answer_cells, num_steps = random_tapes(name, rng, 1, size, size)
    outputs = run(tape, num_steps=3 * int(num_steps[0])).numpy()
    assert -outputs[0, 0, -1] == pytest.approx(num_steps[0], abs=1e-4)
    right = outputs.argmax(axis=-1) == answer
    assert np.all(right[answer_cells == 1])


STOPPING = ["permutation", "list_k", "list_search", "merge"]


@pytest.mark.parametrize("name", STOPPING[:2])
def test_soft_machine_stops_where_the_program_stops(name, rng):
    check_where_the_soft_machine_stops(machine(name), name, rng, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", STOPPING)
def test_soft_machine_stops_where_the_program_stops_on_large_tapes(name, rng):
    run = tf.function(machine(name))
    for size in (9, 20):
        check_where_the_soft_machine_stops(run, name, rng, size)
