"""Recipes that are trained at once, for tests of all that is done with runs."""

import dataclasses
import shutil

import keras
import pytest

from keras_nm.recipes.parts import LSTM_CONTROLLER, layer_of_keras, layer_of_ours
from keras_nm.training import RECIPES, train

# A resumed run, and processes that train together, must draw the noise as one run does.
NOISE = layer_of_keras("GaussianNoise", stddev=0.2)
NOISY_CONTROLLER = layer_of_ours(
    "ChainedCell",
    layers=[LSTM_CONTROLLER, NOISE],
)


def changed(recipe, layer, **changes):
    """A recipe with other arguments of its layer, and other settings.

    Without XLA, whose compilation takes longer than so little training.
    """
    config = {**recipe.layer["config"], **layer}
    layer = {**recipe.layer, "config": config}
    settings = {"memory_size": None, "stop_below": 0.0, "jit_compile": False, **changes}
    return dataclasses.replace(recipe, layer=layer, **settings)


COPY = changed(
    RECIPES["ntm/copy"]["ntm-feedforward"],
    layer={"memory_shape": [24, 4]},
    task_options={"max_length": 3, "num_bits": 3},
    batch_size=8,
    steps_per_epoch=1,
    epochs=14,
)
# To most tests it does not matter which machine is trained, and this one is trained
# soonest. A resumed run must continue the random numbers of its noise.
BASELINE = dataclasses.replace(
    COPY,
    layer=layer_of_keras(
        "RNN",
        cell=layer_of_ours(
            "ChainedCell",
            layers=[layer_of_keras("SimpleRNNCell", units=7), NOISE],
        ),
    ),
    task_options={"max_length": 2, "num_bits": 3},
    steps_per_epoch=3,
    epochs=4,
)
ACCESS = changed(
    RECIPES["nram/access"]["nram"],
    layer={
        "num_registers": 2,
        "num_steps": 3,
        "gates": ["READ", "ZERO", "MAX", "WRITE"],
    },
    batch_size=4,
    steps_per_epoch=1,
    epochs=2,
)


def train_and_copy(recipe, directory, epochs, seed=0):
    """Trains, and copies the directory after some epochs: a run that was killed then."""
    killed = directory.with_name(f"{directory.name}-killed")

    class Copy(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch + 1 == epochs:
                shutil.copytree(directory, killed)

    fit = keras.Model.fit

    def copying_fit(model, *args, callbacks, **kwargs):
        return fit(model, *args, callbacks=[*callbacks, Copy()], **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "fit", copying_fit)
        run = train(recipe, directory, seed=seed, verbose=0)
    return run, killed
