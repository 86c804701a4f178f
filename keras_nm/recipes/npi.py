"""Recipes for the tasks of the Neural Programmer-Interpreter."""

from keras_nm.recipes.parts import clipped_adam, layer_of_keras, layer_of_ours
from keras_nm.runs.recipe import Recipe


def _recipes(task, *, max_length, encoder_units, learning_rate, steps):
    """Yields the same training with recursive programs and with loops.

    The machine is much smaller than the paper's two layers of 256 units, and enough.
    """
    common = {
        "task": f"npi/{task}",
        "layer": layer_of_ours(
            "NPI",
            controller=layer_of_keras("LSTMCell", units=64),
            encoder_units=[encoder_units],
        ),
        "optimizer": clipped_adam(learning_rate, steps),
        "batch_size": 32,
        "steps_per_epoch": 250,
        "epochs": steps // 250,
        "stop_below": 0.0,
    }
    yield Recipe(
        name="npi",
        description="A Neural Programmer-Interpreter that learns recursive programs.",
        task_options={"max_length": max_length},
        **common,
    )
    yield Recipe(
        name="npi-loops",
        description="A Neural Programmer-Interpreter that learns programs with loops.",
        task_options={"max_length": max_length, "recursive": False},
        **common,
    )


NPI_RECIPES = (
    # With half of the steps and a smaller encoder, verification found a few wrong calls.
    *_recipes("addition", max_length=3, encoder_units=128, learning_rate=1e-2, steps=8000),
    *_recipes(
        "bubble_sort", max_length=4, encoder_units=64, learning_rate=5e-3, steps=4000
    ),
)
