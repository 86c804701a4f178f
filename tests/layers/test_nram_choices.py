"""From logits to choices, against numbers by hand."""

import numpy as np
import pytest
import tensorflow as tf

from keras_nm.layers.choices import first_largest
from keras_nm.layers.nram.choices import mean_entropy, select

# The probabilities are 1/2, 1/4 and 1/4.
LOGITS = np.log(np.float32([[[2, 1, 1]]]))


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("soft", [[[0.5, 0.25, 0.25]]]),
        ("discrete", [[[1, 0, 0]]]),
        ("straight_through", [[[1, 0, 0]]]),
    ],
)
def test_a_choice_among_three(selection, expected):
    np.testing.assert_allclose(select(LOGITS, selection), expected, atol=1e-7)


# Keras warns of a softmax over a single option, and warnings are errors here.
@pytest.mark.parametrize("selection", ["soft", "discrete", "straight_through"])
def test_a_choice_of_one(selection):
    np.testing.assert_array_equal(select(LOGITS[..., :1], selection), [[[1]]])


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("soft", [[0.75], [0.5], [0.25]]),
        ("discrete", [[1], [0], [0]]),
        ("straight_through", [[1], [0], [0]]),
    ],
)
def test_to_stop_is_a_probability_and_for_certain_above_one_half(selection, expected):
    logits = np.log(np.float32([[3], [1], [1 / 3]]))
    np.testing.assert_allclose(select(logits, selection), expected, atol=1e-7)


def test_straight_through_has_the_gradient_of_soft():
    logits = tf.constant([[[0.3, -0.2, 1.0]]])
    upstream = tf.constant([[[0.7, 1.1, -0.4]]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        chosen = select(logits, "straight_through")
    # Softmax by hand: p * (upstream - p @ upstream).
    p = np.exp([0.3, -0.2, 1.0]) / np.sum(np.exp([0.3, -0.2, 1.0]))
    expected = p * ([0.7, 1.1, -0.4] - p @ [0.7, 1.1, -0.4])
    gradient = tape.gradient(chosen, logits, upstream)
    np.testing.assert_allclose(gradient[0, 0], expected, rtol=1e-5)


def test_of_equal_ones_the_first_is_largest():
    x = np.float32([[1, 3, 3], [-0.0, 0.0, -1], [0, 1, 2]])
    assert first_largest(x).numpy().tolist() == [1, 0, 2]


def test_mean_entropy():
    # 1/2, 1/4 and 1/4 have 1.5 bits. To stop or not, at 1/2 and 1/2, has 1 bit.
    logits = {"register": LOGITS, "stop": np.zeros((1, 1), "float32")}
    bits = mean_entropy(logits, 1e-10) / np.log(2)
    np.testing.assert_allclose(bits, [[1.25]], rtol=1e-6)


def test_entropy_of_stopping_counts_both_ways():
    # The probability is 3/4.
    logits = {"stop": np.log(np.float32([[3]]))}
    bits = mean_entropy(logits, 1e-10) / np.log(2)
    expected = 0.75 * np.log2(4 / 3) + 0.25 * np.log2(4)
    np.testing.assert_allclose(bits, [[expected]], rtol=1e-6)
