"""Sampled sequences against solvers in plain Python."""

import numpy as np
import pytest
from eager_sampling import sampled

from keras_nm.tasks import PATTERNS, dnc


def copies_of(x):
    """The copies of a series: for each, when its answer begins and its vectors."""
    copies, t = [], 0
    while t < len(x) and x[t, -2] == 1:
        assert not x[t, :-2].any()
        assert x[t, -1] == 0
        recall = t + 1
        while x[recall, -1] == 0:
            assert x[recall, -2] == 0
            recall += 1
        assert not x[recall, :-1].any()
        vectors = x[t + 1 : recall, :-2]
        t = recall + 1 + len(vectors)
        assert not x[recall + 1 : t].any(), "silence while the answer is due"
        copies.append((recall + 1, vectors))
    assert not x[t:].any()
    return copies


def solve_series_copy(x):
    """What to answer when: a dict from time to vector."""
    return {
        begin + i: tuple(vector)
        for begin, vectors in copies_of(x)
        for i, vector in enumerate(vectors)
    }


def parts_of(x):
    """The rows of the three parts of an example: all pairs, all keys and all values."""
    [by_key], [by_value] = np.flatnonzero(x[:, -2]), np.flatnonzero(x[:, -1])
    assert x[[by_key, by_value], :-2].sum() == 0
    assert by_value == 2 * by_key + 1
    end = by_value + 1 + by_key
    assert not x[end:].any()
    return [
        (by_key + 1, x[by_key + 1 : by_value]),
        (by_value + 1, x[by_value + 1 : end]),
    ], x[:by_key]


def solve_key_value(x):
    num_bits = (x.shape[1] - 2) // 2
    questions, pairs = parts_of(x)
    keys, values = (
        [tuple(row) for row in half]
        for half in (pairs[:, :num_bits], pairs[:, num_bits:-2])
    )
    assert len(set(keys)) == len(set(values)) == len(pairs)
    value_of = dict(zip(keys, values, strict=True))
    key_of = dict(zip(values, keys, strict=True))
    (by_key, asked_keys), (by_value, asked_values) = questions
    assert not asked_keys[:, num_bits:].any()
    assert not asked_values[:, :num_bits].any()
    answer = {
        by_key + i: value_of.pop(tuple(q[:num_bits])) for i, q in enumerate(asked_keys)
    }
    answer |= {
        by_value + i: key_of.pop(tuple(q[num_bits:-2])) for i, q in enumerate(asked_values)
    }
    assert not value_of, "each key once"
    assert not key_of, "each value once"
    return answer


SOLVE = {dnc.SeriesCopy: solve_series_copy, dnc.KeyValue: solve_key_value}

# Small vectors make vectors of zeros, and use all keys that there are.
TASKS = [
    dnc.SeriesCopy(),
    dnc.SeriesCopy(min_length=2, max_length=3, min_vectors=1, max_vectors=2, num_bits=1),
    dnc.KeyValue(),
    dnc.KeyValue(max_length=4, num_bits=2),
]


def check(task, x, y, weight):
    assert x.shape[1] == task.input_size
    assert y.shape[1] == task.output_size
    assert set(np.unique(x)) | set(np.unique(y)) | set(np.unique(weight)) <= {0, 1}
    answer = SOLVE[type(task)](x)
    assert np.flatnonzero(weight).tolist() == list(answer)
    for t, vector in enumerate(y):
        assert tuple(vector) == answer.get(t, (0,) * task.output_size)


@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_sequences_are_those_of_the_solvers(task):
    num_steps = set()
    for batch in task.dataset(100, seed=1).take(4).as_numpy_iterator():
        num_steps.add(batch[0].shape[1])
        for example in zip(*batch, strict=True):
            check(task, *example)
    assert len(num_steps) <= 4, "few shapes"


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(x, marks=[] if x in ("equal", "sorted") else pytest.mark.slow)
        for x in PATTERNS[1:]
    ],
)
@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_patterns_are_those_of_the_solvers(task, pattern):
    for example in zip(*sampled(task, 50, pattern=pattern), strict=True):
        check(task, *example)


@pytest.mark.parametrize(
    "task",
    [
        dnc.SeriesCopy(min_length=3, max_length=3, min_vectors=4, max_vectors=4),
        dnc.KeyValue(min_length=5, max_length=5),
    ],
)
def test_the_longest_example_fills_all_time_steps(task):
    _, _, weight = sampled(task, 5)
    assert weight.shape[1] == task.num_timesteps(task.max_length)
    assert weight[:, -1].all()


