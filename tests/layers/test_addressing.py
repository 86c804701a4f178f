import keras
import ntm_loops
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.layers.ntm import addressing

B, H, N, W = 3, 2, 7, 5


def transposed(memory):
    return np.swapaxes(memory, 1, 2)


def per_head(function):
    return np.array([[function(b, h) for h in range(H)] for b in range(B)])


def weightings(rng, size=N):
    return rng.dirichlet(np.ones(size), (B, H)).astype("float32")


def content_weighting(memory, keys, strengths):
    keys = addressing.scaled_keys(keys, strengths)
    similarities, _ = addressing.content_similarity(memory, keys)
    return keras.ops.softmax(similarities, axis=-1)


def test_content_weighting_equals_loop(rng):
    memory = rng.normal(size=(B, N, W)).astype("float32")
    keys = rng.normal(size=(B, H, W)).astype("float32")
    strengths = rng.uniform(0.1, 20, (B, H, 1)).astype("float32")
    expected = per_head(
        lambda b, h: ntm_loops.content_weighting(memory[b], keys[b, h], strengths[b, h, 0])
    )
    actual = content_weighting(transposed(memory), keys, strengths)
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_interpolate_equals_loop(rng):
    content, previous = weightings(rng), weightings(rng)
    gates = rng.uniform(size=(B, H, 1)).astype("float32")
    expected = per_head(
        lambda b, h: ntm_loops.interpolate(content[b, h], previous[b, h], gates[b, h, 0])
    )
    actual = addressing.interpolate(content, previous, gates)
    np.testing.assert_allclose(actual, expected, atol=1e-6)


@pytest.mark.parametrize("shift_range", [0, 1, 3])
def test_shift_equals_loop(rng, shift_range):
    weighting = weightings(rng)
    shift_weighting = weightings(rng, 2 * shift_range + 1)
    expected = per_head(
        lambda b, h: ntm_loops.shift(weighting[b, h], shift_weighting[b, h])
    )
    actual = addressing.shift(weighting, shift_weighting)
    np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_shift_by_plus_one_moves_the_focus_to_the_next_location():
    weighting = np.float32([[[0, 0, 0, 1]]])
    actual = addressing.shift(weighting, np.float32([[[0, 0, 1]]]))
    np.testing.assert_array_equal(actual, [[[1, 0, 0, 0]]])


@pytest.mark.parametrize("gamma", [1.0, 2.5, 20.0])
def test_sharpen_equals_loop(rng, gamma):
    weighting = weightings(rng)
    expected = per_head(lambda b, h: ntm_loops.sharpen(weighting[b, h], gamma))
    actual = addressing.sharpen(weighting, np.full((B, H, 1), gamma, "float32"))
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_sharpen_does_not_underflow():
    # 0.5^200 is 6e-61, below the smallest float32.
    actual = addressing.sharpen(np.float32([[[0.5, 0.5, 0]]]), np.float32([[[200]]]))
    np.testing.assert_allclose(actual, [[[0.5, 0.5, 0]]], atol=1e-6)


def test_read_equals_loop(rng):
    memory = rng.normal(size=(B, N, W)).astype("float32")
    weighting = weightings(rng)
    expected = per_head(lambda b, h: ntm_loops.read(memory[b], weighting[b, h]))
    actual = addressing.read(transposed(memory), weighting)
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_write_equals_loop(rng):
    memory = rng.normal(size=(B, N, W)).astype("float32")
    weighting = weightings(rng)
    erase = rng.uniform(size=(B, H, W)).astype("float32")
    add = rng.normal(size=(B, H, W)).astype("float32")
    expected = [
        ntm_loops.write(memory[b], weighting[b], erase[b], add[b]) for b in range(B)
    ]
    actual = addressing.write(transposed(memory), weighting, erase, add)
    np.testing.assert_allclose(transposed(actual), expected, atol=1e-5)


def test_squeezed_sigmoid_by_hand():
    x = np.float32([-1e4, 0, 1e4])
    np.testing.assert_allclose(
        addressing.squeezed_sigmoid(x, 0.1), [0.05, 0.5, 0.95], atol=1e-6
    )


def test_key_strengths_stay_within_a_billion():
    x = tf.constant([-100.0, 0, 20, 89, 1e30])
    with tf.GradientTape() as tape:
        tape.watch(x)
        strengths = addressing.key_strength(keras.activations.exponential, x)
    e20 = np.exp(20.0)
    np.testing.assert_allclose(strengths, [0, 1, e20, 1e9, 1e9], rtol=1e-5)
    np.testing.assert_allclose(tape.gradient(strengths, x), [0, 1, e20, 0, 0], rtol=1e-5)


def address(memory, keys, strengths, gates, previous, shifts, sharpening):
    weighting = content_weighting(memory, keys, strengths)
    weighting = addressing.interpolate(weighting, previous, gates)
    weighting = addressing.shift(weighting, shifts)
    return addressing.sharpen(weighting, sharpening)


def test_shifting_memory_and_start_shifts_the_weighting(rng):
    memory = rng.normal(size=(B, W, N)).astype("float32")
    previous = weightings(rng)
    rest = (
        rng.normal(size=(B, H, W)).astype("float32"),
        rng.uniform(1, 9, (B, H, 1)).astype("float32"),
        rng.uniform(size=(B, H, 1)).astype("float32"),
    )
    last = weightings(rng, 3), rng.uniform(1, 3, (B, H, 1)).astype("float32")
    straight = address(memory, *rest, previous, *last)
    for j in range(N):
        rolled = address(np.roll(memory, j, 2), *rest, np.roll(previous, j, 2), *last)
        np.testing.assert_allclose(rolled, np.roll(straight, j, 2), atol=1e-6)
