"""Shows a run in TensorBoard."""

import dataclasses
import importlib.util

import keras
from tensorboard.plugins.hparams import api as hparams

from keras_nm.callbacks.probe import Probe


def tensorboard_callbacks(log_dir, recipe, seed, examples, every):
    """Makes the callbacks that show a run in TensorBoard.

    Args:
        log_dir: `pathlib.Path`.
        recipe: A `Recipe`.
        seed: Integer.
        examples: A batch to look at.
        every: Positive integer, the number of epochs from one look to the next.

    Returns:
        A list of `keras.callbacks.Callback`.
    """
    callbacks = [
        keras.callbacks.TensorBoard(log_dir),
        hparams.KerasCallback(str(log_dir), {**_settings(recipe), "seed": seed}),
    ]
    if recipe.machine.look is not None:
        pictures = importlib.util.find_spec("matplotlib") is not None
        activation = recipe.spec.activation
        callbacks.append(Probe(log_dir, examples, every, pictures, activation))
    return callbacks


def _settings(recipe):
    """Returns a recipe as numbers and strings, by names like `optimizer.learning_rate`."""
    settings = {}

    def add(name, value):
        if isinstance(value, dict):
            for key, part in value.items():
                if key not in ("module", "registered_name"):
                    # Keras's configurations have their arguments in `config`.
                    add(name if key == "config" else f"{name}.{key}".lstrip("."), part)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for index, part in enumerate(value):
                add(f"{name}.{index}", part)
        elif isinstance(value, bool | int | float | str):
            settings[name] = value
        elif value is not None:
            settings[name] = str(value)

    add("", dataclasses.asdict(recipe))
    return settings
