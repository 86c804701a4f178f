"""Every machine learns, and training itself changes no output."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from machine_cases import (
    BATCH,
    CASES,
    ONE_PER_MACHINE,
    SIZE,
    assert_close,
    each_machine,
    each_machine_with_a_cell,
    each_sequence_machine,
    model_of,
    once_per_kind,
    with_cases,
)


@each_machine
def test_training_without_dropout_gives_the_same_outputs(case, inputs):
    layer = case.make()
    assert_close(layer(inputs, training=True), layer(inputs, training=False))


@each_machine_with_a_cell
def test_the_gradient_of_training_equals_the_automatic_one(case, inputs):
    """Layers differentiate themselves by hand only where `training` is true."""
    layer = case.make(**case.exact_gradients)
    shape = layer(inputs).shape
    factors = np.random.default_rng(0).normal(size=shape).astype("float32")

    def gradients(training):
        with tf.GradientTape() as tape:
            outputs = case.answer(layer(inputs, training=training))
            loss = tf.reduce_sum(outputs * factors[..., : outputs.shape[-1]])
        return tape.gradient(loss, [weight.value for weight in layer.trainable_weights])

    by_hand, automatic = gradients(True), gradients(False)
    scales = [np.max(np.abs(gradient)) for gradient in automatic]
    assert np.count_nonzero(scales) > len(scales) / 2  # not all, if choices are discrete
    pairs = zip(by_hand, automatic, strict=True)
    for weight, scale, pair in zip(layer.trainable_weights, scales, pairs, strict=True):
        np.testing.assert_allclose(*pair, atol=1e-4 * scale, err_msg=weight.path)


def losses_of_fit(case, inputs, jit_compile):
    layer, targets, loss = case.learning_task(inputs)
    model = model_of(layer, case.symbolic_inputs())
    model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=jit_compile)
    model.optimizer.build(model.trainable_variables)  # or the step is traced twice
    # Few epochs of the same batch ten times, because it takes long to begin an epoch.
    repeated = [np.concatenate([x] * 10) for x in (inputs, targets)]
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0}
    return model.fit(*repeated, epochs=4, **options).history["loss"]


@once_per_kind(ONE_PER_MACHINE)
def test_fit_learns_a_batch_with_xla(case, inputs):
    losses = losses_of_fit(case, inputs, jit_compile=True)
    assert losses[-1] < 0.5 * losses[0]


# The machines that learn with XLA do it without, too.
WITHOUT_XLA = ["dense_ntm", "replicated_nram"]
TRIED = {*WITHOUT_XLA, *ONE_PER_MACHINE}


@with_cases(
    WITHOUT_XLA,
    slow=[n for n, case in CASES.items() if case.learns and n not in TRIED],
)
def test_fit_learns_a_batch_without_xla(case, inputs):
    losses = losses_of_fit(case, inputs, jit_compile=False)
    assert losses[-1] < 0.5 * losses[0]


@each_sequence_machine
def test_losses_of_a_controller_count(case, inputs):
    def controller():
        return keras.layers.Dense(8, activity_regularizer=keras.regularizers.L2(0.5))

    layer = case.make(controller=controller(), unroll=True)
    layer(inputs)
    losses = layer.losses
    assert len(losses) == SIZE
    rnn = keras.layers.RNN(layer.cell, unroll=True)
    rnn(inputs)
    np.testing.assert_allclose(losses, rnn.losses, rtol=1e-5)
    with pytest.raises(ValueError, match=r"inside a loop cannot add a loss.*unroll=True"):
        case.make(controller=controller())(inputs)


@each_sequence_machine
def test_losses_of_a_layer_reach_the_model(case, inputs):
    layer = case.make(activity_regularizer=keras.regularizers.L2(0.5))
    outputs = layer(inputs)
    expected = 0.5 * np.sum(np.square(outputs)) / BATCH
    np.testing.assert_allclose(layer.losses, [expected], rtol=1e-5)
    assert case.make(activity_regularizer="l2").get_config()["activity_regularizer"]
