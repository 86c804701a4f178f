"""Sampled sequences against solvers in plain Python."""

import numpy as np
import pytest
from eager_sampling import sampled

from keras_nm.tasks import PATTERNS, ntm


def silent(rows):
    return not np.any(rows)


def solve_copy(x):
    """What to answer when: a dict from time to vector."""
    delimiter = next(t for t, step in enumerate(x) if step[-1] == 1)
    assert silent(x[delimiter + 1 :])
    assert silent(x[:delimiter, -1])
    return {delimiter + 1 + i: x[i, :-1] for i in range(delimiter)}


def solve_repeat_copy(x, count_code):
    delimiter = next(t for t, step in enumerate(x) if step[-2] == 1)
    assert silent(x[: delimiter + 1, -1])
    assert silent(x[delimiter, :-2])
    begin = delimiter + 2
    if count_code == "number":
        repeats = x[delimiter + 1, -1] * np.sqrt(8.25) + 5.5
        assert repeats == pytest.approx(round(repeats), abs=1e-5)
        assert silent(x[delimiter + 1, :-1])
    elif count_code == "vector":
        assert x[delimiter + 1, -2:].tolist() == [0, 1]
        repeats = sum(2**i for i, digit in enumerate(x[delimiter + 1, :-2]) if digit)
    else:
        repeats = x[:, -1].sum()
        begin = delimiter + 1 + round(repeats)
        assert silent(x[delimiter + 1 : begin, :-1])
        assert x[delimiter + 1 : begin, -1].tolist() == [1] * round(repeats)
    assert silent(x[begin:])
    answer = [
        np.append(x[i, :-2], 0) for _ in range(round(repeats)) for i in range(delimiter)
    ]
    answer.append(np.append(np.zeros(x.shape[1] - 2), 1))
    return {begin + t: vector for t, vector in enumerate(answer)}


def solve_associative_recall(x):
    items, query, t = [], [], 0
    while x[t, -1] == 0:
        if x[t, -2] == 1:
            assert silent(x[t, :-2])
            items.append([])
        else:
            items[-1].append(tuple(x[t, :-2]))
        t += 1
    assert silent(x[t, :-1])
    t += 1
    while x[t, -1] == 0:
        assert x[t, -2] == 0
        query.append(tuple(x[t, :-2]))
        t += 1
    assert silent(x[t, :-1])
    assert silent(x[t + 1 :])
    assert len({len(item) for item in [*items, query]}) == 1
    following = items[items.index(query) + 1]
    return {t + 1 + i: vector for i, vector in enumerate(following)}


