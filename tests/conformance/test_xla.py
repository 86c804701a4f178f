"""Compiled by XLA, a layer computes the same."""

import tensorflow as tf
from machine_cases import assert_close, each_machine, with_cases


def check_that_xla_equals_eager(case, inputs):
    layer = case.make()
    outputs = layer(inputs)
    assert_close(tf.function(layer, jit_compile=True)(inputs), outputs)


@each_machine
def test_xla_equals_eager(case, inputs):
    check_that_xla_equals_eager(case, inputs)


@with_cases([], slow=["all_gates_nram"])
def test_xla_equals_eager_with_all_gates(case, inputs):
    check_that_xla_equals_eager(case, inputs)
