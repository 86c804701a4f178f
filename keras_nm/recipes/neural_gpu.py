"""Recipes of the Neural GPU, in the form of Freivalds and Liepins (2017)."""

from keras_nm.recipes.parts import falling, layer_of_ours
from keras_nm.runs.recipe import Recipe

_EPOCHS = 50


def _diagonal(task, num_maps, buckets):
    """Returns a recipe with the paper's numbers, but for the lengths and the budget.

    The lengths are the shorter ones of the paper's, which go on to 41. The paper trains on
    one batch of each in every step, and here steps take them in turn.

    The learning rate falls linearly, and not whenever progress stops. `beta_2` stays at the
    value from which it rises in the paper. For addition the paper has a dropout of 0.5,
    with which learning takes four times as long.
    """
    steps_per_epoch = 30 * len(buckets)
    rate = falling(0.48 / num_maps, _EPOCHS * steps_per_epoch)
    return Recipe(
        name="neural-gpu",
        description=f"A Neural GPU of {num_maps} maps in the diagonal form.",
        task=f"neural_gpu/{task}",
        layer=layer_of_ours(
            "NeuralGPU", num_maps=num_maps, dropout=0.1, saturation_weight=1e-3
        ),
        optimizer={
            "module": "keras_nm.training",
            "class_name": "ClippedAdamax",
            "registered_name": "keras_nm>ClippedAdamax",
            "config": {"learning_rate": rate, "beta_2": 0.99},
        },
        batch_size=32,
        steps_per_epoch=steps_per_epoch,
        epochs=_EPOCHS,
        stop_below=0.0,
        task_options={"max_length": buckets[-1] - 1, "buckets": buckets},
        callbacks={"saturation_schedule": {}},
    )


NEURAL_GPU_RECIPES = (
    # Training on longer sums takes longer, and machines carry no further.
    _diagonal("binary_addition", num_maps=48, buckets=[8, 12, 16, 20]),
    _diagonal("binary_multiplication", num_maps=96, buckets=[8, 12, 16, 20, 25, 28]),
)
