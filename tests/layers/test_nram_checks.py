"""Wrong tapes and numbers of steps are refused, with and without a graph."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.layers import NRAM


@pytest.mark.parametrize(
    ("tape", "message"),
    [
        (np.array([[1, 5, 0, 0, 0]]), "integers from 0 to 4. Received: .* from 0 to 5"),
        (np.array([[1, -1, 0]]), "integers from 0 to 2. Received: .* from -1 to 1"),
        (np.array([[1.0, 2.0, 0.0]]), "For integers, use an integer dtype"),
        (np.full((1, 4, 4), 0.3), "must be distributions.* sums from 1.2"),
        (np.eye(4)[None] * 2 - 0.25, "must be distributions.* smallest value of -0.25"),
        (np.full((1, 4, 4), np.nan), "must be distributions"),
        (np.ones((1, 4, 4), int), "Received: int64 of shape \\(1, 4, 4\\)"),
        (np.ones((1, 3, 4)), "of shape \\(batch, M, M\\). Received: .* \\(1, 3, 4\\)"),
        (np.zeros((4,), int), "Received: int64 of shape \\(4,\\)"),
        (np.zeros((1, 2), int), "TWO needs a tape of at least 3 cells"),
    ],
)
def test_wrong_tapes_are_refused(tape, message):
    layer = NRAM(2, num_steps=2)
    with pytest.raises(ValueError, match=message):
        layer(tape)
    with pytest.raises(ValueError):
        layer.run_integers(tape)


def test_models_on_wrong_inputs_are_refused():
    tape = keras.Input((5,), dtype="int32")
    with pytest.raises(ValueError, match="needs `num_steps`"):
        NRAM(2)(tape)
    with pytest.raises(ValueError, match="`selection` must be one of"):
        NRAM(2, num_steps=2)(tape, selection="hard")
    with pytest.raises(ValueError, match="TWO needs a tape of at least 3"):
        NRAM(2, num_steps=2)(keras.Input((2,), dtype="int32"))
    for shape in ((None,), (3, 4), (None, 4, 4)):
        with pytest.raises(ValueError, match="A tape must be integers of shape"):
            NRAM(2, num_steps=2)(keras.Input(shape))
    for shape, dtype in (
        ((None,), "uint8"),
        ((None, None), "float32"),
        ((5, 5), "float32"),
    ):
        assert NRAM(2, num_steps=2)(keras.Input(shape, dtype=dtype)).ndim == 3


def test_lists_are_tapes_and_numbers_of_steps():
    layer = NRAM(2, gates=["READ", "INC", "WRITE"])
    tape = [[1, 2, 0, 3], [0, 3, 1, 1]]
    result = layer.run_integers(tape, [1, 2])
    expected = layer.run_integers(np.array(tape), np.array([1, 2]))
    assert np.array_equal(result["tape"], expected["tape"])
    assert layer.trace(tape, 2)["tape"].shape == (2, 3, 4, 4)


def test_a_trace_of_no_values_is_refused():
    with pytest.raises(ValueError, match="call an NRAM layer on it to build a model"):
        NRAM(2, num_steps=2).trace(keras.Input((5,), dtype="int32"))


def test_wrong_tapes_are_refused_inside_a_graph():
    inputs = keras.Input((None,), dtype="int32")
    layer = NRAM(2, num_steps=2, gates=["READ", "TWO", "WRITE"])
    model = keras.Model(inputs, layer(inputs))
    with pytest.raises(tf.errors.InvalidArgumentError, match="integers from 0 to M - 1"):
        model.predict(np.array([[1, 5, 0, 0, 0]]), verbose=0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="TWO needs a tape of"):
        model.predict(np.array([[1, 0]]), verbose=0)
    integer = tf.function(layer.run_integers)
    with pytest.raises(tf.errors.InvalidArgumentError, match="integers from 0 to M - 1"):
        integer(tf.constant([[1, 5, 0, 0, 0]]))

    fuzzy = keras.Input((4, 4))
    model = keras.Model(fuzzy, layer(fuzzy))
    with pytest.raises(tf.errors.InvalidArgumentError, match="are distributions"):
        model.predict(np.ones((1, 4, 4)), verbose=0)


def test_wrong_tapes_give_no_numbers_under_xla():
    layer = NRAM(2, num_steps=2, gates=["READ", "WRITE"])
    run = tf.function(layer, jit_compile=True)
    assert np.all(np.isnan(run(tf.constant([[1, 3, 0]]))))
    assert np.all(np.isfinite(run(tf.constant([[1, 2, 0]]))))
    result = tf.function(layer.run_integers, jit_compile=True)(tf.constant([[1, 3, 0]]))
    assert all(np.all(x == -1) for x in result.values())


@pytest.mark.parametrize(
    ("num_steps", "message"),
    [
        (None, "needs `num_steps`"),
        (0, "`num_steps` must be an integer of at least 1"),
        (2.5, "`num_steps` must be an integer of at least 1"),
        (np.array([2, 0]), "`num_steps` must be at least 1"),
        (np.array([2.0, 1.0]), "integers of shape \\(batch,\\). Received: float"),
        (np.array([[2], [1]]), "Received: int64 of shape \\(2, 1\\)"),
        (np.array([2, 1, 3]), "of shape \\(3,\\), with a batch of 2"),
    ],
)
def test_wrong_numbers_of_steps_are_refused(num_steps, message):
    layer = NRAM(2)
    for function in (layer, layer.trace, layer.run_integers):
        with pytest.raises(ValueError, match=message):
            function(np.zeros((2, 4), int), num_steps=num_steps)


def test_wrong_numbers_of_steps_are_refused_inside_a_graph():
    layer = NRAM(2, gates=["READ", "WRITE"])
    tape = tf.constant([[1, 2, 0]])
    for function in (layer, layer.run_integers):
        with pytest.raises(tf.errors.InvalidArgumentError, match="must be at least 1"):
            tf.function(function)(tape, num_steps=tf.constant(0))


@pytest.mark.parametrize("value", ["much", True, float("nan"), float("-inf")])
@pytest.mark.parametrize("name", ["entropy_weight", "stop_bias"])
def test_weights_and_biases_are_finite_numbers(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be a finite number"):
        NRAM(2, **{name: value})


def test_every_tape_needs_registers():
    layer = NRAM(2)
    with pytest.raises(ValueError, match=r"3 tapes and registers of shape \(2, 2\)"):
        layer.step_integers(np.zeros((3, 4), int), np.zeros((2, 2), int))
    with pytest.raises(
        ValueError, match=r"integers of shape \(batch, 2\). Received: int64"
    ):
        layer.step_integers(np.zeros((3, 4), int), np.zeros((3, 1), int))
    with pytest.raises(ValueError, match=r"from 0 to 3. Received: integers from 0 to 4"):
        layer.step_integers(np.zeros((1, 4), int), np.array([[0, 4]]))
    layer = NRAM(2, controller=keras.layers.LSTMCell(3))
    with pytest.raises(ValueError, match=r"list of 2 tensors.*Received: 0 tensors"):
        layer.step_integers(np.zeros((1, 4), int), np.zeros((1, 2), int))
