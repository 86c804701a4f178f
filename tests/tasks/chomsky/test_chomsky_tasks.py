"""Sampled questions against solvers in plain Python, and against the benchmark.

`chomsky_examples.json` has 44 examples per task, made by the benchmark's own code. That is
https://github.com/google-deepmind/neural_networks_chomsky_hierarchy, which has the license
Apache-2.0.
"""

import json
from collections import Counter
from pathlib import Path

import chomsky_solvers
import numpy as np
import pytest
import tensorflow as tf
from eager_sampling import sampled

from keras_nm.tasks import PATTERNS, TASKS, chomsky

MAKE = {spec.make.name: spec.make for spec in TASKS.values() if spec.family == "chomsky"}
WITH_END = {"stack_manipulation", "binary_addition", "binary_multiplication"}
EXAMPLES = json.loads((Path(__file__).parent / "chomsky_examples.json").read_text())


def unframed(task, x, y, weight):
    """The tokens of the question and of the answer. There is nothing else in the arrays."""
    symbols = x.argmax(axis=1)[x.any(axis=1)].tolist()
    assert np.array_equal(x[: len(symbols)], np.eye(task.input_size)[symbols])
    size = next(i for i, symbol in enumerate(symbols) if symbol >= task.num_symbols)
    tokens, rest = symbols[:size], symbols[size:]
    steps = size * task.computation_steps
    assert rest[:steps] == [task.num_symbols] * steps
    assert set(rest[steps:]) == {task.input_size - 1}
    begin = size + steps
    assert weight.tolist() == [float(begin <= t < len(symbols)) for t in range(len(weight))]
    assert not y[weight == 0].any()
    return tokens, y[begin : len(symbols)].tolist()


def check(task, batch):
    lengths = Counter()
    for example in zip(*batch, strict=True):
        tokens, answer = unframed(task, *example)
        assert answer == getattr(chomsky_solvers, task.name)(tokens), tokens
        lengths[len(tokens)] += 1
    return lengths


@pytest.mark.parametrize("name", MAKE)
def test_short_questions_are_those_of_the_solvers(name):
    task = MAKE[name](max_length=12)
    lengths = check(task, sampled(task, 1500, seed=1))
    num_tokens = Counter(task.num_tokens(length) for length in range(1, 13))
    shares = {size: count / 1500 for size, count in lengths.items()}
    assert shares == pytest.approx({s: n / 12 for s, n in num_tokens.items()}, abs=0.05)


# These are the same at all lengths, so that short questions say enough.
SIMPLE = {
    *("even_pairs", "parity_check", "cycle_navigation", "reverse_string"),
    *("duplicate_string", "odds_first", "bucket_sort"),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in SIMPLE else ()) for name in MAKE],
)
def test_long_questions_are_those_of_the_solvers(name):
    check_length(name, 40, 100)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("length", "count"), [(39, 1000), (40, 500), (100, 500), (499, 50), (500, 100)]
)
@pytest.mark.parametrize("name", MAKE)
def test_longer_questions_are_those_of_the_solvers(name, length, count):
    check_length(name, length, count)


def check_length(name, length, count):
    task = MAKE[name](min_length=length, max_length=length)
    check(task, sampled(task, count, seed=2))


FAST = {
    "stack_manipulation": "reversed",
    "missing_duplicate_string": "sorted",
    "compute_sqrt": "equal",
}


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        pytest.param(
            name, pattern, marks=() if FAST.get(name) == pattern else pytest.mark.slow
        )
        for name in MAKE
        for pattern in PATTERNS[1:]
    ],
)
def test_patterns_are_those_of_the_solvers(name, pattern):
    task = MAKE[name](max_length=9)
    check(task, sampled(task, 200, pattern=pattern))


def test_data_follow_the_pattern():
    options = {"min_length": 9, "max_length": 9}
    for make in (chomsky.BucketSort, chomsky.ModularArithmeticBrackets):
        x, _, _ = sampled(make(**options), 20, pattern="sorted")
        for tokens in x[:, :9].argmax(axis=2).tolist():
            digits = [token for token in tokens if token < 5]
            assert digits == sorted(digits)
    x, _, _ = sampled(chomsky.ComputeSqrt(**options), 4, pattern="highest")
    assert np.all(x[:, :9].argmax(axis=2) == 1)


