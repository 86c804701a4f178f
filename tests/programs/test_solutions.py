import nram_tapes
import numpy as np
import pytest

from keras_nm.programs import PROGRAMS
from keras_nm.programs.program import Program
from keras_nm.programs.solutions import LIST_SEARCH_IN_ONE_CIRCUIT, MERGE_IN_ONE_CIRCUIT

LARGEST_SIZE = 59
STOPPING = ["permutation", "list_k", "list_search", "merge", "walk_bst"]


def batches(name, seed, num_batches=25, batch_size=40):
    """Random tapes in batches of one M each: tape, answer, mask, steps as arrays."""
    rng = np.random.default_rng(seed)
    sizes = range(nram_tapes.SMALLEST_SIZE.get(name, 1), LARGEST_SIZE + 1)
    for _ in range(num_batches):
        num_cells = nram_tapes.smallest_tape(name, rng.choice(sizes)) + rng.integers(21)
        spare = {size: num_cells - nram_tapes.smallest_tape(name, size) for size in sizes}
        fitting = [size for size in sizes if 0 <= spare[size] <= 20]
        rows = [
            nram_tapes.sample(name, rng, rng.choice(fitting), num_cells)
            for _ in range(batch_size)
        ]
        yield [np.array(column) for column in zip(*rows, strict=True)]


def test_the_ten_tasks_have_a_program():
    assert list(PROGRAMS) == list(nram_tapes.SOLVE)


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_wrong_cell_on_a_thousand_tapes(name):
    total = 0
    for tape, answer, mask, num_steps in batches(name, seed=1):
        result = PROGRAMS[name].run(tape, num_steps)
        np.testing.assert_array_equal(result[mask == 1], answer[mask == 1])
        assert mask.any(axis=1).all()
        total += len(tape)
    assert total == 1000


@pytest.mark.parametrize("name", STOPPING)
def test_program_stops_by_itself_and_changes_nothing_but_the_answer(name):
    for tape, answer, _, num_steps in batches(name, seed=2):
        trace = PROGRAMS[name].trace(tape, 3 * num_steps)
        np.testing.assert_array_equal(trace["num_steps"], num_steps)
        np.testing.assert_array_equal(trace["tape"][:, -1], answer)


def test_list_search_in_one_circuit():
    for tape, answer, _, num_steps in batches("list_search", seed=5):
        trace = LIST_SEARCH_IN_ONE_CIRCUIT.trace(tape, 3 * num_steps)
        np.testing.assert_array_equal(trace["num_steps"], num_steps)
        np.testing.assert_array_equal(trace["tape"][:, -1], answer)


def test_merge_in_one_circuit():
    for tape, answer, mask, num_steps in batches("merge", seed=6):
        for steps in (num_steps - 2, num_steps):
            result = MERGE_IN_ONE_CIRCUIT.run(tape, steps)
            np.testing.assert_array_equal(result[mask == 1], answer[mask == 1])


@pytest.mark.parametrize("name", ["access", "copy"])
def test_more_steps_do_no_harm(name):
    for tape, answer, _, num_steps in batches(name, seed=3, num_batches=5):
        result = PROGRAMS[name].run(tape, 3 * num_steps)
        np.testing.assert_array_equal(result, answer)


@pytest.mark.parametrize("name", PROGRAMS)
def test_last_step_gives_the_answer_unless_it_only_stops(name):
    solved = []
    for tape, answer, mask, num_steps in batches(name, seed=4, num_batches=5):
        result = PROGRAMS[name].run(tape, np.maximum(num_steps - 1, 1))
        solved.append(np.all((result == answer) | (mask == 0), axis=1))
    assert np.concatenate(solved).all() == (name in ("permutation", "merge"))


# Tape, the cells of the answer, and what they hold, worked out by hand.
EXAMPLES = {
    "access": ([3, 5, 1, 4, 6, 0, 0], [0], [4]),
    "increment": ([3, 1, 4, 0, 0], [0, 1, 2], [4, 2, 0]),
    "copy": ([4, 6, 0, 5, 0, 0, 0], [4, 5, 6], [6, 0, 5]),
    "reverse": ([4, 6, 0, 5, 0, 0, 0], [4, 5, 6], [5, 0, 6]),
    "swap": ([3, 2, 6, 5, 1, 0, 0], [2, 3, 4], [5, 6, 1]),
    "permutation": ([4, 2, 0, 1, 6, 5, 3], [1, 2, 3], [3, 6, 5]),
    "list_k": ([6, 2, 3, 0, 0, 1, 8, 9, 4, 7], [3], [1]),
    "list_search": ([8, 1, 2, 0, 0, 1, 4, 1, 6, 3], [2], [6]),
    "merge": (
        [3, 6, 9, 0, 5, 12, 1, 5, 12, 0, 0, 0, 0],
        [9, 10, 11, 12],
        [0, 1, 5, 5],
    ),
    "walk_bst": (
        [5, 3, 2, 1, 0, 7, 0, 11, 6, 0, 0, 9, 8, 0],
        [3],
        [6],
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_worked_example(name):
    tape, addresses, values = EXAMPLES[name]
    cells, num_steps = nram_tapes.SOLVE[name](tape)
    assert cells == dict(zip(addresses, values, strict=True))
    result = PROGRAMS[name].run(np.array([tape]), num_steps)
    assert result[0, addresses].tolist() == values


@pytest.mark.parametrize(
    "tape",
    [
        [3, 4, 7, 8, 2, 6, 8, 0, 0],
        [3, 6, 7, 2, 6, 8, 8, 0, 0],
        [3, 4, 5, 5, 5, 0],
    ],
)
def test_merge_with_an_empty_array(tape):
    cells, num_steps = nram_tapes.SOLVE["merge"](tape)
    trace = PROGRAMS["merge"].trace(np.array([tape]), 3 * num_steps)
    assert trace["num_steps"] == num_steps
    expected = [cells.get(address, value) for address, value in enumerate(tape)]
    assert trace["tape"][0, -1].tolist() == expected


@pytest.mark.parametrize("name", PROGRAMS)
def test_json_gives_the_program_back(name):
    program = PROGRAMS[name]
    assert Program.from_json(program.to_json()) == program
