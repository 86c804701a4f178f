"""Stops training when a model is good enough."""

import keras
import numpy as np


class StopBelow(keras.callbacks.Callback):
    """Stops training when all monitored numbers are below a threshold.

    Args:
        monitors: List of strings, keys of the epoch's logs.
        threshold: Float.

    Raises:
        ValueError: If there is nothing to monitor; in training, for a key that is not in
            the logs. Epochs without validation are skipped if a key is of validation.
    """

    def __init__(self, monitors, threshold):
        super().__init__()
        if isinstance(monitors, str) or not monitors:
            raise ValueError(
                f"`monitors` must be a list of keys. Received: monitors={monitors!r}"
            )
        self.monitors = list(monitors)
        self.threshold = threshold

    def on_epoch_end(self, epoch, logs=None):
        missing = [monitor for monitor in self.monitors if monitor not in logs]
        # Keras logs it with every validation. `LayerMeasures` logs others in every epoch.
        is_validated = "val_loss" in logs
        if missing and not is_validated and all(x.startswith("val_") for x in missing):
            return
        if missing:
            raise ValueError(
                f"`monitors` must be among the logs: {', '.join(map(repr, logs))}. "
                f"Received: monitors={self.monitors}"
            )
        # Those of replicas are arrays.
        if all(np.all(logs[monitor] < self.threshold) for monitor in self.monitors):
            self.model.stop_training = True