@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize("name", MAKE)
def test_answers_and_frame_are_those_of_the_benchmark(name, steps):
    examples = EXAMPLES[name]["examples"]
    assert len(examples) == 44
    task = MAKE[name](max_length=20, computation_steps=steps)
    assert task.num_symbols == EXAMPLES[name]["input_classes"]
    assert task.num_classes == EXAMPLES[name]["output_classes"]
    tokens = np.zeros((44, 20), "int32")
    for row, example in zip(tokens, examples, strict=True):
        row[: len(example["input"])] = example["input"]
    lengths = np.array([[example["length"]] for example in examples], "int32")
    framed = task.framed(tf.constant(tokens), tf.constant(lengths))
    batch = [array.numpy() for array in framed]
    check(task, batch)
    for example, *arrays in zip(examples, *batch, strict=True):
        assert unframed(task, *arrays) == (example["input"], example["output"])


def test_worked_example_of_the_frame():
    task = chomsky.ReverseString(min_length=2, max_length=2, computation_steps=1)
    assert (task.input_size, task.output_size) == (4, 2)
    tokens, lengths = tf.constant([[0, 1], [1, 0]]), tf.constant([[2], [1]])
    x, y, weight = (array.numpy() for array in task.framed(tokens, lengths))
    assert x[0].argmax(axis=1).tolist() == [0, 1, 2, 2, 3, 3]
    assert x[0].sum(axis=1).tolist() == [1] * 6
    assert x[1].tolist() == [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], *[[0] * 4] * 3]
    assert y.tolist() == [[0, 0, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0]]
    assert weight.tolist() == [[0, 0, 0, 0, 1, 1], [0, 0, 1, 0, 0, 0]]


@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize("name", MAKE)
def test_a_channel_for_the_length_of_the_question(name, steps):
    options = {"max_length": 9, "computation_steps": steps}
    plain = sampled(MAKE[name](**options), 50)
    task = MAKE[name](**options, length_channel=True)
    x, *others = sampled(task, 50)
    assert x.shape[2] == task.input_size == plain[0].shape[2] + 1
    for with_length, without in zip([x[..., :-1], *others], plain, strict=True):
        assert np.array_equal(with_length, without)
    for inputs in x:
        num_steps = np.count_nonzero(inputs[:, :-1].any(axis=1))
        length = np.count_nonzero(inputs[:, : task.num_symbols].any(axis=1))
        expected = [length] * num_steps + [0] * (len(inputs) - num_steps)
        assert inputs[:, -1].tolist() == expected


@pytest.mark.parametrize("name", sorted(WITH_END))
def test_padding_counts_or_not(name):
    assert {name for name, make in MAKE.items() if make.end_token is not None} == WITH_END
    x, y, weight = sampled(MAKE[name](max_length=9), 300)
    task = MAKE[name](max_length=9, loss_on_padding=False)
    same_x, same_y, to_the_end = sampled(task, 300)
    assert np.array_equal(x, same_x)
    assert np.array_equal(y, same_y)
    for answer, counts, fewer in zip(y, weight, to_the_end, strict=True):
        assert 2 in answer
        begin, end = np.argmax(counts), answer.tolist().index(2)
        assert np.flatnonzero(fewer).tolist() == list(range(begin, end + 1))
    arrays = [array[0] for array in (x, y, to_the_end)]
    assert len(task.unpadded(arrays)[0]) == int(weight[0].nonzero()[0][-1]) + 1


