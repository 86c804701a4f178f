"""Questions that are answered in place, against solvers in plain Python."""

import itertools
from collections import Counter

import neural_gpu_solvers
import numpy as np
import pytest
import tensorflow as tf
from counts import are_even
from eager_sampling import sampled

from keras_nm.tasks import PATTERNS, TASKS, guess_accuracy, neural_gpu

MAKE = {spec.make.name: spec.make for spec in TASKS.values() if spec.family == "neural_gpu"}
ARITHMETIC = ("binary_addition", "binary_multiplication", "quaternary_multiplication")
BUCKETS = (8, 12, 16, 20, 25, 28, 31, 36, 41)
OPERANDS = ("overflow", "carries", "powers", "small", "zeros")


def unframed(task, x, y, weight):
    """The tokens of the question and of the answer. There is nothing else in the arrays."""
    tokens = x.argmax(axis=1)[x.any(axis=1)].tolist()
    size = len(tokens)
    assert np.array_equal(x[:size], np.eye(task.input_size)[tokens])
    assert not x[size:].any()
    assert not y[size:].any()
    assert weight.tolist() == [1.0] * size + [0.0] * (len(weight) - size)
    return tokens, y[:size].tolist()


def check(task, batch):
    """Checks the answers, and returns all questions."""
    questions = []
    for example in zip(*batch, strict=True):
        tokens, answer = unframed(task, *example)
        assert answer == getattr(neural_gpu_solvers, task.name)(tokens), tokens
        questions.append(tokens)
    return questions


def lengths_of(task, low, high):
    return range(low, high + 1)[(task.smallest_length - low) % task.length_step :][
        :: task.length_step
    ]


@pytest.mark.parametrize("name", MAKE)
def test_questions_are_those_of_the_solvers(name):
    task = MAKE[name](max_length=12)
    questions = check(task, sampled(task, 1200, seed=1))
    lengths = Counter(map(len, questions))
    assert are_even(lengths, lengths_of(task, task.smallest_length, 12))


@pytest.mark.parametrize("name", MAKE)
def test_questions_of_a_length_are_equally_likely(name):
    task = MAKE[name](min_length=3, max_length=4)
    length = task.max_length
    task = task.with_lengths(length, length)
    questions = Counter(map(tuple, check(task, sampled(task, 1600))))
    num_digits = {"reverse": 4, "sort": 4}.get(name, 2)
    assert are_even(questions, questions)
    assert len(questions) == getattr(task, "base", 2) ** num_digits


@pytest.mark.parametrize("name", ARITHMETIC)
def test_all_questions_of_two_digits(name):
    task = MAKE[name](max_length=5)
    digits = range(task.base)
    tokens = [
        [*first, task.base, *second]
        for first in itertools.product(digits, repeat=2)
        for second in itertools.product(digits, repeat=2)
    ]
    batch = task.framed(tf.constant(tokens), tf.fill((len(tokens), 1), 5))
    assert check(task, [array.numpy() for array in batch]) == tokens


@pytest.mark.parametrize(
    ("length", "count"),
    [(401, 20), *(pytest.param(n, 50, marks=pytest.mark.slow) for n in (2001, 4001))],
)
@pytest.mark.parametrize("name", MAKE)
def test_long_questions_are_those_of_the_solvers(name, length, count):
    length -= name == "duplicate"
    task = MAKE[name](min_length=length, max_length=length)
    patterns = ("random", "highest") if name in ARITHMETIC else ("random",)
    for pattern in patterns:
        questions = check(task, sampled(task, count, seed=2, pattern=pattern))
        assert {len(question) for question in questions} == {length}


@pytest.mark.slow
@pytest.mark.parametrize("pattern", PATTERNS[1:])
@pytest.mark.parametrize("name", MAKE)
def test_patterns_are_those_of_the_solvers(name, pattern):
    task = MAKE[name](max_length=12)
    check(task, sampled(task, 200, pattern=pattern))


