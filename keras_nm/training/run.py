"""Training runs: a recipe and a seed become a directory that can be repeated."""

import copy
import csv
import dataclasses
import json
import math
import shutil
import zipfile
from pathlib import Path
from typing import Any

import keras

from keras_nm.arguments import check_choice, check_integer
from keras_nm.files import locked, write_text
from keras_nm.layers import NRAM, NTM
from keras_nm.tasks import TASKS, Task
from keras_nm.tasks.nram.tape_task import TapeTask
from keras_nm.tasks.ntm import SequenceTask
from keras_nm.training.callbacks import (
    DiscreteError,
    EntropySchedule,
    GradientNorm,
    SaveModel,
    StopBelow,
    restore_random_state,
)
from keras_nm.training.curriculum import Curriculum
from keras_nm.training.evaluation import measure
from keras_nm.training.recipes import Recipe
from keras_nm.training.tapes import DiscreteMachine
from keras_nm.training.tensorboard import tensorboard_callbacks
from keras_nm.versions import current_versions

_RECIPE_FILE = "recipe.json"
_MODEL_FILE = "model.keras"
_CURVE_FILE = "curve.csv"
_RESULT_FILE = "result.json"
_CHECKPOINTS = "checkpoints"
_TENSORBOARD = "tensorboard"

# Batches between two returns to Python, where callbacks and the progress bar run.
_STEPS_PER_EXECUTION = 50

# How often weights are kept, and looks taken at what the machine does, if a run takes all
# of its epochs.
_NUM_CHECKPOINTS, _NUM_PROBES = 12, 5


class RunError(ValueError):
    """A run directory that cannot be used as asked; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A trained model with what it was trained on.

    Args:
        directory: `pathlib.Path`, where it is.
        recipe: The `Recipe`.
        seed: The seed.
        versions: Dict of what it was trained with: versions of packages, and the commit of
            keras_nm, or `None` if that is not a checkout.
        model: The compiled `keras.Model`, after the last complete epoch, on the recipe's
            `num_locations`.
        result: Dict of `"examples"`, how many it was trained on, and the task's metrics
            on the validation set, such as `"bits_per_sequence"`, and of tapes also
            `"discrete_wrong_cells"`; `None` while unfinished.
    """

    directory: Path
    recipe: Recipe
    seed: int
    versions: dict[str, Any]
    model: keras.Model
    result: dict[str, Any] | None

    @property
    def task(self) -> Task:
        """The recipe's task."""
        return task_of(self.recipe)

    @property
    def metrics(self) -> list[str]:
        """The names of the task's metrics. The first is what training brings down."""
        return metrics_of(self.recipe)

    def curve(self, name: str) -> tuple[list[int], list[float]]:
        """The learning curve.

        Args:
            name: What of it, such as `"bits_per_sequence"`, which was measured in
                training, or `"val_bits_per_sequence"`, on the validation set.

        Returns:
            The numbers of examples trained on at the end of each epoch, and the values.

        Raises:
            RunError: If there is no such curve.
        """
        path = self.directory / _CURVE_FILE
        try:
            with path.open(newline="") as file:
                rows = list(csv.DictReader(file))
            epochs = [int(row["epoch"]) + 1 for row in rows]
            values = [float(row[name]) for row in rows]
        except (OSError, KeyError, ValueError) as error:
            raise RunError(
                f"{path} does not have the curve {name!r} ({type(error).__name__}: {error})"
            ) from error
        return [self._examples_of(epoch) for epoch in epochs], values

    def checkpoints(self) -> dict[int, Path]:
        """The weights that were kept: from the number of examples trained on to a file."""
        files = sorted((self.directory / _CHECKPOINTS).glob("*.weights.h5"))
        return {self._examples_of(int(file.name.split(".")[0])): file for file in files}

    @property
    def num_examples(self) -> int:
        """The number of examples that the model was trained on."""
        return int(self.model.optimizer.iterations) * self.recipe.batch_size

    def _examples_of(self, epochs):
        return epochs * self.recipe.steps_per_epoch * self.recipe.batch_size

    def with_num_locations(self, num_locations):
        """Gives the run with the same weights on another size of memory.

        Args:
            num_locations: Positive integer.

        Returns:
            A `Run`.

        Raises:
            ValueError: If the weights depend on the number of locations, and if the model
                has no such memory.
        """
        machine = _with_num_locations(self.model.get_layer("machine"), num_locations)

        def resize(layer):
            if layer.name == machine.name:
                return machine
            return type(layer).from_config(layer.get_config())

        model = keras.models.clone_model(self.model, clone_function=resize)
        model.set_weights(self.model.get_weights())
        model.compile_from_config(self.model.get_compile_config())
        # Of the weights, so that it is the same on any memory.
        model.optimizer.build(model.trainable_variables)
        old, new = self.model.optimizer.variables, model.optimizer.variables
        for variable, value in zip(new, old, strict=True):
            variable.assign(value)
        return dataclasses.replace(self, model=model)


