"""A controller with dropout works in training, with new masks every time."""

import keras
import numpy as np
import pytest
from machine_cases import (
    ONE_PER_MACHINE,
    assert_close,
    model_of,
    once_per_kind,
    with_cases,
)

from keras_nm.layers import ChainedCell


def chain(dropout):
    """Dropout of both kinds: a layer, and masks that a cell keeps for all steps."""
    lstm = keras.layers.LSTMCell(8, dropout=dropout, recurrent_dropout=dropout)
    return ChainedCell([keras.layers.Dense(8), keras.layers.Dropout(dropout), lstm])


CONTROLLERS = {
    "lstm": lambda: keras.layers.LSTMCell(8, dropout=0.3, recurrent_dropout=0.2),
    "layer": lambda: ChainedCell(
        [keras.layers.Dense(8), keras.layers.Dropout(0.5), keras.layers.LSTMCell(8)]
    ),
}
# The toy machine keeps no states of its controller, and a Neural GPU has none.
WITH_RECURRENT_CONTROLLERS = [
    name for name in ONE_PER_MACHINE if name not in ("toy", "neural_gpu")
]


@with_cases(WITH_RECURRENT_CONTROLLERS)
@pytest.mark.parametrize("controller", CONTROLLERS)
def test_outputs_differ_in_training_only(case, inputs, controller):
    layer = case.make(controller=CONTROLLERS[controller]())
    first, second = (layer(inputs, training=True) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    assert_close(layer(inputs), layer(inputs))


@with_cases(WITH_RECURRENT_CONTROLLERS[:1])
def test_inference_changes_no_statistics(case, inputs):
    lstm = keras.layers.LSTMCell(8, dropout=0.2)
    chain = [keras.layers.Dense(8), keras.layers.BatchNormalization(), lstm]
    layer = case.make(controller=ChainedCell(chain))
    layer(inputs)
    before = layer.get_weights()
    layer(inputs)
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@with_cases(WITH_RECURRENT_CONTROLLERS)
def test_masks_are_drawn_before_the_loop_at_inference_too(case, inputs, monkeypatch):
    layer = case.make(controller=keras.layers.SimpleRNNCell(8, dropout=0.3))
    layer(inputs)
    loops, loop = [], keras.layers.RNN.inner_loop

    def counted(*arguments, **options):
        loops.append(arguments)
        return loop(*arguments, **options)

    # A draw inside a loop changes a state, and then the loop runs again.
    monkeypatch.setattr(keras.layers.RNN, "inner_loop", counted)
    layer(inputs)
    assert len(loops) == 1


@once_per_kind(WITH_RECURRENT_CONTROLLERS)
def test_fit_changes_every_weight(case, inputs):
    layer = case.make(controller=chain(0.2))
    model = model_of(layer, case.symbolic_inputs())
    weights = layer.get_weights()
    targets, loss = case.training_step(inputs, np.asarray(layer(inputs)))
    model.compile(keras.optimizers.SGD(1.0), loss, jit_compile=False)
    losses = model.fit(inputs, targets, epochs=2, verbose=0).history["loss"]
    assert np.all(np.isfinite(losses))
    for before, after in zip(weights, layer.get_weights(), strict=True):
        assert np.any(after != before)