def numbers_of(question, base):
    size = len(question) // 2
    return [
        sum(digit * base**i for i, digit in enumerate(digits))
        for digits in (question[:size], question[size + 1 :])
    ]


def is_of_kind(operands, size, first, second, base):
    """Whether two numbers of so many digits are as the documentation says."""
    numbers, powers = {first, second}, {base**i for i in range(size)}
    return {
        "overflow": numbers == {1, base**size - 1},
        "carries": first + second == base**size or numbers == {0},
        "powers": numbers <= powers,
        "small": max(numbers) < 4,
        "zeros": 0 in numbers,
    }[operands]


@pytest.mark.parametrize("name", ARITHMETIC)
@pytest.mark.parametrize("operands", OPERANDS)
def test_operands(name, operands):
    task = MAKE[name](max_length=9, operands=operands)
    base, seen = task.base, {}
    for question in check(task, sampled(task, 400)):
        first, second = numbers_of(question, base)
        size = len(question) // 2
        assert is_of_kind(operands, size, first, second, base), question
        seen.setdefault(size, set()).add((first, second))
    assert set(seen) == {1, 2, 3, 4}
    highest, powers = base**4 - 1, [base**i for i in range(4)]
    expected = {
        "overflow": {(1, highest), (highest, 1)},
        "powers": set(itertools.product(powers, powers)),
        "small": set(itertools.product(range(4), range(4))),
    }
    if operands in expected:
        assert seen[4] == expected[operands]
    else:
        assert len({first for first, _ in seen[4]}) > 8
        assert len({second for _, second in seen[4]}) > 8


def test_structured_sets_have_all_operands(monkeypatch):
    make = neural_gpu.BinaryAddition
    monkeypatch.setattr(make, "evaluation_set", lambda task, *_, **options: (task, options))
    task = make(max_length=9)
    sets = task.structured_sets(16, seed=3, split="validation")
    assert list(sets)[-len(OPERANDS) :] == list(OPERANDS)
    assert len(sets) == 7 + len(OPERANDS)
    expected = {"batch_size": 16, "num_batches": 1, "seed": 3, "split": "validation"}
    for name in OPERANDS:
        assert sets[name] == (make(max_length=9, operands=name), expected)


@pytest.mark.parametrize("name", MAKE)
def test_batches_take_buckets_in_turn(name):
    task = MAKE[name](max_length=41, buckets=list(BUCKETS))
    assert task.buckets == BUCKETS
    same = MAKE[name](max_length=41, buckets=list(np.array(BUCKETS)))
    assert all(type(each) is int for each in same.buckets)
    before = 0
    for index, bucket in enumerate(BUCKETS):
        batch = sampled(task, 60, first=60 * (index + 9))
        assert {array.shape[1] for array in batch} == {bucket}
        lengths = set(map(len, check(task, batch)))
        low = max(before + 1, task.smallest_length)
        assert lengths == set(lengths_of(task, low, bucket))
        before = bucket


def test_buckets_in_a_pipeline():
    task = neural_gpu.Reverse(max_length=9, buckets=(2, 5, 9))
    batches = list(task.dataset(3, seed=[4, 5]).take(6))
    assert [x.shape[:2] for x, _, _ in batches] == [(6, n) for n in (2, 5, 9, 2, 5, 9)]
    [last] = task.dataset(3, seed=[4, 5], start=5).take(1)
    assert np.array_equal(last[0], batches[5][0])
    # A curriculum decides the lengths. Batches are padded to a bucket.
    level = {"draw_lengths": lambda draws: tf.fill((draws.batch_size, 1), 4)}
    assert next(iter(task.dataset(3, **level)))[0].shape == (3, 5, 2)
    assert task.with_lengths(1, 9) == neural_gpu.Reverse(max_length=9)
    lengths = Counter(
        int(each) for _, _, w in task.evaluation_set() for each in w.numpy().sum(axis=1)
    )
    assert set(lengths) == set(range(1, 10))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("binary_addition", [3, 3, 5, 5, 7, 7, 9]), ("duplicate", [2, 4, 4, 6, 6, 8, 8])],
)
def test_lengths_of_a_curriculum_are_rounded_down(name, expected):
    level = {"draw_lengths": lambda draws: tf.range(3, 10)[:, tf.newaxis]}
    task = MAKE[name](max_length=9)
    [batch] = task.dataset(7, **level).take(1)
    questions = check(task, [array.numpy() for array in batch])
    assert list(map(len, questions)) == expected