def _with_num_locations(machine, num_locations):
    if not isinstance(machine, NTM):
        raise ValueError(
            f"Only an NTM has a memory of locations. The layer of this run is {machine}"
        )
    return machine.with_num_locations(num_locations)


def _spec(recipe):
    return TASKS[check_choice("task", recipe.task, TASKS)]


def task_of(recipe):
    """The recipe's task."""
    try:
        return _spec(recipe).make(**recipe.task_options)
    except TypeError as error:  # an argument that it has not
        raise ValueError(f"The recipe's task_options do not fit: {error}") from None


def metrics_of(recipe):
    """The names of the task's metrics."""
    arguments = _spec(recipe).compile_arguments(task_of(recipe))
    return [metric.name for metric in arguments["weighted_metrics"]]


def curriculum_of(recipe, num_replicas=None):
    """The recipe's `Curriculum`, or `None`."""
    if recipe.curriculum is None:
        return None
    try:
        curriculum = Curriculum(
            task_of(recipe), **recipe.curriculum, num_replicas=num_replicas
        )
    except TypeError as error:
        raise ValueError(f"The recipe's curriculum does not fit: {error}") from None
    logs = [*metrics_of(recipe), "loss"]
    logs += [f"val_{name}" for name in logs]
    check_choice("monitor", curriculum.monitor, logs)
    return curriculum


def build_model(recipe, num_replicas=None):
    """Builds and compiles the model of a recipe, from the global random seed.

    Args:
        recipe: A `Recipe`.
        num_replicas: `None`, or how many independent machines an `NRAM` is to have.

    Returns:
        A compiled `keras.Model` around one layer called `"machine"`: from `(batch,
        timesteps, task.input_size)` to logits `(batch, timesteps, task.output_size)`, or
        from tapes `(batch, M)` to the outputs `(batch, M, 2 M + 1)` of an `NRAM` layer.
    """
    task = task_of(recipe)
    # Keras changes the configurations that it builds from.
    layer, optimizer = copy.deepcopy((recipe.layer, recipe.optimizer))
    layer["config"]["name"] = "machine"
    if num_replicas is not None:
        layer["config"]["num_replicas"] = num_replicas
        optimizer["config"]["num_replicas"] = num_replicas
    if isinstance(task, SequenceTask):
        layer["config"]["return_sequences"] = True
        is_ntm = layer["class_name"] == NTM.__name__
        if is_ntm:
            layer["config"]["units"] = task.output_size
        inputs = keras.Input((None, task.input_size), name="inputs")
        machine = keras.layers.deserialize(layer)
        outputs = machine(inputs)
        if not is_ntm:
            outputs = keras.layers.Dense(task.output_size, name="logits")(outputs)
    else:
        inputs = keras.Input((None,), dtype="int32", name="tape")
        machine = keras.layers.deserialize(layer)
        outputs = machine(inputs)
    if recipe.num_locations is not None:
        _with_num_locations(machine, recipe.num_locations)  # raises what would fail later
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.deserialize(optimizer),
        **_spec(recipe).compile_arguments(task, num_replicas, recipe.loss_options),
        # Keras's own choice is no XLA on machines without a GPU: three times slower.
        jit_compile=True,
        # A divisor, because Keras runs whole executions.
        steps_per_execution=math.gcd(_STEPS_PER_EXECUTION, recipe.steps_per_epoch),
    )
    return model


