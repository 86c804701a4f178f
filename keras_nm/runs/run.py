"""Trains a recipe from a seed, into a directory from which it can be repeated."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import keras

from keras_nm.arguments import check_integer
from keras_nm.callbacks import GradientNorm, LayerMeasures, SaveModel, StopBelow
from keras_nm.callbacks.saving import restore_random_state
from keras_nm.runs.directory import RunDirectory, RunError
from keras_nm.runs.evaluation import measure, measure_layer
from keras_nm.runs.recipe import Recipe, resized
from keras_nm.runs.tensorboard import tensorboard_callbacks
from keras_nm.tasks import Task

# The numbers of checkpoints and of looks at the machine, if a run takes all of its epochs.
_NUM_CHECKPOINTS, _NUM_PROBES = 12, 5


@dataclasses.dataclass(frozen=True)
class Run:
    """A trained model with the settings of its training.

    Args:
        directory: `pathlib.Path` of the run directory.
        recipe: The `Recipe`.
        seed: The seed.
        versions: Dict of the versions in training: those of packages, and the commit of
            keras_nm, or `None` if that is not a checkout.
        model: The compiled `keras.Model`, after the last complete epoch, with the recipe's
            `memory_size`.
        result: Dict with `"examples"`, the number of examples trained on; the task's
            metrics on the validation set, such as `"bits_per_sequence"`; and the machine's
            measures, such as `"discrete_wrong_cells"`. `None` while unfinished.
        epochs: The number of complete epochs of the model's training.
    """

    directory: Path
    recipe: Recipe
    seed: int
    versions: dict[str, Any]
    model: keras.Model
    result: dict[str, Any] | None
    epochs: int = 0

    @property
    def task(self) -> Task:
        """The recipe's task."""
        return self.recipe.made_task

    @property
    def layer(self) -> keras.layers.Layer:
        """The machine, or the layer that stands in its place."""
        return self.model.get_layer("machine")

    def curve(self, name: str) -> tuple[list[int], list[float]]:
        """Reads a learning curve.

        Args:
            name: The name of a log, such as `"bits_per_sequence"`, measured in training, or
                `"val_bits_per_sequence"`, measured on the validation set.

        Returns:
            The numbers of examples trained on at the end of each epoch, and the values.

        Raises:
            RunError: If there is no such curve.
        """
        epochs, values = RunDirectory(self.directory).read_curve(name)
        return [self._examples_of(epoch) for epoch in epochs], values

    def checkpoints(self) -> dict[int, Path]:
        """Returns the checkpoints: a dict from the number of examples to a file."""
        files = RunDirectory(self.directory).checkpoint_files()
        return {self._examples_of(epochs): file for epochs, file in files.items()}

    @property
    def num_examples(self) -> int:
        """The number of examples that the model was trained on."""
        return self._examples_of(self.epochs)

    def _examples_of(self, epochs):
        return epochs * self.recipe.steps_per_epoch * self.recipe.batch_size

    def with_memory_size(self, memory_size: int) -> "Run":
        """Returns the run with the same weights and another memory size.

        Args:
            memory_size: Positive integer, such as a number of locations.

        Returns:
            A `Run`.

        Raises:
            ValueError: If the weights depend on the size, or if the machine has no memory
                size.
        """
        return self.with_layer(resized(self.layer, memory_size))

    def with_layer(self, layer: keras.layers.Layer) -> "Run":
        """Returns the run with another layer in the place of its own.

        Args:
            layer: A layer of the same name and weights, such as one with other settings.

        Returns:
            A `Run`.
        """

        def clone(each):
            if each.name == layer.name:
                return layer
            return type(each).from_config(each.get_config())

        model = keras.models.clone_model(self.model, clone_function=clone)
        model.set_weights(self.model.get_weights())
        model.compile_from_config(self.model.get_compile_config())
        # The optimizer belongs to the weights, which are the same with any memory size.
        model.optimizer.build(model.trainable_variables)
        old, new = self.model.optimizer.variables, model.optimizer.variables
        for variable, value in zip(new, old, strict=True):
            variable.assign(value)
        return dataclasses.replace(self, model=model)


