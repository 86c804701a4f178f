"""Trains one model on several processes, each with its share of every batch.

    export KERAS_DISTRIBUTION_JOB_ADDRESSES=127.0.0.1:8000
    export KERAS_DISTRIBUTION_NUM_PROCESSES=2
    export TRAIN="examples/train_on_several_processes.py ntm/copy copy.keras"
    KERAS_DISTRIBUTION_PROCESS_ID=0 python $TRAIN &
    KERAS_DISTRIBUTION_PROCESS_ID=1 python $TRAIN &
    wait

The processes may be on several machines. Without the variables, the same command trains in
one process, on all of its devices. The model is the same each time, up to rounding. Process
0 saves it after every epoch, and the same command goes on from there: the file must then be
where every process sees it. Recipes with a curriculum, with callbacks or with an early stop
look at the training while it runs, and cannot be trained so. Needs JAX: keras_nm[jax].
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras

from keras_nm.callbacks.saving import completed_epochs, restore_random_state
from keras_nm.training import RECIPES, SaveModel

VARIABLES = [
    "KERAS_DISTRIBUTION_JOB_ADDRESSES",
    "KERAS_DISTRIBUTION_NUM_PROCESSES",
    "KERAS_DISTRIBUTION_PROCESS_ID",
]


def distribute():
    """Joins the other processes, and shares batches among all devices from here on."""
    if keras.backend.backend() != "jax":
        raise ValueError(
            "Training on several processes needs the JAX backend: set KERAS_BACKEND=jax. "
            f"Received: {keras.backend.backend()}"
        )
    given = [name for name in VARIABLES if name in os.environ]
    if given == VARIABLES:
        keras.distribution.initialize()
    elif given:
        raise ValueError(
            f"Set all of {', '.join(VARIABLES)}, or none to train in one process. "
            f"Received: {', '.join(given)}"
        )
    # Keras gives each process its rows of every batch. The batch is padded as a whole, so
    # all processes have sequences of one length.
    keras.distribution.set_distribution(keras.distribution.DataParallel())


def train(recipe, path, seed=0):
    """Trains a recipe, from its file if there is one, and returns the model."""
    import jax  # only now, so that a wrong backend gives the error above

    ends_early = recipe.give_up or recipe.stop_below > 0
    if recipe.curriculum or recipe.callbacks or ends_early:
        raise ValueError(
            "Choose a recipe without a curriculum, callbacks or an early stop. "
            f"Received: a recipe of {recipe.task}"
        )
    is_first = jax.process_index() == 0
    if recipe.batch_size % jax.device_count():
        raise ValueError(
            "The batch must be a multiple of the devices of all processes. Received: "
            f"batch_size={recipe.batch_size}, devices={jax.device_count()}"
        )

    # Every process draws the same weights and noise.
    keras.utils.set_random_seed(seed)
    if path.exists():
        model = keras.saving.load_model(path)
        restore_random_state(model, path)
        epochs_done = completed_epochs(path)
    else:
        model = recipe.build()
        epochs_done = 0
    start = epochs_done * recipe.steps_per_epoch

    model.fit(
        recipe.made_task.dataset(recipe.batch_size, seed=seed, start=start),
        steps_per_epoch=recipe.steps_per_epoch,
        initial_epoch=epochs_done,
        epochs=recipe.epochs,
        # A file has one writer.
        callbacks=[SaveModel(path)] if is_first else [],
        shuffle=False,
        verbose=2 if is_first else 0,
    )
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=sorted(RECIPES))
    parser.add_argument("model", type=Path)
    options = parser.parse_args()
    distribute()
    train(next(iter(RECIPES[options.task].values())), options.model)


if __name__ == "__main__":
    main()
