"""Examples are calls of programs, as the libraries show them."""

import numpy as np
import pytest
import tensorflow as tf
from eager_sampling import sampled

from keras_nm.programs.npi.verification import all_calls
from keras_nm.tasks import npi
from keras_nm.tasks.draws import Draws


def calls_in(task, batch):
    """The calls of a batch, as `(program, observations and decisions at each step)`."""
    library = task.library
    sizes = (*library.observation_sizes, *library.argument_sizes, library.num_programs)
    calls = []
    for x, y, weight in zip(*batch, strict=True):
        end = int(weight.sum())
        assert weight.tolist() == [1] * end + [0] * (len(weight) - end)
        parts = np.split(x[:end], np.cumsum(sizes)[:-1], axis=1)
        assert all(np.all(part.sum(axis=1) == 1) for part in parts), "one-hot"
        columns = np.stack([part.argmax(axis=1) for part in parts], axis=1)
        assert len(set(columns[:, -1])) == 1, "a call is of one program"
        steps = tuple(
            (program, tuple(arguments), bool(ends))
            for ends, program, *arguments in y[:end].tolist()
        )
        seen = tuple(map(tuple, columns[:, : len(library.observation_sizes)].tolist()))
        arguments = tuple(columns[0, len(library.observation_sizes) : -1].tolist())
        calls.append((int(columns[0, -1]), arguments, seen, steps))
    return calls


@pytest.mark.parametrize("make", [npi.Addition, npi.BubbleSort])
def test_examples_are_calls_that_the_library_shows(make):
    task = make(max_length=3, base=2)
    known = {tuple(call) for calls in all_calls(task.library).values() for call in calls}
    found = calls_in(task, sampled(task, 400))
    assert set(found) <= known
    assert {call[0] for call in found} == set(range(1, task.num_programs))
    assert len(set(found)) > 0.4 * len(known)


def test_loops_are_as_long_as_the_problem():
    for make, length in ((npi.Addition, 5), (npi.BubbleSort, 6)):
        task = make(min_length=length, max_length=length, recursive=False, base=2)
        found = calls_in(task, sampled(task, 60))
        steps = max(len(steps) for *_, steps in found)
        expected = (2 * length + 1, 2 * length + 3) if make is npi.Addition else (13,)
        assert steps in expected
        assert task.num_timesteps(length) == expected[-1]


def test_the_numbers_have_the_digits_that_were_drawn():
    task = npi.Addition(min_length=4, max_length=4)
    for pattern, expected in {"highest": {9}, "equal": None, "random": None}.items():
        key = tf.constant([1, 2], tf.int64)
        draws = Draws([key], tf.constant(0, tf.int64), 50, pattern)
        rows = task.problems(draws, tf.fill((50, 1), 4)).numpy()
        assert rows.shape == (50, 2, 4)
        sizes = (rows >= 0).sum(axis=2)
        assert np.all(sizes.max(axis=1) == 4)
        assert set(sizes.min(axis=1)) == {1, 2, 3, 4}
        assert set(sizes[:, 0]) == set(sizes[:, 1]) == {1, 2, 3, 4}
        digits = set(rows[rows >= 0].tolist())
        assert digits == (expected or set(range(10)))


def test_programs_are_drawn_by_their_weights():
    task = npi.BubbleSort(max_length=3, base=2)
    weights = tf.Variable([0.0, 0, 0, 0, 1, 0, 0, 3])
    batches = task.dataset(400, program_weights=weights).as_numpy_iterator()
    programs = np.array([call[0] for call in calls_in(task, next(batches))])
    # All problems have calls of both.
    assert set(programs) == {4, 7}
    assert np.mean(programs == 7) == pytest.approx(0.75, abs=0.07)
    weights.assign([0, 1, 0, 0, 0, 0, 0, 0])
    assert {call[0] for call in calls_in(task, next(batches))} == {1}
    with pytest.raises(ValueError, match="split"):
        task.dataset(4, program_weights=weights, split="exam")


@pytest.mark.parametrize("weights", [[1.0] * 4, np.ones((5, 1)), tf.Variable(1.0)])
def test_weights_are_one_per_program(weights):
    with pytest.raises(ValueError, match=r"ADD1, CARRY, LSHIFT: shape \(5,\)\. Received"):
        npi.Addition(base=2).dataset(4, program_weights=weights)


def test_wrong_bases():
    with pytest.raises(ValueError, match="base=1"):
        npi.Addition(base=1)
