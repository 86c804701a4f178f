"""What is asked of the pipelines of every task."""

import numpy as np
import pytest
import tensorflow as tf
from eager_sampling import sampled

from keras_nm.tasks import PATTERNS, SPLITS, TASKS, SequenceTask, nram, ntm
from keras_nm.tasks.draws import Draws


def rows_of(task, batches):
    """The examples as bytes, each without the padding that its batch gave it."""
    rows = []
    for batch in batches:
        for arrays in zip(*batch, strict=True):
            is_padded = isinstance(task, SequenceTask)
            end = np.flatnonzero(arrays[2])[-1] + 1 if is_padded else None
            assert not is_padded or not any(array[end:].any() for array in arrays)
            rows.append(tuple((array.dtype, array[:end].tobytes()) for array in arrays))
    return rows


def examples(task, batch_size, count, **options):
    """The first examples of a pipeline."""
    batches = task.dataset(batch_size, **options).take(count // batch_size)
    return rows_of(task, batches.as_numpy_iterator())


def alone_and_together(task, **options):
    """The first 24 examples, in batches of several sizes."""
    sizes = {0: 1, 1: 3, 4: 20}
    return rows_of(task, (sampled(task, n, first=i, **options) for i, n in sizes.items()))


@pytest.mark.parametrize("name", TASKS)
def test_an_example_depends_on_its_index_and_not_on_its_batch(name):
    spec = TASKS[name]
    task = spec.make(min_length=spec.make.smallest_length, max_length=5)
    expected = examples(task, 24, 24, seed=3)
    assert len(set(expected)) > 1
    assert alone_and_together(task, seed=3) == expected
    expected = rows_of(task, [sampled(task, 24, pattern="sorted")])
    assert alone_and_together(task, pattern="sorted") == expected


# Of one task per family: what makes a batch of an index is the same for all, and that an
# example of any task depends on nothing else is tested above.
@pytest.mark.parametrize("name", ["ntm/copy", "nram/list_search", "stack/anbmcnm"])
def test_start_resumes_and_shards_partition(name):
    task = TASKS[name].make(max_length=5)
    expected = examples(task, 4, 24, seed=3)
    assert examples(task, 4, 12, seed=3, start=3) == expected[12:]
    for index in range(3):
        shard = examples(task, 4, 8, seed=3, shard=(index, 3))
        assert shard == expected[4 * index :][:4] + expected[4 * index + 12 :][:4]
    assert examples(task, 4, 4, seed=3, start=1, shard=(2, 3)) == expected[20:]


def test_numbers_of_numpy_are_integers():
    task = ntm.RepeatCopy(max_length=np.int64(3), max_repeats=np.int32(2), num_bits=4)
    assert task == ntm.RepeatCopy(max_length=3, max_repeats=2, num_bits=4)
    assert type(task.max_length) is type(task.max_repeats) is int
    x, *_ = next(iter(task.with_lengths(np.int64(2), np.int64(2)).dataset(np.int64(2))))
    assert x.shape[::2] == (2, 6)


def test_splits_and_seeds_share_no_random_number():
    sources = [{"split": split, "seed": seed} for split in SPLITS for seed in (0, 1)]
    task = ntm.Copy(min_length=10, max_length=20)
    rows = [row for source in sources for row in examples(task, 20, 40, **source)]
    assert len(set(rows)) == len(rows) == 320


def test_data_of_a_seed_do_not_change_between_versions():
    x, _, _ = next(iter(ntm.Copy(max_length=3, num_bits=4).dataset(1, seed=8)))
    assert x[0].numpy().astype(int).tolist() == COPY
    tape, _, _ = next(iter(nram.WalkBST(max_length=4).dataset(1, seed=8)))
    assert tape[0].numpy().tolist() == WALK_BST


COPY = [
    [1, 1, 1, 1, 0],
    [0, 1, 1, 0, 0],
    [0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0],
]
WALK_BST = [10, 18, 0, 0, 0, 0, 0, 12, 0, 0, 17, 7, 0, 0, 0, 0, 0, 0, 0]


def test_draws_are_independent_and_repeatable():
    key, first = tf.constant([1, 2], tf.int64), tf.constant(0, tf.int64)
    draws, again = Draws([key], first, 1000), Draws([key], first, 1000)
    columns = [draws.uniform(1), draws.uniform(1), draws.uniform(3)]
    assert np.array_equal(columns[0], again.uniform(1))
    correlations = np.corrcoef(np.concatenate(columns, axis=1), rowvar=False)
    assert np.all(np.abs(correlations - np.eye(5)) < 0.1)
    neighbours = columns[2].numpy().ravel()  # of an example, and of the next
    assert abs(np.corrcoef(neighbours[1:], neighbours[:-1])[0, 1]) < 0.1
    assert neighbours.min() >= 0
    assert 0.99 < neighbours.max() < 1


@pytest.mark.parametrize(
    "task", [nram.ListK(max_length=4), ntm.Copy(min_length=3, max_length=3)]
)
def test_a_batch_of_several_seeds_is_their_batches(task):
    seeds = [5, 0, 7]
    [together] = task.dataset(4, seed=seeds, start=2).take(1)
    alone = [sampled(task, 4, seed=seed, first=8) for seed in seeds]
    for array, *parts in zip(together, *alone, strict=True):
        np.testing.assert_array_equal(array, np.concatenate(parts))
    for wrong in ([], [0, -1], [0.5]):
        with pytest.raises(ValueError, match="`seed` must be"):
            task.dataset(4, seed=wrong)


def test_integers_are_within_their_bounds_and_equally_likely():
    draws = Draws([tf.constant([1, 2], tf.int64)], tf.constant(0, tf.int64), 2)
    low, high = np.array([[0], [5]], "int32"), np.array([[2], [8]], "int32")
    integers = draws.integers(low, high, 3000).numpy()
    assert integers.dtype == np.int32
    for row, values in zip(integers, ([0, 1], [5, 6, 7]), strict=True):
        found, counts = np.unique(row, return_counts=True)
        assert found.tolist() == values
        assert counts.min() > 0.9 * counts.mean()


def values(pattern, **options):
    """Tapes of 40 tasks increment: the values, without the NULL at the end."""
    task = nram.Increment(min_length=6, max_length=6, **options)
    tape, answer, _ = sampled(task, 40, pattern=pattern)
    return tape[:, :6], answer[:, :6]


def test_patterns():
    random, _ = values("random")
    assert len(np.unique(random)) == 6
    equal, _ = values("equal")
    assert np.all(equal == equal[:, :1])
    assert len(np.unique(equal)) > 2
    increasing, _ = values("sorted")
    assert np.all(np.diff(increasing) >= 0)
    assert np.any(np.diff(increasing) > 0)
    decreasing, _ = values("reversed")
    assert np.all(np.diff(decreasing) <= 0)
    highest, answer = values("highest", num_cells=9)
    assert np.all(highest == 8)
    assert np.all(answer == 0), "incrementing wraps around"


@pytest.mark.parametrize("pattern", PATTERNS[1:4])
def test_patterns_are_within_the_length(pattern):
    """A short example is not the beginning of a long one that is sorted."""
    task = ntm.Copy(max_length=20, num_bits=1)
    x, _, weight = sampled(task, 2000, pattern=pattern)
    vectors, lengths = x[:, :, 0], weight.sum(axis=1)
    ones = vectors.sum(axis=1)
    for length in (4, 12, 20):
        assert ones[lengths == length].mean() == pytest.approx(length / 2, rel=0.2)
    change = np.diff(vectors, axis=1)
    for row, length in zip(change, lengths.astype(int), strict=True):
        steps = set(row[: length - 1])
        assert steps <= {"equal": {0}, "sorted": {0, 1}, "reversed": {0, -1}}[pattern]


def test_patterns_of_orders():
    options = {"min_length": 4, "max_length": 4}
    for pattern, order in {"sorted": [0, 1, 2, 3], "reversed": [3, 2, 1, 0]}.items():
        tape, _, _ = sampled(nram.Permutation(**options), 5, pattern=pattern)
        assert tape[:, 1:5].tolist() == [order] * 5
    # The nodes of a list, and a tree without forks.
    tape, _, _ = sampled(nram.ListK(**options), 5, pattern="sorted")
    for row in tape:
        second = row[row[0]]
        third = row[second]
        assert row[0] < second < third < row[third]
    tape, _, _ = sampled(nram.WalkBST(**options), 5, pattern="reversed")
    for row in tape:
        node = row[0]
        for _ in range(3):
            assert row[node + 2] == 0
            node = row[node + 1]


@pytest.mark.parametrize("name", ["ntm/copy", "nram/merge"])
def test_structured_sets(name):
    task = TASKS[name].make(max_length=5)
    sets = task.structured_sets(batch_size=6)
    assert list(sets) == [*PATTERNS[1:], "shortest", "longest", "smallest"]
    weights = {}
    for name, data in sets.items():
        [batch] = data
        assert {len(array) for array in batch} == {6}
        weights[name] = batch[2].numpy()
    assert set(weights["longest"].sum(axis=1)) == {5}
    assert set(weights["smallest"].sum(axis=1)) == {task.smallest_length}


def test_shortest_and_smallest_differ_where_the_task_begins_later():
    sets = ntm.Copy(min_length=3, max_length=5).structured_sets(4)
    lengths = {name: set(next(iter(d))[2].numpy().sum(axis=1)) for name, d in sets.items()}
    assert lengths["shortest"] == {3}
    assert lengths["smallest"] == {1}


# Of each family, and of a task whose tapes grow with the length.
@pytest.mark.parametrize("name", ["ntm/copy", "nram/access", "nram/list_search"])
def test_evaluation_sets_end_and_are_not_of_training(name):
    task = TASKS[name].make(max_length=5)
    actual = list(task.evaluation_set(4, batch_size=8, num_batches=2))
    assert len(actual) == 2
    task = task.with_lengths(4, 4)
    for split, same in {"test": True, "train": False}.items():
        expected = [sampled(task, 8, first=first, split=split) for first in (0, 8)]
        pairs = zip(actual, expected, strict=True)
        assert all(np.array_equal(a[0], b[0]) for a, b in pairs) == same
    assert len(list(task.evaluation_set(batch_size=8, num_batches=3))) == 3


def test_datasets_of_some_batches():
    task = ntm.Copy(max_length=5)
    options = {"start": 1, "shard": (1, 3)}
    some = list(task.dataset(4, num_batches=2, **options))
    for actual, expected in zip(some, task.dataset(4, **options).take(2), strict=True):
        np.testing.assert_array_equal(actual[0], expected[0])


def test_no_more_batches_are_made_than_an_evaluation_has(monkeypatch):
    sample, made = ntm.Copy.sample, []

    def counted(task, draws, lengths):
        tf.py_function(made.append, [lengths[0, 0]], [])
        return sample(task, draws, lengths)

    monkeypatch.setattr(ntm.Copy, "sample", counted)
    assert len(list(ntm.Copy().evaluation_set(4, num_batches=3))) == len(made) == 3


def test_lengths_can_be_drawn_by_a_function_that_changes():
    level = tf.Variable(2)
    task = ntm.Copy(max_length=9)

    def draw_lengths(draws):
        return tf.fill((draws.batch_size, 1), level)

    batches = iter(task.dataset(3, draw_lengths=draw_lengths))
    for length in (2, 7, 4):
        level.assign(length)
        _, _, weight = next(batches)  # not one that was made before
        assert weight.numpy().sum(axis=1).tolist() == [length] * 3


def test_a_pipeline_is_not_tuned():
    # With the tuner, some iterators end only after it has slept, up to a minute. Which
    # ones is chance, so the time that one takes would not tell.
    assert ntm.Copy().dataset(2).options().autotune.enabled is False


def test_with_lengths_keeps_the_other_options():
    task = ntm.RepeatCopy(max_length=4, max_repeats=3, num_bits=5).with_lengths(6, 7)
    assert task == ntm.RepeatCopy(min_length=6, max_length=7, max_repeats=3, num_bits=5)
    with pytest.raises(AttributeError):
        task.num_bits = 3


def test_lengths_outside_of_the_task_are_refused():
    for length in (0, 10):
        batches = ntm.Copy(max_length=9).dataset(
            3, draw_lengths=lambda draws, x=length: tf.fill((draws.batch_size, 1), x)
        )
        with pytest.raises(tf.errors.InvalidArgumentError, match="lengths from 1 to 9"):
            next(iter(batches))
    with pytest.raises(ValueError, match="shape"):
        ntm.Copy().dataset(3, draw_lengths=lambda draws: tf.constant([1, 2, 3]))
    with pytest.raises(ValueError, match=r"`draw_lengths` must return integers.*float64"):
        ntm.Copy().dataset(3, draw_lengths=lambda draws: np.full((3, 1), 2.0))


def test_lengths_may_be_integers_of_numpy():
    batches = ntm.Copy().dataset(3, draw_lengths=lambda draws: np.full((3, 1), 2))
    assert next(iter(batches))[2].numpy().sum(axis=1).tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ({"min_length": 0}, "min_length=0"),
        ({"max_length": -3}, "max_length=-3"),
        ({"max_length": 4.0}, "max_length=4.0"),
        ({"max_length": 2**31}, "at most 2147483647"),
        ({"min_length": 5, "max_length": 4}, "min_length=5, max_length=4"),
    ],
)
@pytest.mark.parametrize("name", TASKS)
def test_bad_lengths(name, lengths, message):
    with pytest.raises(ValueError, match=message):
        TASKS[name].make(**lengths)
    if len(lengths) == 2:
        with pytest.raises(ValueError, match=message):
            TASKS[name].make().with_lengths(5, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 4, "seed": -1}, "seed=-1"),
        ({"batch_size": 4, "seed": 2**63}, "at most 9223372036854775807"),
        ({"batch_size": 2**40}, "at most 2147483647"),
        ({"batch_size": 4, "start": -1}, "start=-1"),
        ({"batch_size": 4, "split": "dev"}, "'train', 'validation', 'test', 'long'.*'dev'"),
        ({"batch_size": 4, "split": ["train"]}, r"split=\['train'\]"),
        ({"batch_size": 4, "shard": (2, 2)}, r"shard=\(2, 2\)"),
        ({"batch_size": 4, "shard": 3}, "shard=3"),
        ({"batch_size": 4, "num_batches": 0}, "num_batches=0"),
        ({"batch_size": 4, "pattern": "wild"}, "'equal', 'sorted'.*'wild'"),
    ],
)
def test_bad_dataset_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ntm.Copy().dataset(**arguments)


def test_bad_evaluation_arguments():
    for arguments, message in [
        ({"length": 0}, "`length` must be an integer of at least 1"),
        ({"num_batches": 0}, "num_batches=0"),
        ({"split": "exam"}, "'exam'"),
    ]:
        with pytest.raises(ValueError, match=message):
            ntm.Copy().evaluation_set(**arguments)
