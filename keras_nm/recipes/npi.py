"""Recipes for the tasks of the Neural Programmer-Interpreter."""

from keras_nm.recipes.parts import falling, layer_of_ours
from keras_nm.runs.recipe import Recipe

# Much smaller than the paper's two layers of 256, and enough.
_NPI = layer_of_ours(
    "NPI",
    controller={
        "module": "keras.layers",
        "class_name": "LSTMCell",
        "config": {"units": 64},
    },
)


def _recipes(task, *, max_length, steps):
    common = {
        "task": f"npi/{task}",
        "layer": _NPI,
        "optimizer": {
            "class_name": "Adam",
            "config": {"learning_rate": falling(5e-3, steps), "global_clipnorm": 1.0},
        },
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
        description="The same machine, which learns programs with loops instead.",
        task_options={"max_length": max_length, "recursive": False},
        **common,
    )


NPI_RECIPES = (
    *_recipes("addition", max_length=3, steps=4000),
    *_recipes("bubble_sort", max_length=4, steps=4000),
)
