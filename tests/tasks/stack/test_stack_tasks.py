"""Sampled words against readers in plain Python."""

import re

import numpy as np
import pytest
import tensorflow as tf
from eager_sampling import sampled
from stack_readers import LANGUAGES, READ, TWO_COUNTS, length_of

from keras_nm.tasks import PATTERNS, stack
from keras_nm.tasks.draws import Draws

CHARACTERS = {stack.BinaryAddition: "+=.01", stack.ReverseMemorization: "#pqrstu"}
TASKS = [*LANGUAGES, stack.ReverseMemorization, stack.BinaryAddition]


def texts(task, x, y, weight):
    """The three arrays of an example without padding, as characters."""
    characters = CHARACTERS.get(type(task), "abcd")[: task.num_classes]
    end = np.flatnonzero(weight)[-1] + 1
    assert not x[end:].any()
    assert not y[end:].any()
    assert set(np.unique(weight)) <= {0, 1}
    assert np.array_equal(x[:end], np.eye(task.num_classes)[x[:end].argmax(axis=1)])
    inputs = "".join(characters[symbol] for symbol in x[:end].argmax(axis=1))
    targets = "".join(characters[symbol] for symbol in y[:end])
    return inputs, targets, "".join("01"[int(each)] for each in weight[:end])


def read(task, *arrays):
    """Reads an example as its words, and checks that the right symbols count."""
    make = type(task)
    inputs, targets, counted = texts(task, *arrays)
    assert inputs[1:] == targets[:-1]
    words, word = [], ""
    for symbol, target, counts in zip(inputs, targets, counted, strict=True):
        word += symbol
        following, has_ended = READ[make](make, word)
        assert counts == ("0" if following is None else "1")
        assert following in (None, target)
        if has_ended:
            words.append(word)
            word = ""
    if make not in LANGUAGES:  # the last symbol of all is no input
        words.append(word + targets[-1])
        assert READ[make](make, words[-1]) == (None, True)
    else:
        assert not word
    assert len(words) == task.words
    return words


def check(task, count, **options):
    """Reads examples, and returns their words and their lengths."""
    examples = zip(*sampled(task, count, **options), strict=True)
    words = [read(task, *arrays) for arrays in examples]
    lengths = [[length_of(type(task), word) for word in row] for row in words]
    for row in lengths:
        assert all(task.min_length <= length <= row[-1] for length in row)
    assert {row[-1] for row in lengths} == set(range(task.min_length, task.max_length + 1))
    return words, np.array(lengths)


@pytest.mark.parametrize("make", TASKS)
def test_words_are_those_of_the_readers(make):
    words, _ = check(make(max_length=12), 400, seed=1)
    if make not in (stack.AnBn, stack.AnBnCn, stack.AnBnCnDn, stack.AnB2n):
        assert len({word for [word] in words}) > 60


FAST = (stack.AnBkCnk, stack.ReverseMemorization, stack.BinaryAddition)
SOME_FAST = [
    make if make in FAST else pytest.param(make, marks=pytest.mark.slow) for make in TASKS
]


@pytest.mark.parametrize("make", SOME_FAST)
def test_long_words_are_those_of_the_readers(make):
    check(make(min_length=60, max_length=60), 20)


@pytest.mark.parametrize("make", SOME_FAST)
def test_rows_of_words_are_those_of_the_readers(make):
    task = make(min_length=2, max_length=6, words=4)
    _, lengths = check(task, 1500)
    # Every length up to that of the last word is equally likely, in every place.
    for column in lengths[lengths[:, -1] == 6, :-1].T:
        assert np.bincount(column, minlength=7)[2:].min() > 40
    assert len(np.unique(lengths, axis=0)) > 100, "drawn word by word"
    assert lengths[lengths[:, -1] == 2].max() == 2


@pytest.mark.parametrize("pattern", PATTERNS[1:])
@pytest.mark.parametrize("make", [stack.ReverseMemorization, stack.BinaryAddition])
def test_patterns_are_those_of_the_readers(make, pattern):
    words, _ = check(make(min_length=8, max_length=9), 30, pattern=pattern)
    if make is stack.ReverseMemorization:
        for [word] in words:
            symbols = list(word.partition("#")[0])
            expected = {
                "equal": symbols[:1] * len(symbols),
                "sorted": sorted(symbols),
                "reversed": sorted(symbols, reverse=True),
                "highest": ["q"] * len(symbols),
            }
            assert symbols == expected[pattern]
    elif pattern == "highest":
        assert all(re.match(r"(0|1+)\+(0|1+)=", word) for [word] in words)


class Given(Draws):
    """Draws what it is given, in this order."""

    def __init__(self, batch_size, *tables):
        super().__init__([None], None, batch_size)
        self._tables = list(tables)

    def _next(self, low, high, *shape):
        table = np.array(self._tables.pop(0), "int32")
        assert table.shape == (self.batch_size, *shape)
        assert np.all(table >= low)
        assert np.all(table < high)
        return tf.constant(table)

    integers = _next

    def integer_data(self, low, high, among):
        return self._next(low, high, among.shape[1])

    def bits(self, among, num_bits):
        return tf.cast(self._next(0, 2, among.shape[1], num_bits), tf.float32)


def bits(*rows):
    return [[[int(bit)] for bit in row] for row in rows]


