"""Many seeds of a recipe at once, in one program."""

import time

import keras
import numpy as np

from keras_nm.layers import NRAM
from keras_nm.training.evaluation import repeated
from keras_nm.training.optimizers import NoisyAdam
from keras_nm.training.run import (
    RunError,
    build_model,
    callbacks_of,
    curriculum_of,
    task_of,
    validation_set,
    watched,
    write_run,
)


def train_population(recipe, directories, verbose="auto"):
    """Trains several seeds of a recipe for an `NRAM` together, by one `model.fit`.

    Each seed has the initial weights, the data, the curriculum and the clipping that it has
    in `train`; only rounding, and the gradient noise if the recipe has any, are others.
    When a seed falls below the recipe's `stop_below`, it becomes a run directory as `train`
    leaves it, without `tensorboard/` and `checkpoints/`, and without losses in its curve;
    all others become one at the end. What is interrupted before is lost.

    Args:
        recipe: A `Recipe` for a task of the NRAM, with the optimizer `NoisyAdam`.
        directories: Dict from seeds, non-negative integers, to `pathlib.Path`s of
            directories that do not exist.
        verbose: As in `keras.Model.fit`. Unless it is 0, it is also reported when a seed is
            solved, and when its machine is dead, that is puts out what are no numbers.

    Returns:
        Dict from the seeds to the seconds after which their runs were there.

    Raises:
        RunError: If a directory exists. Nothing is overwritten.
        ValueError: For a recipe of another kind.

    Example:

    >>> from pathlib import Path
    >>> from keras_nm.training import RECIPES, train_population
    >>> def train_all():
    ...     directories = {seed: Path(f"runs/access-{seed}") for seed in range(32)}
    ...     train_population(RECIPES["nram/access"]["nram"], directories)
    """
    started = time.monotonic()
    if not directories:
        raise ValueError("`directories` must have one seed at least. Received: {}")
    for directory in directories.values():
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise RunError(f"{directory} exists and is not empty. Choose another directory")
    check_population(recipe)
    seeds = list(directories)
    model = build_model(recipe, num_replicas=len(seeds))
    for index, seed in enumerate(seeds):
        keras.utils.set_random_seed(seed)
        machine = build_model(recipe).get_layer("machine")
        model.get_layer("machine").assign_replica(index, machine)
    curriculum = curriculum_of(recipe, num_replicas=len(seeds))
    task = task_of(recipe)
    validation = repeated(validation_set(task), len(seeds))
    harvest = _Harvest(recipe, directories, started, report=verbose != 0)
    model.fit(
        task.dataset(
            recipe.batch_size,
            seed=seeds,
            draw_lengths=curriculum and curriculum.draw_lengths,
        ),
        steps_per_epoch=recipe.steps_per_epoch,
        epochs=recipe.epochs,
        validation_data=validation,
        callbacks=[*callbacks_of(recipe, model, validation, curriculum), harvest],
        shuffle=False,
        verbose=verbose,
    )
    return harvest.seconds


def check_population(recipe):
    """Raises a ValueError for a recipe that is none for `train_population`."""
    model = build_model(recipe)
    machine, optimizer = model.get_layer("machine"), model.optimizer
    if not isinstance(machine, NRAM) or not isinstance(optimizer, NoisyAdam):
        raise ValueError(
            "Seeds are trained together with an NRAM layer and the optimizer NoisyAdam. "
            f"The recipe has {recipe.layer['class_name']} and "
            f"{recipe.optimizer['class_name']}"
        )


class _Harvest(keras.callbacks.Callback):
    """Writes the run of each replica when it is solved, and of all others at the end."""

    def __init__(self, recipe, directories, started, report):
        super().__init__()
        self.recipe = recipe
        self.report = report
        self._started = started
        self.seconds = {}
        self._waiting = dict(enumerate(directories.items()))
        self._curves = [[] for _ in directories]
        self._dead = set()

    def on_epoch_end(self, epoch, logs=None):
        # What there is of every replica: the loss is a mean over all.
        logs = {
            name: np.atleast_1d(x)
            for name, x in logs.items()
            if name not in ("loss", "val_loss")
        }
        for index, curve in enumerate(self._curves):
            curve.append({name: float(x[index]) for name, x in logs.items()})
        errors = [logs[name] for name in watched(self.recipe)]
        solved = np.max(errors, axis=0) < self.recipe.stop_below
        alive = np.all(np.isfinite(list(logs.values())), axis=0)
        for index, (seed, _) in list(self._waiting.items()):
            if solved[index]:
                self._write(index)
                self._say(f"Seed {seed} is solved")
            elif not alive[index] and index not in self._dead:
                self._dead.add(index)
                self._say(f"Seed {seed} is dead: it puts out what are no numbers")
        if self._waiting.keys() <= self._dead:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        for index in list(self._waiting):
            self._write(index)

    def _write(self, index):
        seed, directory = self._waiting.pop(index)
        model, curve = self._single(index), self._curves[index]
        examples = int(model.optimizer.iterations) * self.recipe.batch_size
        last = {k[4:]: v for k, v in curve[-1].items() if k.startswith("val_")}
        result = {"examples": examples, **last}
        write_run(directory, self.recipe, seed, model, curve, result)
        self.seconds[seed] = time.monotonic() - self._started

    def _single(self, index):
        """The model of one replica, with its optimizer."""
        model = build_model(self.recipe)
        model.set_weights(self.model.get_layer("machine").replica(index).get_weights())
        model.optimizer.build(model.trainable_variables)
        pairs = zip(model.optimizer.variables, self.model.optimizer.variables, strict=True)
        for variable, value in pairs:
            value = keras.ops.convert_to_numpy(value)
            variable.assign(value[index] if value.ndim > len(variable.shape) else value)
        return model

    def _say(self, message):
        if self.report:
            left = len(self._waiting.keys() - self._dead)
            print(f"{message}; {left} of {len(self._curves)} left", flush=True)