def train(recipe, directory, seed=0, verbose="auto"):
    """Trains a model and leaves a run directory.

    The directory holds `recipe.json` (recipe, seed, versions), `model.keras` (the model
    and its optimizer after the last complete epoch), `curve.csv` and `tensorboard/`
    (the metrics of every epoch, and there also what the machine does, see `Probe`),
    `checkpoints/` (weights, a dozen over the whole training), and once training is over
    `result.json`.

    Args:
        recipe: A `Recipe`.
        directory: Path of a directory that does not exist or is empty.
        seed: Non-negative integer. It decides the initial weights and the data.
        verbose: As in `keras.Model.fit`.

    Returns:
        The finished `Run`.

    Raises:
        RunError: If the directory is in use. Nothing is overwritten.
    """
    directory = Path(directory)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise RunError(
            f"{directory} exists and is not empty. Choose another directory, or resume "
            "the run in it"
        )
    if check_integer("seed", seed, minimum=0) >= 2**32:
        raise ValueError(f"`seed` must be less than 2**32. Received: seed={seed}")
    description = _description(recipe, seed)
    # Raise what is wrong, before there is a directory.
    curriculum_of(recipe), build_model(recipe)
    directory.mkdir(parents=True, exist_ok=True)
    write_text(directory / _RECIPE_FILE, description)
    return resume(directory, verbose)


def _description(recipe, seed):
    description = {
        "recipe": dataclasses.asdict(recipe),
        "seed": seed,
        "versions": current_versions(),
    }
    return json.dumps(description, indent=2)