def solve_priority_sort(x):
    # Silence is no vector: a priority of 0 has no chance to be drawn.
    length = np.flatnonzero(x[:, -1])[-1] + 1
    assert np.all(np.abs(x[:, -1]) <= 1)
    assert silent(x[length:])
    ordered = sorted(x[:length], key=lambda step: step[-1], reverse=True)
    return {length + i: ordered[i][:-1] for i in range(4 * length // 5)}


def check_ngrams(x, y, weight):
    """Every bit is to be predicted from those before: what is seen is one step behind."""
    length = int(weight.sum())
    assert weight.tolist() == [1] * length + [0] * (len(weight) - length)
    assert x[0, 0] == 0
    assert x[1:length, 0].tolist() == y[: length - 1, 0].tolist()
    assert silent(x[length:])
    assert silent(y[length:])


SOLVE = {
    ntm.Copy: solve_copy,
    ntm.RepeatCopy: solve_repeat_copy,
    ntm.AssociativeRecall: solve_associative_recall,
    ntm.PrioritySort: solve_priority_sort,
}

# At least two of each class. Small vectors make items that are alike, and vectors of zeros.
TASKS = [
    ntm.Copy(min_length=2, max_length=9, num_bits=4),
    ntm.Copy(),
    ntm.RepeatCopy(max_length=4, min_repeats=2, max_repeats=5, num_bits=3),
    ntm.RepeatCopy(max_length=2, min_repeats=11, max_repeats=20),
    ntm.RepeatCopy(max_length=3, max_repeats=7, num_bits=3, count_code="vector"),
    ntm.RepeatCopy(max_length=2, max_repeats=7, num_bits=40, count_code="vector"),
    ntm.RepeatCopy(max_length=3, max_repeats=4, num_bits=2, count_code="marks"),
    ntm.AssociativeRecall(),
    ntm.AssociativeRecall(min_length=2, max_length=9, vectors_per_item=2, num_bits=1),
    ntm.DynamicNGrams(min_length=2, max_length=40),
    ntm.DynamicNGrams(max_length=12, order=2),
    ntm.PrioritySort(min_length=2, max_length=9, num_bits=1),
    ntm.PrioritySort(),
]


def check(task, x, y, weight):
    assert x.shape[1] == task.input_size
    assert y.shape[1] == task.output_size
    assert set(np.unique(y)) <= {0, 1}
    if isinstance(task, ntm.DynamicNGrams):
        check_ngrams(x, y, weight)
        return
    codes = [task.count_code] if isinstance(task, ntm.RepeatCopy) else []
    answer = SOLVE[type(task)](x, *codes)
    assert np.flatnonzero(weight).tolist() == list(answer)
    assert set(np.unique(weight)) <= {0, 1}
    for t, vector in enumerate(y):
        assert vector.tolist() == list(answer.get(t, np.zeros(task.output_size)))


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_sequences_are_those_of_the_solvers(task, count):
    num_steps = set()
    for batch in task.dataset(100, seed=1).take(count // 100).as_numpy_iterator():
        num_steps.add(batch[0].shape[1])
        for example in zip(*batch, strict=True):
            check(task, *example)
    assert len(num_steps) <= 4, "few shapes"
    assert max(num_steps) == task.num_timesteps(task.max_length)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(x, marks=[] if x in ("equal", "sorted") else pytest.mark.slow)
        for x in PATTERNS[1:]
    ],
)
@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_patterns_are_those_of_the_solvers(task, pattern):
    for example in zip(*sampled(task, 200, pattern=pattern), strict=True):
        check(task, *example)


def lengths(task, count=5000):
    x, _, weight = sampled(task, count)
    if isinstance(task, ntm.Copy):
        return weight.sum(axis=1)
    if isinstance(task, ntm.RepeatCopy):
        return np.argmax(x[:, :, -2], axis=1)
    if isinstance(task, ntm.AssociativeRecall):
        return x[:, :, -2].sum(axis=1)
    if isinstance(task, ntm.PrioritySort):
        return np.argmax(weight, axis=1)
    return weight.sum(axis=1)


@pytest.mark.parametrize(
    "make",
    [
        ntm.Copy,
        ntm.RepeatCopy,
        ntm.AssociativeRecall,
        ntm.DynamicNGrams,
        ntm.PrioritySort,
    ],
)
def test_all_lengths_are_equally_likely(make):
    values, counts = np.unique(
        lengths(make(min_length=2, max_length=6)), return_counts=True
    )
    assert values.tolist() == [2, 3, 4, 5, 6]
    assert counts.min() > 0.9 * counts.mean()


def test_counts_have_mean_0_and_variance_1_and_are_equally_likely():
    x, _, _ = sampled(ntm.RepeatCopy(max_length=2), 20_000)
    counts = x[:, :, -1].sum(axis=1)
    assert counts.mean() == pytest.approx(0, abs=0.03)
    assert counts.var() == pytest.approx(1, abs=0.03)
    assert len(np.unique(counts)) == 10


def test_queries_are_any_item_but_the_last():
    task = ntm.AssociativeRecall(min_length=4, max_length=4, num_bits=10)
    x, _, _ = sampled(task, 3000)
    queries = [0, 0, 0, 0]
    for steps in x:
        vectors = steps[:, :-2].tolist()
        items = [vectors[1 + 4 * i : 4 + 4 * i] for i in range(4)]
        queries[items.index(vectors[17:20])] += 1
    assert min(queries[:3]) > 900
    assert queries[3] == 0


def test_ngram_tables_are_from_the_beta_distribution():
    """By the bits themselves: the same table gives two bits that are equal with p^2 + q^2.

    The mean of that over Beta(1/2, 1/2) is 3/4. With contexts of no bits all bits are from
    the same row of the table.
    """
    _, y, _ = sampled(ntm.DynamicNGrams(max_length=2, order=1), 20_000)
    y = y[:, :, 0]
    assert np.mean(y[:, 0] == y[:, 1]) == pytest.approx(0.75, abs=0.01)
    assert np.mean(y) == pytest.approx(0.5, abs=0.01)


def test_the_first_bits_are_fair_and_independent():
    _, y, _ = sampled(ntm.DynamicNGrams(max_length=6), 20_000)
    correlations = np.corrcoef(y[:, :, 0], rowvar=False)[:5, :5]
    np.testing.assert_allclose(correlations, np.eye(5), atol=0.03)
    np.testing.assert_allclose(y[:, :5].mean(axis=0), 0.5, atol=0.02)


def test_ngram_bits_depend_on_the_five_before():
    # In long sequences, what follows a context is either mostly 0 or mostly 1.
    _, y, _ = next(iter(ntm.DynamicNGrams(max_length=2000).dataset(20)))
    squares = {age: [] for age in (4, 5)}
    for bits in y.numpy()[:, :, 0].astype(int):
        for age, found in squares.items():
            table = {}
            for t in range(age, len(bits)):
                table.setdefault(tuple(bits[t - age : t]), []).append(bits[t])
            found += [
                len(following) * (np.mean(following) - 0.5) ** 2
                for following in table.values()
                if len(following) > 30
            ]
    # Four bits before are not enough to know the table.
    informative = {age: np.sum(found) for age, found in squares.items()}
    assert informative[5] > 1.15 * informative[4]


def test_priorities_are_uniform():
    x, _, _ = sampled(ntm.PrioritySort(), 1000)
    priorities = x[:, :20, -1]
    assert priorities.mean() == pytest.approx(0, abs=0.02)
    assert priorities.var() == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize(
    ("task", "size"),
    [(ntm.Copy(max_length=10), 8), (ntm.AssociativeRecall(), 6), (ntm.PrioritySort(), 8)],
)
def test_bits_are_fair(task, size):
    _, y, weight = sampled(task, 2000)
    assert y.sum() / (size * weight.sum()) == pytest.approx(0.5, abs=0.01)


def test_worked_example_of_copy():
    task = ntm.Copy(min_length=3, max_length=3, num_bits=4)
    x, y, sample_weight = sampled(task, 1)
    assert x.shape == (1, 7, 5)
    assert y.shape == (1, 7, 4)
    np.testing.assert_array_equal(sample_weight[0], [0, 0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(x[0, :, 4], [0, 0, 0, 1, 0, 0, 0])
    np.testing.assert_array_equal(y[0, 4:], x[0, :3, :4])


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (ntm.Copy, {"num_bits": 0}, "num_bits=0"),
        (ntm.Copy, {"num_bits": 8.0}, "num_bits=8.0"),
        (ntm.RepeatCopy, {"max_repeats": 0}, "max_repeats=0"),
        (ntm.RepeatCopy, {"min_repeats": 3, "max_repeats": 2}, "`min_repeats` must be at"),
        (ntm.RepeatCopy, {"num_bits": -1}, "num_bits=-1"),
        (ntm.RepeatCopy, {"count_code": "digits"}, "'number', 'vector', 'marks'"),
        (
            ntm.RepeatCopy,
            {"count_code": "vector", "num_bits": 3},
            "largest count in 3 bits is 7",
        ),
        (ntm.AssociativeRecall, {"min_length": 1}, "`min_length` must be an .* at least 2"),
        (ntm.AssociativeRecall, {"vectors_per_item": 0}, "vectors_per_item=0"),
        (ntm.AssociativeRecall, {"num_bits": 0}, "num_bits=0"),
        (ntm.DynamicNGrams, {"order": 0}, "order=0"),
        (ntm.DynamicNGrams, {"order": 17}, "at most 16"),
        (ntm.PrioritySort, {"max_length": 1}, "at least 2"),
        (ntm.PrioritySort, {"num_bits": 0}, "num_bits=0"),
    ],
)
def test_bad_sizes(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)
