"""Recipes of the Neural GPU, in the form of Freivalds and Liepins (2017)."""

from keras_nm.recipes.parts import falling, layer_of_ours
from keras_nm.runs.recipe import Recipe

# Each training step has examples of one of the paper's buckets of lengths.
_BUCKETS = [8, 12, 16, 20, 25, 28, 31, 36, 41]


def _diagonal(task, *, num_maps, dropout, steps, task_options=None):
    return Recipe(
        name="neural-gpu",
        description=f"A Neural GPU of {num_maps} maps in the diagonal form.",
        task=f"neural_gpu/{task}",
        layer=layer_of_ours(
            "NeuralGPU", num_maps=num_maps, dropout=dropout, saturation_weight=1e-3
        ),
        optimizer={
            "module": "keras_nm.training",
            "class_name": "ClippedAdamax",
            "registered_name": "keras_nm>ClippedAdamax",
            "config": {"learning_rate": falling(0.48 / num_maps, steps), "beta_2": 0.99},
        },
        batch_size=32,
        steps_per_epoch=9 * 20,
        epochs=steps // (9 * 20),
        stop_below=0.0,
        task_options={"max_length": 41, "buckets": _BUCKETS, **(task_options or {})},
        callbacks={"saturation_schedule": {}},
    )


NEURAL_GPU_RECIPES = (
    _diagonal("binary_addition", num_maps=48, dropout=0.5, steps=9 * 20 * 50),
)
