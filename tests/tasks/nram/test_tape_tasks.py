"""Sampled tapes against the tests' own solvers of the ten tasks."""

import dataclasses

import nram_tapes
import numpy as np
import pytest
import tensorflow as tf
from eager_sampling import sampled

from keras_nm import tasks
from keras_nm.tasks.nram import Copy, Merge, WalkBST

SLOW_SIZES = [(10, 0), (30, 3)]
TASKS = {
    name.removeprefix("nram/"): spec.make
    for name, spec in tasks.TASKS.items()
    if name.startswith("nram/")
}


@pytest.fixture(params=TASKS)
def name(request):
    return request.param


def test_the_tasks_are_those_that_have_a_program():
    assert list(TASKS) == list(nram_tapes.SOLVE)


@pytest.mark.parametrize(
    ("max_length", "spare"),
    [(10, 7), (2, 0), *(pytest.param(*x, marks=pytest.mark.slow) for x in SLOW_SIZES)],
)
def test_answers_are_those_of_the_solvers(name, max_length, spare):
    num_cells = TASKS[name].smallest_tape(max_length) + spare
    task = TASKS[name](max_length=max_length, num_cells=num_cells)
    tapes, answers, answer_cells = sampled(task, 1000)
    assert tapes.shape == answers.shape == answer_cells.shape == (1000, num_cells)
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
    task = TASKS[name](max_length=12)
    tape, answer, answer_cells = sampled(task, 500)
    num_steps = [nram_tapes.SOLVE[name](each.tolist())[1] for each in tape]
    result = task.program.run(tape, np.array(num_steps))
    assert np.all((result == answer)[answer_cells == 1])


def test_every_size_is_drawn(name):
    task = TASKS[name](min_length=2, max_length=5)
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
    tapes, _, _ = sampled(TASKS["walk_bst"](max_length=9), 500)

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
    tapes, _, _ = sampled(TASKS["list_search"](max_length=3, num_cells=40), 500)
    assert np.mean(tapes[:, 3:] != 0) > 0.9
    tapes, _, _ = sampled(TASKS["list_k"](max_length=3, num_cells=40), 500)
    assert np.mean(tapes[:, 3:] != 0) < 0.2


def test_a_search_finds_the_first_of_several():
    tapes, answers, cells = sampled(TASKS["list_search"](max_length=8), 500)
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


@pytest.mark.parametrize("name", ["list_k", "list_search", "walk_bst"])
def test_the_answer_is_neither_in_the_header_nor_in_a_node(name):
    tapes, _, cells = sampled(TASKS[name](max_length=3), 500)
    for tape, out in zip(tapes, np.argmax(cells, axis=1), strict=True):
        nodes, header = [tape[0]], 3
        if name == "walk_bst":
            header = nram_tapes.until_null(tape, 2).stop + 1
            nodes += [n for n in (tape[tape[0] + 1], tape[tape[0] + 2]) if n]
        else:
            while tape[nodes[-1]] != 0:
                nodes.append(tape[nodes[-1]])
        size = 3 if name == "walk_bst" else 2
        assert out >= header
        assert all(not node <= out < node + size for node in nodes)


# A search gives back an address, and arrays that are merged have ranges of their own.
@pytest.mark.parametrize("name", sorted(set(TASKS) - {"list_search", "merge"}))
def test_values_do_not_depend_on_the_length(name):
    """Their mean, on one tape, at two lengths."""
    num_cells = 60
    means = []
    for length in (1, 8):
        task = TASKS[name](min_length=1, max_length=8, num_cells=num_cells)
        _, answers, cells = sampled(
            *(task, 2000),
            draw_lengths=lambda draws, x=length: tf.fill((draws.batch_size, 1), x),
        )
        means.append(answers[cells == 1].mean() / (num_cells - 1))
    assert means == pytest.approx([0.5, 0.5], abs=0.06)


def test_values_that_are_searched_are_any():
    task = TASKS["list_search"](max_length=3)
    tapes, _, _ = sampled(task, 2000)
    assert set(tapes[:, 1]) == set(range(task.num_cells))
    tapes, _, _ = sampled(task, 500, pattern="highest")
    assert set(tapes[:, 1]) == {task.num_cells - 1}


