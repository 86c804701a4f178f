"""What a guess scores, by hand and as known from simulations."""

import numpy as np
import pytest

from keras_nm.tasks import chomsky, guess_accuracy, ntm
from keras_nm.tasks.guess import class_frequencies


def test_frequencies_by_hand():
    y = np.array([[0, 1, 2, 0], [0, 2, 0, 0], [1, 1, 1, 2]])
    weight = np.array([[0, 1, 1, 1], [0, 1, 1, 1], [1, 1, 0, 1]])
    all_count = [[0, 1, 0], [0, 2, 1], [1, 0, 1], [2, 0, 1]]
    assert class_frequencies(y, weight, 3).tolist() == all_count
    up_to_the_end = [[0, 1, 0], [0, 2, 1], [0, 0, 1], [0, 0, 1]]
    assert class_frequencies(y, weight, 3, end_token=2).tolist() == up_to_the_end


def test_a_guess_by_hand():
    """The sums are 0, 1 and 2: the answers 02, 12 and 012. The best guess is 022."""
    accuracy = guess_accuracy(chomsky.BinaryAddition(), 2, batch_size=500, num_batches=4)
    assert accuracy == pytest.approx(5 / 7, abs=0.02)
    assert guess_accuracy(chomsky.ComputeSqrt(), 2, num_batches=1) == 1


def test_only_tokens_have_a_most_frequent_class():
    with pytest.raises(ValueError, match=r"must be a TokenTask.*task=Copy\("):
        guess_accuracy(ntm.Copy(), 5)
    with pytest.raises(ValueError, match="must be a TokenTask"):
        guess_accuracy(chomsky.BucketSort, 5)  # the class


def test_a_length_out_of_range_is_named():
    with pytest.raises(ValueError, match=r"`length` must be .* Received: length=0"):
        guess_accuracy(chomsky.BucketSort(), 0)


@pytest.mark.parametrize("length", [41, 100, pytest.param(500, marks=pytest.mark.slow)])
def test_a_guess_sorts_well(length):
    """Place i of n most often has the symbol 5 (i + 1/2) / n, rounded down."""
    expected = {41: 0.78, 100: 0.86, 500: 0.94}[length]
    accuracy = guess_accuracy(chomsky.BucketSort(), length, num_batches=8)
    assert accuracy == pytest.approx(expected, abs=0.01)
