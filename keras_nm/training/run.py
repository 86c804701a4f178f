"""Training runs: a recipe and a seed become a directory that can be repeated."""

import copy
import dataclasses
import json
import platform
import time
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_nm import __version__
from keras_nm.layers import NTM
from keras_nm.tasks import TASKS, Task
from keras_nm.training.bits import (
    BitsPerSequence,
    BitsPerSequenceLoss,
    WrongBitsPerSequence,
)
from keras_nm.training.callbacks import SaveModel, StopBelow
from keras_nm.training.recipes import Recipe

_RECIPE_FILE = "recipe.json"
_MODEL_FILE = "model.keras"
_RESULT_FILE = "result.json"

# Batches between two returns to Python, where callbacks and the progress bar run.
_STEPS_PER_EXECUTION = 50

# The sequences that a model is measured on, at every length.
_BATCH_SIZE, _NUM_BATCHES = 64, 2


class RunError(ValueError):
    """A run directory that cannot be used as asked; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A trained model with what it was trained on.

    Args:
        recipe: The `Recipe`.
        seed: The seed.
        task: The recipe's task.
        model: The compiled `keras.Model`.
        result: Dict of `"solved"`, `"sequences"` and `"seconds"`; `None` while the run is
            unfinished.
    """

    recipe: Recipe
    seed: int
    task: Task
    model: keras.Model
    result: dict[str, Any] | None


def build_model(recipe):
    """Builds and compiles the model of a recipe, from the global random seed.

    Args:
        recipe: A `Recipe`.

    Returns:
        A compiled `keras.Model` from `(batch, timesteps, task.input_size)` to logits
        `(batch, timesteps, task.output_size)`.
    """
    task = TASKS[recipe.task](**recipe.task_options)
    # Keras changes the configurations that it builds from.
    layer, optimizer = copy.deepcopy((recipe.layer, recipe.optimizer))
    layer["config"] |= {
        "units": task.output_size,
        "return_sequences": True,
        "name": "memory",
    }
    layer = keras.layers.deserialize(layer)
    inputs = keras.Input((None, task.input_size), name="inputs")
    model = keras.Model(inputs, layer(inputs))
    model.compile(
        optimizer=keras.optimizers.deserialize(optimizer),
        loss=BitsPerSequenceLoss(),
        weighted_metrics=[BitsPerSequence(), WrongBitsPerSequence()],
        # Keras's own choice is no XLA on machines without a GPU: three times slower.
        jit_compile=True,
        steps_per_execution=min(_STEPS_PER_EXECUTION, recipe.steps_per_epoch),
    )
    return model