def train(recipe, directory, seed=0, verbose="auto"):
    """Trains a model and leaves a run directory.

    `keras_nm.runs.directory` lists its files.

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
    files = RunDirectory(Path(directory))
    files.check_free()
    seed = check_integer("seed", seed, minimum=0, maximum=2**32 - 1)
    # A wrong recipe fails before there is a directory.
    recipe.make_curriculum()
    model = _new_model(recipe, seed)
    recipe.make_callbacks(model.get_layer("machine"))
    with files.locked():
        files.check_free()  # Another process may have begun a run since.
        versions = files.begin(recipe, seed)
        return _finish(files, recipe, seed, versions, verbose, model)


def resume(directory, verbose="auto"):
    """Continues an interrupted run from its last complete epoch.

    On the same computer, the weights become those of an uninterrupted run.

    Args:
        directory: Path of a run directory.
        verbose: As in `keras.Model.fit`.

    Returns:
        The finished `Run`.

    Raises:
        RunError: If there is no run, a damaged one, or a finished one.
    """
    files = RunDirectory(Path(directory))
    recipe, seed, versions, result = files.read()
    if result is not None:
        raise RunError(f"The run in {files.path} is finished: nothing to resume")
    with files.locked():
        return _finish(files, recipe, seed, versions, verbose)


def train_or_resume(recipe, directory, seed=0, verbose="auto"):
    """Trains what is left of a run: all of it, the rest, or nothing if it is finished.

    A script that calls it can be interrupted, and called again.

    Args:
        recipe: A `Recipe`.
        directory: Path of a directory that does not exist, is empty, or holds this run.
        seed: Non-negative integer, as for `train`.
        verbose: As in `keras.Model.fit`.

    Returns:
        The finished `Run`.

    Raises:
        RunError: If the directory holds anything else, even a run of another recipe or
            seed, and for a damaged run.

    Example:

    >>> from keras_nm.training import RECIPES, train_or_resume
    >>> def train_all():
    ...     for seed in range(5):
    ...         train_or_resume(RECIPES["ntm/copy"]["ntm"], f"runs/{seed}", seed)
    """
    files = RunDirectory(Path(directory))
    files.check_holds(recipe, seed)
    if files.is_finished:
        return load_run(directory)
    if files.is_begun:
        return resume(directory, verbose)
    return train(recipe, directory, seed, verbose)


def load_run(directory):
    """Loads a run directory, finished or not.

    Args:
        directory: Path.

    Returns:
        A `Run`.

    Raises:
        RunError: If there is no run, or a damaged one.
    """
    files = RunDirectory(Path(directory))
    recipe, seed, versions, result = files.read()
    return _run(files.path, recipe, seed, versions, files.load_model(), result)


def _new_model(recipe, seed):
    keras.utils.set_random_seed(seed)
    return recipe.build()


def _run(path, recipe, seed, versions, model, result=None):
    epochs = RunDirectory(path).epochs_done()
    run = Run(path, recipe, seed, versions, model, result, epochs)
    return run if recipe.memory_size is None else run.with_memory_size(recipe.memory_size)


def _finish(files, recipe, seed, versions, verbose, model=None):
    """Trains the rest of a run: all of it, if there is a new model."""
    model = _fit(files, recipe, seed, verbose, model)
    run = _run(files.path, recipe, seed, versions, model)
    result = {"examples": run.num_examples, **_validate(recipe, run.model)}
    files.finish(result)
    return dataclasses.replace(run, result=result)


def _validate(recipe, model):
    """Returns the task's metrics and the machine's measures on the validation set."""
    data = recipe.validation_set()
    return {**measure(model, data), **measure_layer(model.get_layer("machine"), data)}


def _is_solved(recipe, model):
    return recipe.is_solved(
        {f"val_{name}": value for name, value in _validate(recipe, model).items()}
    )


def _is_given_up(recipe, files):
    if recipe.give_up is None:
        return False
    epochs, values = files.read_curve(recipe.monitors[0])
    examples = epochs[-1] * recipe.steps_per_epoch * recipe.batch_size
    return recipe.is_given_up(examples, values)


def _fit(files, recipe, seed, verbose, model):
    curriculum = recipe.make_curriculum()
    resumes = files.model.exists()
    files.checkpoints.mkdir(exist_ok=True)  # it may be removed from a run, to save room
    if resumes:
        keras.utils.set_random_seed(seed)
        model = files.load_model()
    else:
        model = _new_model(recipe, seed) if model is None else model
        # The first checkpoint has the optimizer's variables, like all later ones.
        model.optimizer.build(model.trainable_variables)
        model.save_weights(files.checkpoint(0), overwrite=True)

    epochs_done = files.epochs_done() if resumes else 0
    # The interruption can come between an epoch's line in the curve and its saved model.
    files.cut_curve(epochs_done)
    # The interruption can also come between the last epoch and the result.
    if epochs_done and (_is_solved(recipe, model) or _is_given_up(recipe, files)):
        return model
    if resumes:
        # After the model was measured, which draws random numbers as well.
        restore_random_state(model, files.model)
        if curriculum is not None:
            curriculum.restore(files.model)
    validation = recipe.validation_set()
    model.fit(
        recipe.made_task.dataset(
            recipe.batch_size,
            seed=seed,
            start=epochs_done * recipe.steps_per_epoch,
            draw_lengths=curriculum and curriculum.draw_lengths,
        ),
        steps_per_epoch=recipe.steps_per_epoch,
        initial_epoch=epochs_done,
        epochs=recipe.epochs,
        validation_data=validation,
        callbacks=[
            *learning_callbacks(recipe, model, validation, curriculum),
            *([] if keras.backend.backend() == "jax" else [GradientNorm()]),
            StopBelow(recipe.monitors, recipe.stop_below),
            _CurveLogger(files),
            _GiveUp(recipe, files),
            *tensorboard_callbacks(
                files.tensorboard,
                recipe,
                seed,
                examples=next(iter(validation)),
                every=math.ceil(recipe.epochs / _NUM_PROBES),
            ),
            _Checkpoints(files, every=math.ceil(recipe.epochs / _NUM_CHECKPOINTS)),
            SaveModel(files.model, curriculum),
        ],
        shuffle=False,
        verbose=verbose,
    )
    return model


class _GiveUp(keras.callbacks.Callback):
    """Stops training by the recipe's rule. The curve, which it reads, is written before."""

    def __init__(self, recipe, files):
        super().__init__()
        self._recipe, self._files = recipe, files

    def on_epoch_end(self, epoch, logs=None):
        if _is_given_up(self._recipe, self._files):
            self.model.stop_training = True


class _Checkpoints(keras.callbacks.Callback):
    """Saves the weights after every few epochs, at the same ones after an interruption."""

    def __init__(self, files, every):
        super().__init__()
        self._files, self._every = files, every

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self._every == 0:
            self.model.save_weights(self._files.checkpoint(epoch + 1), overwrite=True)


class _CurveLogger(keras.callbacks.CSVLogger):
    """Writes the logs of each epoch, in the columns that the file already has.

    Logs may be others than before the interruption: some need a backend.
    """

    def __init__(self, files):
        super().__init__(files.curve, append=True)
        self._files = files

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.keys = self._files.curve_columns() or None


def learning_callbacks(recipe, model, validation, curriculum):
    """Makes the callbacks of a recipe's training that come before those that write logs."""
    layer = model.get_layer("machine")
    return [
        *([] if curriculum is None else [curriculum]),
        *recipe.make_callbacks(layer),
        LayerMeasures(layer, validation),
    ]
