"""How often each question of the Chomsky hierarchy is drawn."""

from collections import Counter

import numpy as np
import pytest
from counts import are_even
from eager_sampling import sampled

from keras_nm.tasks import chomsky


def questions(make, count, length):
    """Tokens of questions of one length."""
    task = make(min_length=length, max_length=length)
    x, _, _ = sampled(task, count)
    return x[:, : task.num_tokens(length)].argmax(axis=2)


@pytest.mark.parametrize(
    ("make", "count", "is_first"),
    [
        (chomsky.StackManipulation, 7, lambda tokens: tokens > 1),
        (chomsky.BinaryAddition, 6, lambda tokens: tokens == 2),
        (chomsky.BinaryMultiplication, 6, lambda tokens: tokens == 2),
    ],
)
def test_first_parts_of_all_sizes_are_equally_likely(make, count, is_first):
    sizes = is_first(questions(make, 4000, 8)).argmax(axis=1)
    assert are_even(Counter(sizes.tolist()), range(1, count + 1))


def test_numbers_are_equally_likely_but_not_0():
    tokens = questions(chomsky.ComputeSqrt, 7000, 3)
    values = Counter((tokens @ [4, 2, 1]).tolist())
    assert are_even(values, range(1, 8))
    tokens = questions(chomsky.BinaryAddition, 9000, 5)
    found = Counter(tuple(row[:2]) for row in tokens[tokens[:, 2] == 2].tolist())
    assert are_even(found, [(1, 0), (0, 1), (1, 1)])
    tokens = questions(chomsky.BinaryMultiplication, 9000, 5)
    found = Counter(tuple(row[2:]) for row in tokens[tokens[:, 1] == 2].tolist())
    assert are_even(found, [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)][1:])
    for make in (chomsky.BinaryAddition, chomsky.BinaryMultiplication):
        found = Counter(map(tuple, questions(make, 3000, 2).tolist()))
        assert are_even(found, [(0, 0), (1, 0), (0, 1)])


def test_expressions_are_split_anywhere():
    tokens = questions(chomsky.ModularArithmeticBrackets, 6000, 8)
    # The left part is d, -d, (d) or (-d), and the operator follows.
    sizes, operators, digits = Counter(), Counter(), Counter()
    for row in tokens.tolist():
        left = {"d": 1, "-": 2}.get("dddddd-d("[row[1]], 3 + (row[2] == 6))
        sizes[left] += 1
        operators[row[1 + left]] += 1
        digits.update(token for token in row if token < 5)
    assert are_even(sizes, [1, 2, 3, 4])
    assert are_even(operators, [5, 6, 7])
    assert are_even(digits, range(5))


def test_products_make_more_answers_0():
    task = chomsky.ModularArithmeticBrackets(min_length=40, max_length=40)
    _, y, _ = sampled(task, 5000)
    assert np.mean(y[:, -1] == 0) == pytest.approx(0.31, abs=0.025)


def test_the_unknown_is_the_first_digit_from_a_random_place_on():
    tokens = questions(chomsky.SolveEquation, 3000, 7)
    # In (a+b), places 0, 1 and 4 lead to a.
    places = Counter(row.index(9) for row in tokens.tolist())
    assert set(places) == {1, 3}
    assert places[1] / 3000 == pytest.approx(3 / 5, abs=0.05)


def test_every_bit_is_hidden():
    tokens = questions(chomsky.MissingDuplicateString, 5000, 7)
    hidden = Counter((tokens == 2).argmax(axis=1).tolist())
    assert are_even(hidden, range(6))
