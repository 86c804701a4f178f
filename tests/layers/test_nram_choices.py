"""From logits to choices, against numbers by hand."""

import numpy as np
import pytest
import tensorflow as tf

from keras_nm.layers.choices import first_largest
from keras_nm.layers.nram.choices import mean_entropy, select

# Two choices and stopping, in the layout of `NRAMCell.circuit_shapes`. The probabilities
# are 1/2, 1/4 and 1/4; 1/4 and 3/4; and 3/4.
SHAPES = {"INC": (1, 3), "registers": (1, 2), "stop": (1,)}
LOGITS = np.log(np.float32([[2, 1, 1, 1, 3, 3]]))


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("soft", [[0.5, 0.25, 0.25, 0.25, 0.75, 0.75]]),
        ("discrete", [[1, 0, 0, 0, 1, 1]]),
        ("straight_through", [[1, 0, 0, 0, 1, 1]]),
    ],
)
def test_choices_of_different_numbers_of_options(selection, expected):
    np.testing.assert_allclose(select(LOGITS, SHAPES, selection), expected, atol=1e-7)


# A program's logits may be large, and a lower one than all others is still an option.
def test_no_logit_is_too_low_to_be_chosen():
    shapes = {"INC": (1, 3), "registers": (1, 1), "stop": (1,)}
    logits = np.float32([[-1e9, -1e9, -1e9, -1e9, -1e9]])
    expected = [[1 / 3, 1 / 3, 1 / 3, 1, 0]]
    np.testing.assert_allclose(select(logits, shapes, "soft"), expected, atol=1e-7)
    expected = [[1, 0, 0, 1, 0]]
    np.testing.assert_array_equal(select(logits, shapes, "discrete"), expected)


# Keras warns of a softmax over a single option, and warnings are errors here.
@pytest.mark.parametrize("selection", ["soft", "discrete", "straight_through"])
def test_a_choice_of_one(selection):
    shapes = {"registers": (1, 1), "stop": (1,)}
    chosen = select(np.float32([[0.3, -40]]), shapes, selection)
    np.testing.assert_allclose(chosen, [[1, 0]], atol=1e-7)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("soft", [0.75, 0.5, 0.25]),
        ("discrete", [1, 0, 0]),
        ("straight_through", [1, 0, 0]),
    ],
)
def test_to_stop_is_a_probability_and_for_certain_above_one_half(selection, expected):
    logits = np.repeat(LOGITS, 3, axis=0)
    logits[:, -1] = np.log([3, 1, 1 / 3])
    chosen = select(logits, SHAPES, selection)
    np.testing.assert_allclose(chosen[:, -1], expected, atol=1e-7)


@pytest.mark.parametrize("selection", ["soft", "straight_through"])
def test_the_gradient_is_that_of_soft(selection):
    logits = tf.constant([[0.3, -0.2, 1.0, 0.5, -0.5, 0.4]])
    upstream = np.float32([[0.7, 1.1, -0.4, 0.2, 0.9, -0.6]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        chosen = select(logits, SHAPES, selection)
    gradient = tape.gradient(chosen, logits, tf.constant(upstream))
    expected = []
    for part in (slice(0, 3), slice(3, 5)):
        # Softmax by hand: p * (upstream - p @ upstream).
        e = np.exp(logits[0, part])
        p = e / e.sum()
        expected.extend(p * (upstream[0, part] - p @ upstream[0, part]))
    stop = 1 / (1 + np.exp(-0.4))
    expected.append(upstream[0, 5] * stop * (1 - stop))
    np.testing.assert_allclose(gradient[0], expected, rtol=1e-5)


def test_of_equal_ones_the_first_is_largest():
    x = np.float32([[1, 3, 3], [-0.0, 0.0, -1], [0, 1, 2]])
    assert first_largest(x).numpy().tolist() == [1, 0, 2]


def test_mean_entropy():
    # 1/2, 1/4 and 1/4 have 1.5 bits; 1/4 and 3/4, also to stop or not, have this number.
    quarter = 0.75 * np.log2(4 / 3) + 0.25 * np.log2(4)
    bits = mean_entropy(LOGITS, SHAPES, 1e-10) / np.log(2)
    np.testing.assert_allclose(bits, [[(1.5 + 2 * quarter) / 3]], rtol=1e-6)
