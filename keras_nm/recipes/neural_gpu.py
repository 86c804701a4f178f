"""Recipes of the Neural GPU, in the form of Freivalds and Liepins (2017)."""

from keras_nm.recipes.parts import falling, layer_of_ours
from keras_nm.runs.recipe import Recipe

_EPOCHS = 50


def _diagonal(task, learning_rate, buckets, **layer_options):
    """Returns a recipe in the manner of the paper.

    The lengths are the shorter ones of the paper's, which go on to 41. The paper trains on
    one batch of each in every step, and here steps take them in turn.

    The learning rate falls linearly, and not whenever progress stops. In the paper it
    begins at 0.48 / maps, and `beta_2` rises from the value here. For addition the paper
    has 48 maps and a dropout of 0.5.
    """
    steps_per_epoch = 30 * len(buckets)
    rate = falling(learning_rate, _EPOCHS * steps_per_epoch)
    return Recipe(
        name="neural-gpu",
        description="A Neural GPU of 96 maps in the diagonal form.",
        task=f"neural_gpu/{task}",
        layer=layer_of_ours(
            "NeuralGPU",
            num_maps=96,
            saturation_weight=1e-3,
            **layer_options,
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
    _diagonal(
        "binary_addition",
        # A higher rate, few lengths in a step and more dropout make more machines carry to
        # longer sums. Training on longer sums takes longer, and they carry no further.
        learning_rate=0.01,
        dropout=0.3,
        kernel_initializer="orthogonal",
        buckets=[8, 12, 16, 20],
    ),
    _diagonal(
        "binary_multiplication",
        learning_rate=0.005,
        dropout=0.1,
        buckets=[8, 12, 16, 20, 25, 28],
    ),
)
