"""Functions that TensorFlow runs as graphs."""

import numpy as np
import tensorflow as tf

from keras_nm.layers.eager import in_graph


def test_a_graph_is_made_once_and_its_gradient_is_exact():
    graphs = []

    def double(x, options):
        graphs.append(not tf.executing_eagerly())
        return {"y": options[0] * x}

    doubled = in_graph(double)
    for _ in range(3):
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = doubled(x, (2.0,))["y"]
        np.testing.assert_array_equal(y, [2, 4])
        np.testing.assert_array_equal(tape.gradient(y, x), [2, 2])
    assert graphs == [True]


def test_no_graph_inside_a_graph():
    inside = []
    function = in_graph(lambda x: inside.append(tf.compat.v1.get_default_graph()) or x)
    outside = []

    @tf.function
    def call(x):
        outside.append(tf.compat.v1.get_default_graph())
        return function(x)

    call(tf.constant(1.0))
    assert inside[0] is outside[0]