def test_nodes_are_anywhere():
    tapes, _, _ = sampled(TASKS["list_k"](min_length=2, max_length=2, num_cells=9), 5000)
    places = {}
    for tape in tapes:
        pair = int(tape[0]), int(tape[tape[0]])
        places[pair] = places.get(pair, 0) + 1
    # Two nodes of two cells in the six cells 3 to 8, in both orders: (3,5) (3,6) (3,7)
    # (4,6) (4,7) (5,7). About 417 of each.
    assert len(places) == 12
    assert min(places.values()) > 330


def test_merged_arrays_overlap():
    tapes, _, _ = sampled(TASKS["merge"](min_length=8, max_length=8, num_cells=200), 500)
    first_a, last_a = tapes[:, 3], tapes[np.arange(500), tapes[:, 1] - 2]
    first_b = tapes[np.arange(500), tapes[:, 1]]
    assert np.mean(first_a > first_b) > 0.2
    assert np.mean((first_a < first_b) & (first_b < last_a)) > 0.2


def test_with_lengths_enlarges_the_tape(name):
    task = TASKS[name](max_length=4).with_lengths(8, 9)
    assert (task.min_length, task.max_length) == (8, 9)
    assert task.num_cells == TASKS[name].smallest_tape(9)
    large = TASKS[name](max_length=4, num_cells=500).with_lengths(9, 9)
    assert large.num_cells == 500
    smallest = TASKS[name].smallest_tape
    roomy = TASKS[name](max_length=4, num_cells=smallest(4) + 3)
    assert roomy.with_room_for(8, 9).num_cells == smallest(9) + 3
    assert roomy.with_room_for(4, 4) == dataclasses.replace(roomy, min_length=4)
    assert roomy.with_room_for(3, 3).num_cells == roomy.num_cells


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(x, marks=[] if x in ("equal", "sorted") else pytest.mark.slow)
        for x in tasks.PATTERNS[1:]
    ],
)
def test_patterns_are_those_of_the_solvers(name, pattern):
    task = TASKS[name](max_length=8)
    for tape, answer, cells in zip(*sampled(task, 500, pattern=pattern), strict=True):
        assert tape.min() >= 0
        assert tape.max() < task.num_cells
        solution, _ = nram_tapes.SOLVE[name](tape.tolist())
        assert {i: answer[i] for i in np.flatnonzero(cells)} == solution


def test_trees_with_the_directions_of_the_paper():
    task = WalkBST(max_length=9, left=0)
    tapes, answers, cells = sampled(task, 2500)
    lengths = []
    for tape, answer, cell in zip(tapes, answers, cells, strict=True):
        node, direction, path = tape[0], 2, []
        while (child := tape[node + 1 + tape[direction]]) != 0:
            path.append(tape[direction])
            node, direction = child, direction + 1
        assert set(path) <= {0, 1}
        assert np.flatnonzero(cell).tolist() == [tape[1]]
        assert answer[tape[1]] == tape[node]
        lengths.append(len(path))
    assert set(range(5)) <= set(lengths)
    solved = task.program.run(tapes, task.num_steps)
    assert np.all((solved == answers)[cells == 1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_length": 0}, "`max_length` must be an integer of at least 1"),
        ({"min_length": -1}, "`min_length` must be an integer of at least 1"),
        ({"min_length": 5, "max_length": 4}, "`min_length` must be at most `max_length`"),
        ({"num_cells": 20}, "10 elements needs a tape of at least 21 cells"),
        ({"num_cells": 30.0}, "`num_cells` must be an integer"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Copy(**options)
    with pytest.raises(ValueError, match="`max_length` must be an integer of at least 2"):
        Merge(max_length=1)
    with pytest.raises(ValueError, match="`left` must be 0 or 1"):
        WalkBST(left=2)
    with pytest.raises(ValueError, match="`max_length` must be an integer"):
        Copy().with_lengths(1, "2")
