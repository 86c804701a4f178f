"""Tensors are joined, taken apart and made flat, without a number out of its place."""

import keras
import numpy as np
import tensorflow as tf

from keras_nm.layers.tensors import (
    boolean_mask,
    boolean_unmask,
    flatten,
    joined,
    split,
    total_size,
)

SHAPES = {"a": (2, 3), "b": (), "c": (4,)}


def test_parts_are_joined_in_the_order_of_the_shapes():
    named = {
        "c": np.float32([[8, 9, 10, 11]]),
        "a": np.float32([[[1, 2, 3], [4, 5, 6]]]),
        "b": np.float32([7]),
    }
    flat = keras.ops.convert_to_numpy(joined(named, SHAPES))
    assert flat.tolist() == [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]
    assert total_size(SHAPES) == 11


def test_one_part_alone_is_joined():
    flat = keras.ops.convert_to_numpy(joined({"a": np.ones((5, 2, 3))}, {"a": (2, 3)}))
    assert flat.shape == (5, 6)


def test_split_takes_apart_what_was_joined(rng):
    named = {name: rng.normal(size=(5, *shape)) for name, shape in SHAPES.items()}
    parts = split(joined(named, SHAPES), SHAPES)
    assert list(parts) == list(SHAPES)
    for name, part in parts.items():
        np.testing.assert_array_equal(part, named[name])


def test_split_with_time_steps(rng):
    flat = rng.normal(size=(5, 7, 11)).astype("float32")
    parts = split(flat, SHAPES)
    np.testing.assert_array_equal(parts["a"], flat[:, :, :6].reshape(5, 7, 2, 3))
    np.testing.assert_array_equal(parts["b"], flat[:, :, 6])
    np.testing.assert_array_equal(parts["c"], flat[:, :, 7:])


def test_split_of_sequences_of_unknown_length(rng):
    symbolic = keras.Input((None, 11))
    parts = split(symbolic, SHAPES)
    assert [tuple(part.shape) for part in parts.values()] == [
        (None, None, 2, 3),
        (None, None),
        (None, None, 4),
    ]
    model = keras.Model(symbolic, parts)
    flat = rng.normal(size=(5, 7, 11)).astype("float32")
    np.testing.assert_array_equal(model(flat)["a"], flat[:, :, :6].reshape(5, 7, 2, 3))


def test_flat_tensors_stay_as_they_are():
    x = np.ones((5, 6))
    assert flatten(x) is x


def test_flatten_keeps_known_sizes():
    assert tuple(flatten(np.ones((5, 2, 3))).shape) == (5, 6)
    assert tuple(flatten(keras.KerasTensor((None, 2, 3))).shape) == (None, 6)
    assert tuple(flatten(keras.KerasTensor((None, None, 3))).shape) == (None, None)


def test_flatten_runs_through_rows():
    x = keras.ops.convert_to_numpy(flatten(np.arange(12).reshape(2, 3, 2)))
    assert x.tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


MASK = np.array([[True, False, True], [False, False, False], [True, True, False]])


def test_entries_go_where_the_mask_is_true(rng):
    entries = rng.normal(size=(5, 4)).astype("float32")
    expected = np.full((5, 3, 3), -7.0, "float32")
    expected[:, MASK] = entries
    np.testing.assert_array_equal(boolean_unmask(entries, MASK, -7.0), expected)
    np.testing.assert_array_equal(boolean_mask(expected, MASK), entries)


def test_a_mask_without_entries():
    nothing = np.zeros((5, 0), "float32")
    unmasked = boolean_unmask(nothing, np.zeros((2, 3), bool), 4.0)
    np.testing.assert_array_equal(unmasked, np.full((5, 2, 3), 4))


def test_gradients_of_masks(rng):
    x = tf.constant(rng.normal(size=(5, 3, 3)))
    entries = tf.constant(rng.normal(size=(5, 4)))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, entries])
        masked = boolean_mask(x, MASK)
        unmasked = boolean_unmask(entries, MASK, 2.0)
    expected = np.zeros((5, 3, 3))
    expected[:, MASK] = entries
    np.testing.assert_array_equal(tape.gradient(masked, x, entries), expected)
    np.testing.assert_array_equal(tape.gradient(unmasked, entries, x), x.numpy()[:, MASK])
