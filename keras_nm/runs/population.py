"""Trains many seeds of a recipe at once, in one program."""

import contextlib
import copy
import time

import keras
import numpy as np

from keras_nm.arguments import check_integer
from keras_nm.runs.directory import RunDirectory
from keras_nm.runs.evaluation import repeated
from keras_nm.runs.run import learning_callbacks

# The logs that are means over all replicas. All others have a value for each.
_MEANS = ("loss", "val_loss")


def train_population(recipe, directories, verbose="auto"):
    """Trains several seeds of a recipe for an `NRAM` together, in one `model.fit`.

    Each seed has the same initial weights, data, curriculum and clipping as in `train`.
    Only the rounding differs, and the gradient noise if the recipe has any. When the errors
    of a seed fall below the recipe's `stop_below`, its run directory is written as `train`
    leaves it, but without `tensorboard/` and `checkpoints/`, and without losses in its
    curve. The other seeds get theirs at the end. An interruption loses all seeds that have
    no run directory yet.

    Args:
        recipe: A `Recipe` for a task of the NRAM, with the optimizer `NoisyAdam`.
        directories: Dict from seeds, non-negative integers, to `pathlib.Path`, of
            directories that do not exist.
        verbose: As in `keras.Model.fit`. Unless it is 0, the function also reports when a
            seed is solved, and when it has diverged, so that its outputs are NaN.

    Returns:
        Dict from the seeds to the seconds after which their runs were complete.

    Raises:
        RunError: If a directory exists, or another process trains the run in it. Nothing is
            overwritten.
        ValueError: For a recipe of another kind, one whose curriculum follows a loss or
            one with a rule to give up, and for no seed.

    Example:

    >>> from pathlib import Path
    >>> from keras_nm.training import RECIPES, train_population
    >>> def train_all():
    ...     directories = {seed: Path(f"runs/access-{seed}") for seed in range(32)}
    ...     train_population(RECIPES["nram/access"]["nram"], directories)
    """
    started = time.monotonic()
    if not directories:
        raise ValueError("`directories` must have at least one seed. Received: {}")
    check_population(recipe)
    directories = {
        check_integer("seed", seed, minimum=0, maximum=2**32 - 1): directory
        for seed, directory in directories.items()
    }
    with contextlib.ExitStack() as locks:
        for directory in directories.values():
            RunDirectory(directory).check_free()
            locks.enter_context(RunDirectory(directory).locked())
        return _train(recipe, directories, started, verbose)


def _train(recipe, directories, started, verbose):
    seeds = list(directories)
    model = recipe.build(num_replicas=len(seeds))
    for index, seed in enumerate(seeds):
        keras.utils.set_random_seed(seed)
        machine = recipe.build().get_layer("machine")
        model.get_layer("machine").assign_replica(index, machine)
    curriculum = recipe.make_curriculum(num_replicas=len(seeds))
    validation = repeated(recipe.validation_set(), len(seeds))
    harvest = _Harvest(recipe, directories, started, report=verbose != 0)
    model.fit(
        recipe.made_task.dataset(
            recipe.batch_size,
            seed=seeds,
            draw_lengths=curriculum and curriculum.draw_lengths,
        ),
        steps_per_epoch=recipe.steps_per_epoch,
        epochs=recipe.epochs,
        validation_data=validation,
        callbacks=[*learning_callbacks(recipe, model, validation, curriculum), harvest],
        shuffle=False,
        verbose=verbose,
    )
    return harvest.seconds


def check_population(recipe):
    """Raises a ValueError for a recipe whose seeds cannot be trained together."""
    optimizer = keras.optimizers.deserialize(copy.deepcopy(recipe.optimizer))
    if not recipe.machine.has_replicas or "num_replicas" not in optimizer.get_config():
        raise ValueError(
            "To train seeds together, the layer and the optimizer must take "
            "`num_replicas`, as NRAM and NoisyAdam do. Received: a recipe with "
            f"{recipe.layer['class_name']} and {recipe.optimizer['class_name']}"
        )
    if recipe.give_up is not None:
        raise ValueError(
            "Of seeds that are trained together, none can be given up. Leave `give_up` "
            f"out, or train each seed alone. Received: give_up={recipe.give_up}"
        )
    monitor = (recipe.curriculum or {}).get("monitor")
    if monitor in _MEANS:
        raise ValueError(
            "To train seeds together, the curriculum must follow a metric, because the "
            f"loss is a mean over all seeds. Received: monitor={monitor!r}"
        )


class _Harvest(keras.callbacks.Callback):
    """Writes each replica's run when it is solved, and all other runs at the end."""

    def __init__(self, recipe, directories, started, report):
        super().__init__()
        self.recipe = recipe
        self.report = report
        self._started = started
        self.seconds = {}
        self._waiting = dict(enumerate(directories.items()))
        self._curves = [[] for _ in directories]
        self._diverged = set()

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: np.atleast_1d(x) for name, x in logs.items() if name not in _MEANS}
        for index, curve in enumerate(self._curves):
            curve.append({name: float(x[index]) for name, x in logs.items()})
        errors = [logs[name] for name in self.recipe.monitors]
        solved = np.max(errors, axis=0) < self.recipe.stop_below
        alive = np.all(np.isfinite(list(logs.values())), axis=0)
        for index, (seed, _) in list(self._waiting.items()):
            if solved[index]:
                self._write(index)
                self._say(f"Seed {seed} is solved")
            elif not alive[index] and index not in self._diverged:
                self._diverged.add(index)
                self._say(f"Seed {seed} has diverged: its outputs are NaN")
        if self._waiting.keys() <= self._diverged:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        for index in list(self._waiting):
            self._write(index)

    def _write(self, index):
        seed, directory = self._waiting.pop(index)
        model, curve = self._single(index), self._curves[index]
        batches = len(curve) * self.recipe.steps_per_epoch
        last = {k[4:]: v for k, v in curve[-1].items() if k.startswith("val_")}
        result = {"examples": batches * self.recipe.batch_size, **last}
        files = RunDirectory(directory)
        files.write_finished(self.recipe, seed, model, curve, result)
        self.seconds[seed] = time.monotonic() - self._started

    def _single(self, index):
        """Returns the model of one replica, with its optimizer."""
        model = self.recipe.build()
        model.set_weights(self.model.get_layer("machine").replica(index).get_weights())
        model.optimizer.build(model.trainable_variables)
        pairs = zip(model.optimizer.variables, self.model.optimizer.variables, strict=True)
        for variable, value in pairs:
            value = keras.ops.convert_to_numpy(value)
            # Replicas share some variables, such as the number of iterations.
            shared = value.shape == tuple(variable.shape)
            variable.assign(value if shared else value[index])
        return model

    def _say(self, message):
        if self.report:
            left = len(self._waiting.keys() - self._diverged)
            print(f"{message}; {left} of {len(self._curves)} left", flush=True)
