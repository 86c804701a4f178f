"""The schedules of a `NeuralGPU`: of its saturation weight, and of its pull."""

import keras
import numpy as np
import pytest

from keras_nm.layers import NeuralGPU
from keras_nm.training import PullSchedule, SaturationSchedule


def compiled(layer):
    tokens = keras.Input((3,), dtype="int32")
    model = keras.Model(tokens, layer(tokens))
    model.compile(keras.optimizers.SGD(0.01))
    return model


def test_saturation_cost_is_kept_at_the_loss_times_the_learning_rate():
    layer = NeuralGPU(2, 3, 4, saturation_weight=1e-3)
    schedule = SaturationSchedule(layer)
    schedule.set_model(compiled(layer))
    # Weighted, the cost of 20 shall be 0.01 of the loss; without a cost, the weight is the
    # initial one.
    for cost, loss, weight in ((20, 0.5, 2.5e-4), (20, 3, 1e-3), (0, 0.5, 1e-3), (5, 0, 0)):
        layer.saturation_cost.assign(cost)
        logs = {"loss": loss}
        schedule.on_epoch_end(0, logs)
        np.testing.assert_allclose(layer.saturation_weight, weight, rtol=1e-6)
        np.testing.assert_allclose(logs["saturation_weight"], weight, rtol=1e-6)
    with pytest.raises(ValueError, match="give it a `saturation_weight`"):
        SaturationSchedule(NeuralGPU(2))


@pytest.mark.parametrize("schedule", [SaturationSchedule, PullSchedule])
def test_schedules_take_a_neural_gpu(schedule):
    with pytest.raises(ValueError, match=r"takes a NeuralGPU layer .* Received: <LSTM"):
        schedule(keras.layers.LSTM(2))


def test_pull_rises_with_the_level_until_the_sets_are_merged():
    layer = NeuralGPU(2, 3, 4, num_weight_sets=2, pull=0.25)
    compiled(layer)
    schedule = PullSchedule(layer, first_level=3, factor=2, merge_at=1)
    kernel = next(w for w in layer.weights if "reset_kernel" in w.path)
    for level, pull, are_equal in ((3, 0.25, False), (4, 0.5, False), (6, 2, True)):
        logs = {"level": level}
        schedule.on_epoch_end(0, logs)
        assert logs["pull"] == layer.pull.numpy() == pull
        assert np.array_equal(kernel[0], kernel[1]) == are_equal
    with pytest.raises(ValueError, match="must come before it"):
        schedule.on_epoch_end(0, {"loss": 1.0})
    with pytest.raises(ValueError, match="give it `num_weight_sets` and `pull`"):
        PullSchedule(NeuralGPU(2))
    for options in ({"first_level": 0}, {"factor": 0}, {"merge_at": 0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            PullSchedule(layer, **options)
