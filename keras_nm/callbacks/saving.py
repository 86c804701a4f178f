"""Saves models so that training can resume from them, random numbers included."""

import contextlib
import json
import zipfile
from pathlib import Path

import keras

from keras_nm.files import completed

_RANDOM_STATE_FILE = "random_state.json"
_EPOCHS_FILE = "epochs.json"


class SaveModel(keras.callbacks.Callback):
    """Saves the whole model after every epoch, so that training can resume from it.

    The file is complete at any moment: the callback writes another file beside it and then
    moves that into place. It also holds the optimizer's state, and what Keras does not
    save: the number of complete epochs, which tells which batch is next, and the state of
    random layers.

    Args:
        path: Path ending in `.keras`.
        curriculum: A `Curriculum` whose level to save as well. In the list of callbacks,
            put it before this one.

    Raises:
        ValueError: For a path that does not end in `.keras`, and at the end of an epoch if
            the curriculum comes after this callback.
    """

    def __init__(self, path, curriculum=None):
        super().__init__()
        self.path = Path(path)
        if self.path.suffix != ".keras":
            raise ValueError(
                f"`path` must end in .keras, such as model.keras. Received: path={path!r}"
            )
        self.curriculum = curriculum

    def on_epoch_end(self, epoch, logs=None):
        if self.curriculum is not None and "level" not in logs:
            raise ValueError("In the list of callbacks, SaveModel must follow Curriculum")
        self._save(epoch + 1)

    def on_train_end(self, logs=None):
        # At the end of `fit`, Keras puts the averages in place of the weights.
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        if optimizer.use_ema and self.path.exists():
            self._save(completed_epochs(self.path))

    def _save(self, epochs):
        with completed(self.path) as partial:
            with _undistributed():
                self.model.save(partial)
            values = [state.numpy().tolist() for state in _random_states(self.model)]
            with zipfile.ZipFile(partial, "a") as file:
                file.writestr(_RANDOM_STATE_FILE, json.dumps(values))
            add_epochs(partial, epochs)
            if self.curriculum is not None:
                self.curriculum.add_to(partial)


@contextlib.contextmanager
def _undistributed():
    """Lets one process of several save a model on its own.

    Keras makes variables while it saves, and distributed variables wait for all processes.
    """
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def add_epochs(path, epochs):
    """Adds the number of complete epochs to a file that `keras.Model.save` made.

    Args:
        path: Path of a `.keras` file.
        epochs: Non-negative integer.
    """
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(_EPOCHS_FILE, json.dumps(epochs))


def completed_epochs(path):
    """Returns the number of epochs after which a model was saved.

    Args:
        path: Path of a `.keras` file.

    Returns:
        An integer, or `None` if the file is by an earlier version, which did not keep it.
    """
    with zipfile.ZipFile(path) as file:
        if _EPOCHS_FILE not in file.namelist():
            return None
        return json.loads(file.read(_EPOCHS_FILE))


def restore_random_state(model, path):
    """Restores the random numbers of dropout and noise from where training was saved.

    Args:
        model: The `keras.Model` that was loaded from the file.
        path: Path of a `.keras` file that `SaveModel` made.
    """
    with zipfile.ZipFile(path) as file:
        if _RANDOM_STATE_FILE not in file.namelist():  # saved by an earlier version
            return
        values = json.loads(file.read(_RANDOM_STATE_FILE))
    for state, value in zip(_random_states(model), values, strict=True):
        state.assign(value)


def _random_states(model):
    # Besides its weights, a model's variables include the states of random generators.
    saved = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in saved]
