"""Recipes that are trained at once, for tests of all that is done with runs."""

import dataclasses

from keras_nm.recipes.parts import LSTM_CONTROLLER, layer_of_ours
from keras_nm.training import RECIPES

# A resumed run, and processes that train together, must draw the noise as one run does.
NOISY_CONTROLLER = layer_of_ours(
    "ChainedCell",
    layers=[
        LSTM_CONTROLLER,
        {
            "module": "keras.layers",
            "class_name": "GaussianNoise",
            "config": {"stddev": 0.2},
        },
    ],
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
