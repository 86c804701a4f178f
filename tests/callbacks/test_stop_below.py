"""Training stops when all monitored numbers are small."""

import keras
import numpy as np
import pytest

from keras_nm.training import StopBelow


@pytest.mark.parametrize(
    ("logs", "stops"),
    [
        ({"a": 0.1, "b": 0.1, "loss": 9.0}, True),
        ({"a": 0.1, "b": 0.6}, False),
        ({"a": 0.6, "b": 0.1}, False),
        ({"a": 0.1, "b": 0.5}, False),
        ({"a": 0.1, "b": float("nan")}, False),
        ({"a": np.array([0.1, 0.2]), "b": 0.1}, True),
        ({"a": np.array([0.1, 0.6]), "b": 0.1}, False),
    ],
)
def test_all_must_be_below(logs, stops):
    callback = StopBelow(["a", "b"], threshold=0.5)
    model = keras.Sequential()
    model.stop_training = False
    callback.set_model(model)
    callback.on_epoch_end(0, logs)
    assert model.stop_training == stops


def test_epochs_without_validation_are_skipped():
    callback = StopBelow(["val_a"], threshold=0.5)
    model = keras.Sequential()
    model.stop_training = False
    callback.set_model(model)
    callback.on_epoch_end(0, {"loss": 0.1})
    assert not model.stop_training
    callback.on_epoch_end(1, {"loss": 0.1, "val_a": 0.1})
    assert model.stop_training
    for logs in ({"val_loss": 0.1}, {"val_loss": 0.1, "loss": 0.1}):
        with pytest.raises(ValueError, match=r"among the logs: 'val_loss'.*\['val_a'\]"):
            callback.on_epoch_end(2, logs)
    with pytest.raises(ValueError, match=r"among the logs: 'loss'.*\['accuracy'\]"):
        StopBelow(["accuracy"], 0.5).on_epoch_end(0, {"loss": 0.1})


class Measures(keras.callbacks.Callback):
    """Logs a measure after every epoch, as `LayerMeasures` does."""

    def on_epoch_end(self, epoch, logs=None):
        logs["val_measure"] = 0.1


def test_measures_in_every_epoch_are_no_validation():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"], jit_compile=False)
    data = np.ones((2, 1)), np.ones((2, 1))
    callbacks = [Measures(), StopBelow(["val_mae", "val_measure"], threshold=np.inf)]
    history = model.fit(
        *data,
        validation_data=data,
        validation_freq=2,
        epochs=4,
        callbacks=callbacks,
        verbose=0,
    )
    assert history.epoch == [0, 1]


@pytest.mark.parametrize("monitors", [[], "val_loss"])
def test_something_must_be_monitored(monitors):
    with pytest.raises(ValueError, match="`monitors` must be a list of keys"):
        StopBelow(monitors, 0.5)
