"""Stops training when a model is good enough."""

import keras


class StopBelow(keras.callbacks.Callback):
    """Stops training when all monitored numbers are below a threshold.

    Args:
        monitors: List of strings, keys of the epoch's logs.
        threshold: Float.

    Raises:
        ValueError: If there is nothing to monitor.
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
        if all(logs[monitor] < self.threshold for monitor in self.monitors):
            self.model.stop_training = True
