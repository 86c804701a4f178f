"""Sampled tapes against the tests' own solvers of the ten tasks."""

import nram_tapes
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.tasks.nram import TASKS, Copy, Merge
from keras_nm.tasks.nram.tape_task import Draws
from keras_nm.tasks.task import SPLITS


@pytest.fixture(params=TASKS)
def name(request):
    return request.param


def sampled(task, count, batch_size=500, **options):
    batches = task.dataset(batch_size, **options).take(count // batch_size)
    columns = zip(*batches.as_numpy_iterator(), strict=True)
    return [np.concatenate(column) for column in columns]


def test_the_tasks_are_those_that_have_a_program():
    assert list(TASKS) == list(nram_tapes.SOLVE)


@pytest.mark.parametrize(("max_size", "spare"), [(10, 0), (10, 7), (2, 0), (30, 3)])
def test_answers_are_those_of_the_solvers(name, max_size, spare):
    num_cells = TASKS[name].smallest_tape(max_size) + spare
    task = TASKS[name](max_size=max_size, num_cells=num_cells)
    tapes, answers, answer_cells = sampled(task, 2500)
    assert tapes.shape == answers.shape == answer_cells.shape == (2500, num_cells)
    assert tapes.dtype == answers.dtype == np.int32
    assert tapes.min() >= 0
    assert tapes.max() < num_cells
    for tape, answer, cells in zip(tapes, answers, answer_cells, strict=True):
        solution, num_steps = nram_tapes.SOLVE[name](tape.tolist())
        assert num_steps <= task.num_steps
        assert np.flatnonzero(cells).tolist() == sorted(solution)
        expected = tape.copy()
        for address, value in solution.items():
            expected[address] = value
        assert answer.tolist() == expected.tolist()


def test_the_program_solves_the_task(name):
    task = TASKS[name](max_size=12)
    tape, answer, answer_cells = sampled(task, 500)
    for row, (values, cells) in enumerate(zip(answer, answer_cells, strict=True)):
        _, num_steps = nram_tapes.SOLVE[name](tape[row].tolist())
        result = task.program.run(tape[row : row + 1], num_steps)[0]
        assert np.all((result == values)[cells == 1])


def test_every_size_is_drawn(name):
    task = TASKS[name](min_size=2, max_size=5)
    tapes, _, _ = sampled(task, 500)
    counts = {
        "access": lambda t: np.count_nonzero(t) - 1,
        "increment": np.count_nonzero,
        "copy": lambda t: t[0] - 1,
        "reverse": lambda t: t[0] - 1,
        "swap": lambda t: np.count_nonzero(t) - 2,
        "permutation": lambda t: t[0] - 1,
        "list_k": list_length,
        "list_search": list_length,
        "merge": lambda t: t[2] - 5,
        "walk_bst": lambda t: tree_size(t, t[0]),
    }
    assert {int(counts[name](tape)) for tape in tapes} == {2, 3, 4, 5}


def list_length(tape):
    node, length = tape[0], 0
    while node != 0:
        assert node >= 3
        node, length = tape[node], length + 1
    return length


def tree_size(tape, node):
    if node == 0:
        return 0
    return 1 + tree_size(tape, tape[node + 1]) + tree_size(tape, tape[node + 2])


def test_trees_are_search_trees():
    tapes, _, _ = sampled(TASKS["walk_bst"](max_size=9), 500)

    def in_order(tape, node):
        if node == 0:
            return []
        left, right = (in_order(tape, tape[node + side]) for side in (1, 2))
        return [*left, tape[node], *right]

    lengths = []
    for tape in tapes:
        values = in_order(tape, tape[0])
        assert values == sorted(values)
        lengths.append(len(nram_tapes.until_null(tape, 2)))
    assert set(range(5)) <= set(lengths)


def test_unused_cells_hold_trash_in_a_search_only():
    tapes, _, _ = sampled(TASKS["list_search"](max_size=3, num_cells=40), 500)
    assert np.mean(tapes[:, 3:] != 0) > 0.9
    tapes, _, _ = sampled(TASKS["list_k"](max_size=3, num_cells=40), 500)
    assert np.mean(tapes[:, 3:] != 0) < 0.2


def test_a_search_finds_the_first_of_several():
    tapes, answers, cells = sampled(TASKS["list_search"](max_size=8), 500)
    several = 0
    for tape, answer, cell in zip(tapes, answers, cells, strict=True):
        node, nodes = tape[0], []
        while node != 0:
            nodes.append(node)
            node = tape[node]
        matching = [node for node in nodes if tape[node + 1] == tape[1]]
        assert answer[cell == 1] == matching[0]
        several += len(matching) > 1
    assert several > 100


def test_nodes_are_anywhere():
    tapes, _, _ = sampled(TASKS["list_k"](min_size=2, max_size=2, num_cells=9), 5000)
    places = {}
    for tape in tapes:
        pair = int(tape[0]), int(tape[tape[0]])
        places[pair] = places.get(pair, 0) + 1
    # Two nodes of two cells in the six cells 3 to 8, in both orders: (3,5) (3,6) (3,7)
    # (4,6) (4,7) (5,7). About 417 of each.
    assert len(places) == 12
    assert min(places.values()) > 330


def test_merged_arrays_overlap():
    tapes, _, _ = sampled(TASKS["merge"](min_size=8, max_size=8, num_cells=200), 500)
    first_a, last_a = tapes[:, 3], tapes[np.arange(500), tapes[:, 1] - 2]
    first_b = tapes[np.arange(500), tapes[:, 1]]
    assert np.mean(first_a > first_b) > 0.2
    assert np.mean((first_a < first_b) & (first_b < last_a)) > 0.2


def test_draws_are_independent_and_repeatable():
    key = tf.constant([1, 2], tf.int64)
    draws, again = Draws(key), Draws(key)
    first, second = draws.uniform((1000,)), draws.uniform((1000,))
    assert np.array_equal(first, again.uniform((1000,)))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1
    low, high = np.array([[0], [5]], "int32"), np.array([[2], [8]], "int32")
    integers = draws.integers((2, 100), low, high).numpy()
    assert [set(row) for row in integers] == [{0, 1}, {5, 6, 7}]


def test_batches_depend_on_split_seed_and_index_alone(name):
    task = TASKS[name](max_size=5)
    first = list(task.dataset(8, seed=3).take(6).as_numpy_iterator())
    again = list(task.dataset(8, seed=3, start=2).take(4).as_numpy_iterator())
    shard = list(task.dataset(8, seed=3, shard=(1, 3)).take(2).as_numpy_iterator())
    for actual, expected in [*zip(again, first[2:], strict=True), (shard[0], first[1])]:
        assert all(np.array_equal(a, b) for a, b in zip(actual, expected, strict=True))
    others = [next(iter(task.dataset(8, seed=3, split=split)))[0] for split in SPLITS]
    others.append(next(iter(task.dataset(8, seed=4)))[0])
    assert len({tf.io.serialize_tensor(tape).numpy() for tape in others}) == 4


def test_at_length_enlarges_the_tape(name):
    task = TASKS[name](max_size=4).at_length(9)
    assert (task.min_size, task.max_size) == (9, 9)
    assert task.num_cells == TASKS[name].smallest_tape(9)
    large = TASKS[name](max_size=4, num_cells=500).at_length(9)
    assert large.num_cells == 500


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_size": 0}, "`max_size` must be an integer of at least 1"),
        ({"min_size": -1}, "`min_size` must be an integer of at least 1"),
        ({"min_size": 5, "max_size": 4}, "`min_size` must be at most `max_size`"),
        ({"num_cells": 20}, "copy with 10 elements needs a tape of 21 cells"),
        ({"num_cells": 30.0}, "`num_cells` must be an integer"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Copy(**options)
    with pytest.raises(ValueError, match="`max_size` must be an integer of at least 2"):
        Merge(max_size=1)
