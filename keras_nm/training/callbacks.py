"""Callbacks for `model.fit` that Keras does not have."""

import os
from pathlib import Path

import keras


class SaveModel(keras.callbacks.Callback):
    """Saves the whole model after every epoch, so that training can resume from it.

    The file is complete at any moment: it is written beside and moved into place. It
    holds the optimizer's state as well, whose `iterations` says which batch is next.

    Args:
        path: Path ending in `.keras`.
        curriculum: A `Curriculum`, to save its level as well. It comes before this one in
            the list of callbacks.

    Raises:
        ValueError: At the end of an epoch, if the curriculum comes later.
    """

    def __init__(self, path, curriculum=None):
        super().__init__()
        self.path = Path(path)
        self.curriculum = curriculum

    def on_epoch_end(self, epoch, logs=None):
        if self.curriculum is not None and "level" not in logs:
            raise ValueError("In the list of callbacks, SaveModel must follow Curriculum")
        partial = self.path.with_name(f"partial-{self.path.name}")
        self.model.save(partial)
        if self.curriculum is not None:
            self.curriculum.add_to(partial)
        os.replace(partial, self.path)


class StopBelow(keras.callbacks.Callback):
    """Stops training when a monitored number falls below a threshold.

    Args:
        monitor: String, a key of the epoch's logs.
        threshold: Float.
    """

    def __init__(self, monitor, threshold):
        super().__init__()
        self.monitor = monitor
        self.threshold = threshold

    def on_epoch_end(self, epoch, logs=None):
        if logs[self.monitor] < self.threshold:
            self.model.stop_training = True