def test_a_batch_can_have_one_length():
    task = chomsky.BucketSort(max_length=9, one_length_per_batch=True)
    firsts = set()
    for _, _, weight in task.dataset(8, seed=[3, 4]).take(10):
        first, second = weight.numpy().sum(axis=1).reshape(2, 8)
        assert len({*first}) == len({*second}) == 1
        firsts.add((first[0], second[0]))
    assert len({first for first, _ in firsts}) > 3
    assert any(first != second for first, second in firsts)
    # They are the lengths that the first examples have by themselves.
    one = [w.numpy().sum() / 8 for _, _, w in task.dataset(8, seed=3).take(6)]
    each = chomsky.BucketSort(max_length=9).dataset(8, seed=3).take(6)
    assert one == [w.numpy()[0].sum() for _, _, w in each]
    # So do batches whose lengths a function draws, such as that of a curriculum.
    drawn = task.dataset(8, seed=3, draw_lengths=lambda d: d.integers(1, 10, 1)).take(6)
    assert one == [w.numpy().sum() / 8 for _, _, w in drawn]
    # Sets for evaluation have all lengths.
    [(_, _, weight)] = task.evaluation_set(num_batches=1)
    assert len({*weight.numpy().sum(axis=1)}) > 3


def test_variants_of_the_paper():
    tokens, lengths = tf.constant([[0, 1, 2, 1]]), tf.constant([[4]])
    task = chomsky.CycleNavigation(max_length=4, moves="stay_forward_back")
    assert task.answers(tokens, lengths).numpy().tolist() == [[1]]
    task = chomsky.ModularArithmetic(max_length=4, even_lengths="one_more")
    assert [task.num_tokens(length) for length in (1, 2, 3, 4)] == [1, 3, 3, 5]
    x, y, weight = sampled(task, 200)
    counts = check(task, (x, y, weight))
    assert set(counts) == {1, 3, 5}
    tokens, lengths = tf.constant([[1, 0, 0, 0, 1]]), tf.constant([[5]])
    for count_from, expected in {1: [1, 0, 1, 0, 0], 0: [0, 0, 1, 0, 1]}.items():
        task = chomsky.OddsFirst(max_length=5, count_from=count_from)
        assert task.answers(tokens, lengths).numpy().tolist() == [expected]
    # 0b01101 is 13, and 0b10110 is 22.
    tokens = tf.constant([[1, 0, 1, 1, 0]])
    for big_endian, expected in {False: [1, 1, 0], True: [1, 0, 0]}.items():
        task = chomsky.ComputeSqrt(max_length=5, big_endian=big_endian)
        assert task.answers(tokens, lengths).numpy().tolist() == [expected]


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (chomsky.EvenPairs, {"min_length": 0}, "min_length=0"),
        (chomsky.SolveEquation, {"max_length": 0}, "at least 1"),
        (chomsky.ParityCheck, {"computation_steps": 3}, "at most 2.*computation_steps=3"),
        (chomsky.ParityCheck, {"computation_steps": -1}, "at least 0"),
        (chomsky.CycleNavigation, {"moves": "paper"}, "'stay_forward_back'.*'paper'"),
        (chomsky.ModularArithmetic, {"even_lengths": "up"}, "'one_less', 'one_more'.*'up'"),
        (chomsky.OddsFirst, {"count_from": 2}, "at most 1.*count_from=2"),
        (chomsky.BucketSort, {"loss_on_padding": "False"}, "loss_on_padding='False'"),
        (chomsky.BucketSort, {"length_channel": 1}, "True or False.*length_channel=1"),
        (chomsky.BucketSort, {"one_length_per_batch": 1}, "one_length_per_batch=1"),
        (chomsky.ComputeSqrt, {"big_endian": "no"}, "True or False.*big_endian='no'"),
    ],
)
def test_bad_arguments(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_data_of_a_seed_do_not_change_between_versions():
    for make, expected in {
        chomsky.ModularArithmeticBrackets: EXPRESSION,
        chomsky.BinaryAddition: ADDITION,
    }.items():
        x, _, _ = sampled(make(min_length=9, max_length=9), 1, seed=8)
        assert x[0, :9].argmax(axis=1).tolist() == expected


EXPRESSION = [8, 8, 0, 9, 7, 8, 2, 9, 9]  # ((0)*(2))
ADDITION = [1, 1, 1, 1, 2, 1, 0, 1, 0]