def write_run(directory, recipe, seed, model, curve, result):
    """Leaves a finished run that was trained otherwise than by `train`.

    Args:
        directory: Path of a directory that does not exist or is empty.
        recipe: A `Recipe`.
        seed: Non-negative integer.
        model: The compiled `keras.Model`.
        curve: List of dicts, the logs of each epoch.
        result: Dict of numbers, see `Run`.
    """
    partial = directory.with_name(f".partial-{directory.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    write_text(partial / _RECIPE_FILE, _description(recipe, seed))
    model.save(partial / _MODEL_FILE)
    with (partial / _CURVE_FILE).open("w", newline="") as file:
        writer = csv.DictWriter(file, ["epoch", *curve[0]])
        writer.writeheader()
        writer.writerows({"epoch": epoch, **row} for epoch, row in enumerate(curve))
    write_text(partial / _RESULT_FILE, json.dumps(result, indent=2))
    partial.rename(directory)


def resume(directory, verbose="auto"):
    """Continues an interrupted run from its last complete epoch.

    On the same machine the weights become those of an uninterrupted run.

    Args:
        directory: Path of a run directory.
        verbose: As in `keras.Model.fit`.

    Returns:
        The finished `Run`.

    Raises:
        RunError: If there is no run, a damaged one, or a finished one.
    """
    directory = Path(directory)
    recipe, seed, versions, result = _read(directory)
    if result is not None:
        raise RunError(f"The run in {directory} is finished: nothing to resume")
    busy = (
        f"Another process is training the run in {directory}. Wait for it, or train into "
        "another directory"
    )
    with locked(directory, busy):
        model = _continue(directory, recipe, seed, verbose)
        run = _run(directory, recipe, seed, versions, model)
        result = {
            "examples": run.num_examples,
            **_validate(recipe, run.model, validation_set(run.task)),
        }
        write_text(directory / _RESULT_FILE, json.dumps(result, indent=2))
    return dataclasses.replace(run, result=result)


def _run(directory, recipe, seed, versions, model, result=None):
    run = Run(directory, recipe, seed, versions, model, result)
    if recipe.num_locations is None:
        return run
    return run.with_num_locations(recipe.num_locations)


def validation_set(task):
    """The examples that training is watched on: those of the task's largest length."""
    return task.evaluation_set(task.max_length, split="validation")


def watched(recipe):
    """The logs that say whether a model is solved."""
    name = metrics_of(recipe)[0]
    discrete = [f"val_discrete_{name}"] if isinstance(task_of(recipe), TapeTask) else []
    return [f"val_{name}", *discrete]


def _validate(recipe, model, validation):
    """The task's metrics on the validation set, of tapes also the discrete machine's."""
    result = measure(model, validation)
    if isinstance(task_of(recipe), TapeTask):
        machine = DiscreteMachine(model.get_layer("machine"))
        result[f"discrete_{metrics_of(recipe)[0]}"] = machine.error(validation)
    return result


def _is_solved(recipe, model, validation):
    result = _validate(recipe, model, validation)
    names = [name.removeprefix("val_") for name in watched(recipe)]
    return max(result[name] for name in names) < recipe.stop_below


def callbacks_of(recipe, model, validation, curriculum):
    """The callbacks that a recipe trains with, before those that write logs."""
    callbacks = [] if curriculum is None else [curriculum]
    machine = model.get_layer("machine")
    if recipe.entropy_schedule is not None:
        callbacks.append(EntropySchedule(machine, **recipe.entropy_schedule))
    if isinstance(machine, NRAM):
        callbacks.append(DiscreteError(machine, validation))
    return callbacks


def _continue(directory, recipe, seed, verbose):
    keras.utils.set_random_seed(seed)
    task, curriculum = task_of(recipe), curriculum_of(recipe)
    checkpoints = directory / _CHECKPOINTS
    if (directory / _MODEL_FILE).exists():
        model = _load_model(directory)
        restore_random_state(model, directory / _MODEL_FILE)
        if curriculum is not None:
            curriculum.restore(directory / _MODEL_FILE)
    else:
        model = build_model(recipe)
        # With the optimizer's, as all later ones.
        model.optimizer.build(model.trainable_variables)
        checkpoints.mkdir(exist_ok=True)
        model.save_weights(checkpoints / "00000.weights.h5", overwrite=True)
    validation = validation_set(task)

    steps_done = int(model.optimizer.iterations)
    epochs_done = steps_done // recipe.steps_per_epoch
    curve = directory / _CURVE_FILE
    if curve.exists():
        # The interruption may have come between an epoch's line and its model.
        lines = curve.read_text().splitlines(keepends=True)
        write_text(curve, "".join(lines[: 1 + epochs_done]))
    # Or between the last epoch and the result.
    if not (epochs_done and _is_solved(recipe, model, validation)):
        model.fit(
            task.dataset(
                recipe.batch_size,
                seed=seed,
                start=steps_done,
                draw_lengths=curriculum and curriculum.draw_lengths,
            ),
            steps_per_epoch=recipe.steps_per_epoch,
            initial_epoch=epochs_done,
            epochs=recipe.epochs,
            validation_data=validation,
            callbacks=[
                *callbacks_of(recipe, model, validation, curriculum),
                *([] if keras.backend.backend() == "jax" else [GradientNorm()]),
                StopBelow(watched(recipe), recipe.stop_below),
                keras.callbacks.CSVLogger(curve, append=True),
                *tensorboard_callbacks(
                    directory / _TENSORBOARD,
                    recipe,
                    seed,
                    model,
                    examples=next(iter(validation)),
                    every=_share(recipe.epochs, _NUM_PROBES),
                ),
                keras.callbacks.ModelCheckpoint(
                    checkpoints / "{epoch:05d}.weights.h5",
                    save_weights_only=True,
                    save_freq=_share(recipe.epochs, _NUM_CHECKPOINTS)
                    * recipe.steps_per_epoch,
                ),
                SaveModel(directory / _MODEL_FILE, curriculum),
            ],
            shuffle=False,
            verbose=verbose,
        )
    return model


def _share(total, number):
    return math.ceil(total / number)


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
    recipe, seed, versions, result = _read(directory)
    return _run(directory, recipe, seed, versions, _load_model(directory), result)


def run_of(directory):
    """The recipe and the seed of a run directory, or `None` if it is none."""
    if not (directory / _RECIPE_FILE).exists():
        return None
    recipe, seed, _, _ = _read(directory)
    return recipe, seed


def is_finished(directory):
    """Whether the training in a run directory is over."""
    return (directory / _RESULT_FILE).exists()


def _read(directory):
    """The recipe, seed, versions and result (or None) of a run directory."""
    if not (directory / _RECIPE_FILE).is_file():
        raise RunError(
            f"{directory} is not a run directory: it has no {_RECIPE_FILE}. Make one "
            "with `keras-nm train`"
        )
    try:
        description = json.loads((directory / _RECIPE_FILE).read_text())
        recipe, seed = Recipe(**description["recipe"]), description["seed"]
        versions = description["versions"]
        result_file = directory / _RESULT_FILE
        result = json.loads(result_file.read_text()) if result_file.exists() else None
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(directory, error) from error
    return recipe, seed, versions, result


def _load_model(directory):
    path = directory / _MODEL_FILE
    if not path.exists() and not (directory / _RESULT_FILE).exists():
        raise RunError(
            f"The run in {directory} has not completed an epoch yet. Wait, or resume it"
        )
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError(f"{_MODEL_FILE} is missing or incomplete")
        return keras.saving.load_model(path)
    except Exception as error:  # whatever a damaged file leads Keras into
        raise _damaged(directory, error) from error


def _damaged(directory, error):
    reason = (str(error).splitlines() or [""])[0]
    return RunError(
        f"The run in {directory} is damaged ({type(error).__name__}: {reason}). Train it "
        "again into another directory"
    )