def test_copies_and_their_sizes_are_equally_likely_and_independent():
    x, _, _ = sampled(dnc.SeriesCopy(max_length=4, max_vectors=4, num_bits=1), 4000)
    sizes = [[len(vectors) for _, vectors in copies_of(steps)] for steps in x]
    _, counts = np.unique([len(row) for row in sizes], return_counts=True)
    assert counts.tolist() == pytest.approx([1000] * 4, rel=0.1)
    pairs = [tuple(row[:2]) for row in sizes if len(row) > 1]
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    assert found.tolist() == [[i, j] for i in (2, 3, 4) for j in (2, 3, 4)]
    assert counts.tolist() == pytest.approx([3000 / 9] * 9, rel=0.2)


def test_bits_of_a_series_are_fair():
    _, y, weight = sampled(dnc.SeriesCopy(), 500)
    assert y.sum() / (8 * weight.sum()) == pytest.approx(0.5, abs=0.01)


def numbers(bits):
    return (bits @ 2 ** np.arange(bits.shape[-1])[::-1]).astype(int)


def test_keys_values_and_questions_are_random():
    """Two of four keys: 12 ordered pairs, and either may be asked for first."""
    x, _, _ = sampled(dnc.KeyValue(max_length=2, num_bits=2), 6000)
    keys, values = numbers(x[:, :2, :2]), numbers(x[:, :2, 2:4])
    for each in (keys, values):
        found, counts = np.unique(each, axis=0, return_counts=True)
        assert found.tolist() == [[i, j] for i in range(4) for j in range(4) if i != j]
        assert counts.tolist() == pytest.approx([500] * 12, rel=0.2)
    _, counts = np.unique(keys[:, 0] * 4 + values[:, 0], return_counts=True)
    assert counts.tolist() == pytest.approx([375] * 16, rel=0.2)
    key_first = numbers(x[:, 3, :2]) == keys[:, 0]
    value_first = numbers(x[:, 6, 2:4]) == values[:, 0]
    _, counts = np.unique(2 * key_first + value_first, return_counts=True)
    assert counts.tolist() == pytest.approx([1500] * 4, rel=0.1)


@pytest.mark.parametrize(
    ("pattern", "sign"), [("sorted", 1), ("equal", 1), ("highest", 1), ("reversed", -1)]
)
def test_patterns_of_pairs(pattern, sign):
    x, _, _ = sampled(dnc.KeyValue(min_length=5, max_length=5), 20, pattern=pattern)
    for bits in (x[:, :5, :6], x[:, :5, 6:12]):
        assert np.all(sign * np.diff(numbers(bits), axis=1) > 0)
        assert len(np.unique(numbers(bits))) > 30


def test_worked_examples():
    task = dnc.SeriesCopy(min_length=2, max_length=2, min_vectors=2, max_vectors=2)
    [x], [y], [weight] = sampled(task, 1)
    assert np.flatnonzero(x[:, 8]).tolist() == [0, 6]
    assert np.flatnonzero(x[:, 9]).tolist() == [3, 9]
    assert np.flatnonzero(weight).tolist() == [4, 5, 10, 11]
    assert np.array_equal(y[[4, 5, 10, 11]], x[[1, 2, 7, 8], :8])
    [x], [y], [weight] = sampled(dnc.KeyValue(min_length=3, max_length=3), 1)
    assert x.shape == (11, 14)
    assert np.flatnonzero(x[:, 12]).tolist() == [3]
    assert np.flatnonzero(x[:, 13]).tolist() == [7]
    assert weight.tolist() == [0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1]
    assert sorted(y[8:].tolist()) == sorted(x[:3, :6].tolist())


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (dnc.SeriesCopy, {"num_bits": 0}, "num_bits=0"),
        (dnc.SeriesCopy, {"min_vectors": 0}, "min_vectors=0"),
        (dnc.SeriesCopy, {"max_vectors": 2.0}, "max_vectors=2.0"),
        (dnc.SeriesCopy, {"max_vectors": 1}, "`min_vectors` must be at most"),
        (dnc.KeyValue, {"min_length": 1}, "`min_length` must be an .* at least 2"),
        (dnc.KeyValue, {"num_bits": 13}, "at most 12"),
        (
            dnc.KeyValue,
            {"max_length": 5, "num_bits": 2},
            r"2 \*\* num_bits = 4.*max_length=5",
        ),
    ],
)
def test_bad_sizes(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_more_pairs_than_keys_are_refused():
    with pytest.raises(ValueError, match="max_length=65, num_bits=6"):
        dnc.KeyValue().with_lengths(20, 65)
