"""Gradients that are given instead of derived, against numbers by hand."""

import numpy as np
import tensorflow as tf

from keras_nm.layers.gradients import clip_gradient, with_gradient


def gradients(function, inputs, upstream):
    """The outputs of a function, and the gradients by its inputs."""
    inputs = [tf.constant(x) for x in inputs]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = function(*inputs)
    return outputs, tape.gradient(outputs, inputs, upstream)


def test_the_given_gradient_counts():
    def sum_with_another_gradient(x, y):
        return x + y, lambda upstream: (10 * upstream[0], 100 * upstream[0])

    outputs, (by_x, by_y) = gradients(
        lambda x, y: with_gradient(sum_with_another_gradient, x, y),
        ([1.0, 2.0], [3.0, 4.0]),
        tf.constant([1.0, -2.0]),
    )
    assert outputs.numpy().tolist() == [4, 6]
    assert by_x.numpy().tolist() == [10, -20]
    assert by_y.numpy().tolist() == [100, -200]


def test_every_output_has_a_gradient():
    def twice_and_thrice(x):
        def gradient(upstream):
            by_twice, by_thrice = upstream
            return by_twice + 10 * by_thrice

        return (2 * x, 3 * x), gradient

    outputs, [by_x] = gradients(
        lambda x: with_gradient(twice_and_thrice, x),
        [[1.0, 2.0]],
        [tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])],
    )
    assert [output.numpy().tolist() for output in outputs] == [[2, 4], [3, 6]]
    assert by_x.numpy().tolist() == [31, 42]


def test_gradients_are_clipped_and_values_are_not():
    x = np.float32([1, 2, 3])
    outputs, [by_x] = gradients(
        lambda x: clip_gradient(x, 0.5), [x], tf.constant([-2.0, 0.25, 9.0])
    )
    assert outputs.numpy().tolist() == [1, 2, 3]
    assert by_x.numpy().tolist() == [-0.5, 0.25, 0.5]