@pytest.mark.parametrize(
    ("task", "tables", "lengths", "expected"),
    [
        (
            stack.AnBn(max_length=4),
            [],
            [3, 1],
            [("aaabbb", "aabbba", "000111"), ("ab", "ba", "01")],
        ),
        (
            stack.AnBn(max_length=3, words=3),
            [[[1]], [[2]]],
            [3],
            [("abaabbaaabbb", "baabbaaabbba", "010011000111")],
        ),
        (stack.AnBnCn(), [], [2], [("aabbcc", "abbcca", "001111")]),
        (stack.AnBnCnDn(), [], [2], [("aabbccdd", "abbccdda", "00111111")]),
        (stack.AnB2n(), [], [2], [("aabbbb", "abbbba", "001111")]),
        (
            stack.AnBmCnm(),
            [[[2], [1]]],
            [3, 4],
            [("aabccc", "abccca", "000111"), ("abbbcccc", "bbbcccca", "00001111")],
        ),
        (
            stack.AnBkCnk(),
            [[[2], [1]]],
            [5, 3],
            [("aabbbcccccc", "abbbcccccca", "00000111111"), ("abbcc", "bbcca", "00011")],
        ),
        (
            stack.ReverseMemorization(max_length=3, num_symbols=4),
            [[[1, 4, 2], [3, 3, 1]]],
            [3, 1],
            [("psq#qs", "sq#qsp", "000111"), ("r#", "#r", "01")],
        ),
        (
            # The marks do not say where `p#p` ends.
            stack.ReverseMemorization(max_length=2, words=2),
            [[[1]], [[1, 2]], [[2, 1]]],
            [2],
            [("p#pqp#p", "#pqp#pq", "0100011")],
        ),
        (
            stack.BinaryAddition(max_length=4),
            [bits("0010", "1111", "0100", "0110"), [[3], [1], [0], [4]]],
            [4, 4, 3, 4],
            [
                ("101+1=011", "01+1=011.", "000001111"),
                ("1+111=0001", "+111=0001.", "0000011111"),
                ("0+110=011", "+110=011.", "000001111"),
                ("1110+0=0111", "110+0=0111.", "00000011111"),
            ],
        ),
    ],
    ids=repr,
)
def test_examples_by_hand(task, tables, lengths, expected):
    draws = Given(len(lengths), *tables)
    batch = task.sample(draws, tf.constant(lengths)[:, tf.newaxis])
    rows = zip(*(array.numpy() for array in batch), strict=True)
    assert [texts(task, *arrays) for arrays in rows] == expected


@pytest.mark.parametrize("make", TWO_COUNTS)
def test_all_splits_of_a_length_are_equally_likely(make):
    words, _ = check(make(min_length=5, max_length=5), 2000)
    counts = np.bincount([word.count("a") for [word] in words])
    assert counts[1:].tolist() == pytest.approx([500] * 4, rel=0.15)


def test_lengths_and_symbols_are_equally_likely():
    task = stack.ReverseMemorization(min_length=2, max_length=5, num_symbols=3)
    words, lengths = check(task, 2000)
    assert np.bincount(lengths[:, 0])[2:].tolist() == pytest.approx([500] * 4, rel=0.15)
    symbols = "".join(word.partition("#")[0] for [word] in words)
    for symbol in "pqr":
        assert symbols.count(symbol) / len(symbols) == pytest.approx(1 / 3, abs=0.03)
    pairs = np.array([[ord(letter) for letter in word[:2]] for [word] in words])
    assert abs(np.corrcoef(pairs, rowvar=False)[0, 1]) < 0.1


def test_numbers_have_any_share_of_the_digits_and_fair_digits():
    words, _ = check(stack.BinaryAddition(min_length=4, max_length=4), 3000)
    numbers = [word.partition("=")[0].split("+") for [word] in words]
    sizes = np.bincount([len(first.lstrip("0")) for first, _ in numbers])
    assert sizes.tolist() == pytest.approx([600] * 5, rel=0.15)
    lower = "".join(number[1:] for pair in numbers for number in pair)
    assert lower.count("1") / len(lower) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("words", [1, 3])
def test_evaluation_at_a_length_has_only_words_of_that_length(words):
    task = stack.BinaryAddition(words=words).with_lengths(7, 7)
    _, lengths = check(task, 20)
    assert np.all(lengths == 7)


def test_a_curriculum_may_go_below_the_shortest_length():
    task = stack.AnBn(min_length=5, max_length=9, words=3)
    options = {"draw_lengths": lambda draws: tf.fill((draws.batch_size, 1), 3)}
    for arrays in zip(*sampled(task, 5, **options), strict=True):
        assert read(task, *arrays) == ["aaabbb"] * 3


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (stack.AnBn, {"words": 0}, "`words` must be an integer of at least 1.*words=0"),
        (stack.BinaryAddition, {"words": 2.0}, r"words=2\.0"),
        (stack.AnBmCnm, {"min_length": 1}, "`min_length` must be an .* at least 2"),
        (stack.AnBkCnk, {"max_length": 1}, "`max_length` must be an .* at least 2"),
        (stack.ReverseMemorization, {"num_symbols": 0}, "num_symbols=0"),
    ],
)
def test_bad_sizes(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)