def train(recipe, directory, seed=0, resume=False, verbose="auto"):
    """Trains a model and leaves a run directory.

    The directory holds `recipe.json` (recipe, seed, versions), `model.keras` (the model
    and its optimizer after the last complete epoch), `curve.csv` and `tensorboard/`
    (the metrics of every epoch), and once training is over `result.json`.

    Args:
        recipe: A `Recipe`.
        directory: Path of a directory that does not exist or is empty, or that of an
            interrupted run with `resume`.
        seed: Non-negative integer. It decides the initial weights and the data.
        resume: Boolean. Continues an interrupted run of the same recipe and seed. On
            the same machine the weights become those of an uninterrupted run.
        verbose: As in `keras.Model.fit`.

    Returns:
        The finished `Run`.

    Raises:
        RunError: If the directory cannot be used as asked. Nothing is overwritten.
    """
    directory = Path(directory)
    if resume:
        run = load_run(directory)
        if run.recipe != recipe or run.seed != seed:
            raise RunError(
                f"{directory} holds a run of another recipe or seed (seed {run.seed}). "
                "Resume it with the same ones, or train into another directory"
            )
        if run.result is not None:
            raise RunError(f"The run in {directory} is finished: nothing to resume")
        task, model = run.task, run.model
    else:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise RunError(
                f"{directory} exists and is not empty. Choose another directory, or "
                "resume the run in it"
            )
        keras.utils.set_random_seed(seed)
        task = TASKS[recipe.task](**recipe.task_options)
        model = build_model(recipe)
        directory.mkdir(parents=True, exist_ok=True)
        model.save(directory / _MODEL_FILE)
        _write_json(
            directory / _RECIPE_FILE,
            {
                "recipe": dataclasses.asdict(recipe),
                "seed": seed,
                "versions": _versions(),
            },
        )

    validation = task.evaluation_set(task.max_length, split="validation")

    def is_solved():
        measured = model.evaluate(validation, verbose=0, return_dict=True)
        return measured["bits_per_sequence"] < recipe.stop_below

    started = time.monotonic()
    steps_done = int(model.optimizer.iterations)
    # An interruption may have come after the last epoch.
    if not (resume and is_solved()):
        model.fit(
            task.dataset(recipe.batch_size, seed, start=steps_done),
            steps_per_epoch=recipe.steps_per_epoch,
            initial_epoch=steps_done // recipe.steps_per_epoch,
            epochs=recipe.epochs,
            validation_data=validation,
            callbacks=[
                StopBelow("val_bits_per_sequence", recipe.stop_below),
                keras.callbacks.CSVLogger(directory / "curve.csv", append=resume),
                keras.callbacks.TensorBoard(directory / "tensorboard"),
                SaveModel(directory / _MODEL_FILE),
            ],
            shuffle=False,
            verbose=verbose,
        )
    result = {
        "solved": is_solved(),
        "sequences": int(model.optimizer.iterations) * recipe.batch_size,
        "seconds": round(time.monotonic() - started, 1),
    }
    _write_json(directory / _RESULT_FILE, result)
    return Run(recipe, seed, task, model, result)


def load_run(directory):
    """Loads a run directory, finished or not.

    Args:
        directory: Path.

    Returns:
        A `Run`.

    Raises:
        RunError: If there is no run, or a damaged one.
    """
    directory = Path(directory)
    if not (directory / _RECIPE_FILE).is_file():
        raise RunError(
            f"{directory} is not a run directory: it has no {_RECIPE_FILE}. Make one "
            "with `keras-nm train`"
        )
    try:
        description = json.loads((directory / _RECIPE_FILE).read_text())
        recipe = Recipe(**description["recipe"])
        task = TASKS[recipe.task](**recipe.task_options)
        model = keras.saving.load_model(directory / _MODEL_FILE)
        result_file = directory / _RESULT_FILE
        result = json.loads(result_file.read_text()) if result_file.exists() else None
    except Exception as error:
        raise RunError(
            f"The run in {directory} is damaged: {type(error).__name__}: {error}. "
            "Train it again into another directory"
        ) from error
    return Run(recipe, description["seed"], task, model, result)


def evaluate(run, length, num_locations=None):
    """Measures a model on sequences of one length that no training has seen.

    Args:
        run: A `Run`.
        length: Positive integer.
        num_locations: Optional positive integer: evaluates with the same weights on a
            memory of so many locations.

    Returns:
        A dict of `"bits_per_sequence"`, `"wrong_bits_per_sequence"` and `"sequences"`,
        the number of sequences.
    """
    model = run.model
    if num_locations is not None:
        model = _with_num_locations(model, num_locations)
    result = model.evaluate(
        run.task.evaluation_set(length, _BATCH_SIZE, _NUM_BATCHES),
        verbose=0,
        return_dict=True,
    )
    return {
        "bits_per_sequence": result["bits_per_sequence"],
        "wrong_bits_per_sequence": result["wrong_bits_per_sequence"],
        "sequences": _BATCH_SIZE * _NUM_BATCHES,
    }


def _with_num_locations(model, num_locations):
    def resize(layer):
        if isinstance(layer, NTM):
            return layer.with_num_locations(num_locations)
        return type(layer).from_config(layer.get_config())

    resized = keras.models.clone_model(model, clone_function=resize)
    resized.set_weights(model.get_weights())
    resized.compile_from_config(model.get_compile_config())
    return resized


def _versions():
    return {
        "keras_nm": __version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "python": platform.python_version(),
    }


def _write_json(path, content):
    path.write_text(json.dumps(content, indent=2) + "\n")
