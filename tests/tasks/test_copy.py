import numpy as np
import pytest

from keras_nm.tasks import TASKS, Copy


def solve(x, num_bits):
    """The copy task in plain Python: what to answer, and when."""
    delimiter = next(t for t, step in enumerate(x) if step[num_bits] == 1)
    answer = np.zeros((len(x), num_bits), "float32")
    weight = np.zeros(len(x), "float32")
    for i in range(delimiter):
        answer[delimiter + 1 + i] = x[i, :num_bits]
        weight[delimiter + 1 + i] = 1
    return delimiter, answer, weight


def batches(dataset, count):
    return [tuple(part.numpy() for part in batch) for batch in dataset.take(count)]


def test_ten_thousand_sequences_agree_with_plain_python():
    task = Copy(min_length=2, max_length=9, num_bits=4)
    lengths = []
    for x, y, sample_weight in batches(task.dataset(100, seed=1), 100):
        assert x.shape[::2] == (100, 5)
        assert set(np.unique(x)) == {0, 1}
        for row in range(100):
            length, answer, weight = solve(x[row], 4)
            np.testing.assert_array_equal(y[row], answer)
            np.testing.assert_array_equal(sample_weight[row], weight)
            assert x[row].sum(0)[4] == 1, "one delimiter"
            assert not x[row, length + 1 :].any(), "silence after the delimiter"
            lengths.append(length)
    assert set(lengths) == set(range(2, 10))
    counts = np.bincount(lengths)[2:]
    assert counts.min() > 0.85 * counts.mean(), "lengths are equally likely"


def test_worked_example_of_the_docstring():
    x, y, sample_weight = next(iter(Copy(4, 4, 4).at_length(3).dataset(1)))
    assert x.shape == (1, 7, 5)
    assert y.shape == (1, 7, 4)
    np.testing.assert_array_equal(sample_weight[0], [0, 0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(x[0, :, 4], [0, 0, 0, 1, 0, 0, 0])
    np.testing.assert_array_equal(y[0, 4:], x[0, :3, :4])


def test_bits_are_fair():
    x, _, _ = next(iter(Copy(20, 20).dataset(500)))
    assert abs(x.numpy()[:, :20, :8].mean() - 0.5) < 0.01


def test_few_shapes():
    shapes = {x.shape[1] for x, _, _ in batches(Copy(1, 20).dataset(1), 300)}
    assert shapes == {11, 21, 31, 41}
    shapes = {x.shape[1] for x, _, _ in batches(Copy(1, 3).dataset(2), 100)}
    assert shapes <= {3, 5, 7}


def same(first, second):
    return all(
        np.array_equal(a, b)
        for one, other in zip(first, second, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def test_same_seed_same_data():
    task = Copy()
    assert same(batches(task.dataset(4, seed=3), 5), batches(task.dataset(4, seed=3), 5))
    assert not same(
        batches(task.dataset(4, seed=3), 5), batches(task.dataset(4, seed=4), 5)
    )


def test_data_of_a_seed_do_not_change_between_versions():
    x, _, _ = next(iter(Copy(max_length=3, num_bits=4).dataset(1, seed=7)))
    expected = [
        [0, 1, 1, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 0, 1, 0, 0],
        [0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    np.testing.assert_array_equal(x[0], expected)


def test_start_resumes():
    whole = batches(Copy().dataset(4, seed=3), 5)
    assert same(batches(Copy().dataset(4, seed=3, start=2), 3), whole[2:])


def test_shards_partition_the_batches():
    whole = batches(Copy().dataset(4), 6)
    for index in range(3):
        shard = batches(Copy().dataset(4, shard=(index, 3)), 2)
        assert same(shard, [whole[index], whole[index + 3]])
    assert same(batches(Copy().dataset(4, start=1, shard=(2, 3)), 1), whole[5:])


def test_splits_share_no_sequence():
    seen = {}
    task = Copy(10, 20)
    for split in ("train", "validation", "test"):
        rows = [
            r.tobytes() for x, _, _ in batches(task.dataset(8, split=split), 5) for r in x
        ]
        seen[split] = set(rows)
        assert len(seen[split]) == 40
    assert not seen["train"] & seen["validation"]
    assert not seen["train"] & seen["test"]
    assert not seen["validation"] & seen["test"]


def test_evaluation_set_has_one_length_and_ends():
    data = batches(Copy().evaluation_set(30, batch_size=8, num_batches=3), 10)
    assert len(data) == 3
    for x, _, sample_weight in data:
        assert x.shape == (8, 61, 9)
        np.testing.assert_array_equal(sample_weight.sum(1), 30)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_length": 0}, "min_length=0"),
        ({"max_length": -3}, "max_length=-3"),
        ({"num_bits": 0}, "num_bits=0"),
        ({"num_bits": 8.0}, "num_bits=8.0"),
        ({"min_length": 5, "max_length": 4}, "min_length=5, max_length=4"),
    ],
)
def test_bad_sizes(arguments, message):
    with pytest.raises(ValueError, match=message):
        Copy(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 4, "seed": -1}, "seed=-1"),
        ({"batch_size": 4, "start": -1}, "start=-1"),
        ({"batch_size": 4, "split": "dev"}, "'train', 'validation', 'test'.*'dev'"),
        ({"batch_size": 4, "split": ["train"]}, r"split=\['train'\]"),
        ({"batch_size": 4, "shard": (2, 2)}, r"shard=\(2, 2\)"),
        ({"batch_size": 4, "shard": 3}, "shard=3"),
    ],
)
def test_bad_dataset_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Copy().dataset(**arguments)


def test_bad_evaluation_length():
    with pytest.raises(ValueError, match="length=0"):
        Copy().evaluation_set(0)


def test_every_task_is_in_the_table():
    assert TASKS["copy"] is Copy