def test_bounds_are_lengths_that_examples_have():
    task = neural_gpu.BinaryAddition(min_length=4, max_length=10)
    assert task == neural_gpu.BinaryAddition(min_length=5, max_length=9)
    assert neural_gpu.Duplicate(min_length=3).with_lengths(5, 9).min_length == 6
    assert neural_gpu.Duplicate().max_length == 40
    for spec in TASKS.values():
        if spec.family == "neural_gpu":
            assert all(spec.make(max_length=n).max_length == n for n in spec.lengths)
            longest = spec.for_split("long", min(spec.lengths))
            assert longest.min_length > min(spec.lengths)


def test_number_of_symbols():
    for make in (neural_gpu.Reverse, neural_gpu.Duplicate, neural_gpu.Sort):
        task = make(max_length=8, num_symbols=5)
        assert task.output_size == 5
        questions = check(task, sampled(task, 200))
        assert {token for question in questions for token in question} >= set(range(5))


def test_a_guess():
    """The last 20 of 41 positions of a sum are blank, and others are even chances."""
    guess = guess_accuracy(neural_gpu.BinaryAddition(), 41, num_batches=4)
    assert guess == pytest.approx((20 + 21 / 2) / 41, abs=0.02)


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (neural_gpu.BinaryAddition, {"max_length": 2}, "at least 3.*max_length=2"),
        (
            neural_gpu.BinaryAddition,
            {"min_length": 42, "max_length": 42},
            "lengths 3, 5, 7 and so on, and none from 42 to 42.*min_length=42",
        ),
        (
            neural_gpu.Duplicate,
            {"min_length": 5, "max_length": 5},
            "lengths 2, 4, 6 and so on, and none from 5 to 5",
        ),
        (
            neural_gpu.BinaryAddition,
            {"max_length": 9, "buckets": (7, 8, 9)},
            "none from 8 to 8",
        ),
        (
            neural_gpu.Sort,
            {"min_length": 4, "max_length": 9, "buckets": (3, 9)},
            "none from 4 to 3",
        ),
        (neural_gpu.BinaryAddition, {"buckets": (40, 41, 42)}, "none from 42 to 41"),
        (neural_gpu.Sort, {"buckets": (8, 16)}, r"buckets=\(8, 16\), max_length=41"),
        (neural_gpu.Sort, {"buckets": (16, 8, 41)}, "integers that increase"),
        (neural_gpu.Sort, {"buckets": ()}, r"buckets=\(\)"),
        (neural_gpu.Sort, {"buckets": 41}, "buckets=41"),
        (neural_gpu.Sort, {"buckets": (4.5, 41)}, r"buckets\[0\]=4.5"),
        (neural_gpu.Sort, {"num_symbols": 0}, "num_symbols=0"),
        (neural_gpu.BinaryAddition, {"operands": "hard"}, "'powers', 'small'.*'hard'"),
    ],
)
def test_bad_arguments(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_a_held_out_set_of_a_length_that_no_example_has():
    with pytest.raises(ValueError, match="none from 42 to 42"):
        neural_gpu.BinaryMultiplication().evaluation_set(42)


def test_data_of_a_seed_do_not_change_between_versions():
    task = neural_gpu.QuaternaryMultiplication(min_length=9, max_length=9)
    x, _, _ = sampled(task, 1, seed=8)
    assert x[0].argmax(axis=1).tolist() == QUESTION


QUESTION = [2, 2, 2, 3, 4, 1, 3, 3, 1]
