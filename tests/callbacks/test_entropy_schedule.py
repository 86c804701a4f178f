import keras
import numpy as np
import pytest

from keras_nm.layers import NRAM
from keras_nm.training import EntropySchedule


def test_entropy_schedule():
    layer = NRAM(2, num_steps=1, gates=["READ"], entropy_weight=-4.0, num_replicas=2)
    tape = keras.Input((3,), dtype="int32")
    model = keras.Model(tape, layer(tape))
    model.compile(keras.optimizers.SGD())
    schedule = EntropySchedule(layer, half_life=10, penalty=0.25, penalty_from=30)
    schedule.set_model(model)
    for steps, weight in ((0, -4), (10, -2), (25, -4 * 0.5**2.5), (30, 0.25), (99, 0.25)):
        model.optimizer.iterations.assign(steps)
        schedule.on_epoch_begin(0)
        np.testing.assert_allclose(layer.entropy_weight, [weight] * 2, rtol=1e-6)
    for wrong in (NRAM(2), keras.layers.LSTM(2)):
        with pytest.raises(ValueError, match="give it an `entropy_weight`"):
            EntropySchedule(wrong, half_life=10)
    for options in (
        {"half_life": 0},
        {"penalty_from": -1},
        {"penalty": 1},
    ):
        with pytest.raises(ValueError, match=next(iter(options))):
            EntropySchedule(layer, **{"half_life": 10, **options})
    with pytest.raises(ValueError, match="`penalty` must be a number of at least 0"):
        EntropySchedule(layer, half_life=10, penalty=-1)
