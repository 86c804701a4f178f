"""Run directories: reads and writes the files of a training.

=================  =======================================================================
file               contents
=================  =======================================================================
`recipe.json`      the recipe, the seed and the versions of packages
`model.keras`      the model and its optimizer after the last complete epoch
`curve.csv`        the metrics of every epoch
`checkpoints/`     weights, a dozen over a whole training
`tensorboard/`     metrics, settings, and looks at the machine, see `Probe`
`result.json`      the result, once training is over
`measured.json`    what a sweep has measured
=================  =======================================================================
"""

import csv
import json
import re
import shutil
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from keras_nm.callbacks.saving import add_epochs, completed_epochs
from keras_nm.files import is_empty, locked, remove_empty, write_text
from keras_nm.runs.recipe import Recipe
from keras_nm.version import current_versions


class RunError(ValueError):
    """The error of a run directory that cannot be used. The message says what to do."""


@dataclass(frozen=True)
class RunDirectory:
    """The files of one run.

    Args:
        path: `pathlib.Path`.
    """

    path: Path

    @property
    def recipe(self):
        return self.path / "recipe.json"

    @property
    def model(self):
        return self.path / "model.keras"

    @property
    def curve(self):
        return self.path / "curve.csv"

    @property
    def result(self):
        return self.path / "result.json"

    @property
    def checkpoints(self):
        return self.path / "checkpoints"

    @property
    def tensorboard(self):
        return self.path / "tensorboard"

    def check_free(self):
        """Raises a `RunError` unless the directory is missing or empty."""
        is_free = is_empty(self.path) if self.path.is_dir() else not self.path.exists()
        if not is_free:
            raise RunError(
                f"{self.path} exists and is not empty. Choose another directory, or resume "
                "the run in it"
            )

    def locked(self):
        """Keeps other processes from training this run: a context manager.

        Raises:
            RunError: If one is training it.
        """
        busy = RunError(
            f"Another process is training the run in {self.path}. Wait for it, or train "
            "into another directory"
        )
        return locked(self.path, busy)

    def check_holds(self, recipe: Recipe, seed: int) -> None:
        """Raises a `RunError` if the directory holds a run of another recipe or seed."""
        if not self.is_begun:
            return
        found, found_seed, _, _ = self.read()
        if (found.to_json(), found_seed) != (recipe.to_json(), seed):
            raise RunError(
                f"{self.path} is a run of another recipe or seed. Choose another directory"
            )

    def begin(self, recipe: Recipe, seed: int) -> dict[str, Any]:
        """Makes the directory, writes the run's settings and returns the versions."""
        versions = current_versions()
        description = {"recipe": asdict(recipe), "seed": seed, "versions": versions}
        text = json.dumps(description, indent=2)
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self.recipe, text)
        return versions

    def finish(self, result: dict[str, Any]) -> None:
        """Writes the result."""
        write_text(self.result, json.dumps(result, indent=2))

    @property
    def is_begun(self) -> bool:
        """Whether the directory holds a run."""
        return self.recipe.is_file()

    @property
    def is_finished(self) -> bool:
        """Whether training is over."""
        return self.result.exists()

    def read(self) -> tuple[Recipe, int, dict[str, Any], dict[str, Any] | None]:
        """Reads the recipe, the seed, the versions, and the result or `None`.

        Raises:
            RunError: If there is no run, or a damaged one.
        """
        if not self.is_begun:
            raise RunError(
                f"{self.path} is not a run directory: it has no {self.recipe.name}. Make "
                "one with `keras-nm train`"
            )
        try:
            description = json.loads(self.recipe.read_text())
            recipe = Recipe.from_dict(description["recipe"])
            seed, versions = description["seed"], description["versions"]
            result = json.loads(self.result.read_text()) if self.is_finished else None
        except (ValueError, TypeError, KeyError) as error:
            raise self._damaged(error) from error
        return recipe, seed, versions, result

    def load_model(self) -> keras.Model:
        """Loads the model after the last complete epoch.

        Raises:
            RunError: If there is none yet, or a damaged one.
            ValueError: If the class of its layer is unknown.
        """
        recipe, *_ = self.read()
        # Otherwise a class that is not registered would pass for a damaged file.
        _ = recipe.machine
        if not self.model.exists() and not self.is_finished:
            raise RunError(
                f"The run in {self.path} has not completed an epoch yet. Wait, or resume it"
            )
        try:
            if not zipfile.is_zipfile(self.model):
                raise ValueError(f"{self.model.name} is missing or incomplete")
            return keras.saving.load_model(self.model)
        except Exception as error:  # any error that Keras meets in a damaged file
            missing = re.search(r"Could not locate (\w+ '.*?')", str(error))
            if missing:
                raise ValueError(
                    f"The model in {self.path} needs the {missing[1]}, which is not "
                    "registered. Import its module first"
                ) from error
            raise self._damaged(error) from error

    def epochs_done(self) -> int:
        """Returns after how many epochs the model was saved."""
        epochs = completed_epochs(self.model)
        if epochs is None and self.curve.exists():  # of an earlier version
            epochs = len(self.curve.read_text().splitlines()) - 1
        return epochs or 0

    def read_curve(self, name: str) -> tuple[list[int], list[float]]:
        """Reads one column of the curve: the numbers of epochs, and the values.

        Raises:
            RunError: If there is no such column.
        """
        try:
            with self.curve.open(newline="") as file:
                rows = list(csv.DictReader(file))
            return (
                [int(row["epoch"]) + 1 for row in rows],
                [float(row[name]) for row in rows],
            )
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"{self.curve} does not have the curve {name!r} "
                f"({type(error).__name__}: {error})"
            ) from error

    def curve_columns(self) -> list[str]:
        """Returns the names of the curves: none, if there is no complete epoch yet."""
        if not self.curve.exists():
            return []
        with self.curve.open(newline="") as file:
            return next(csv.reader(file), ["epoch"])[1:]

    def cut_curve(self, epochs: int) -> None:
        """Removes the lines after an epoch, which was possibly interrupted."""
        if self.curve.exists():
            lines = self.curve.read_text().splitlines(keepends=True)
            write_text(self.curve, "".join(lines[: 1 + epochs]))

    def checkpoint(self, epochs: int) -> Path:
        """Returns the path of the weights after a number of epochs."""
        return self.checkpoints / f"{epochs:05d}.weights.h5"

    def checkpoint_files(self) -> dict[int, Path]:
        """Returns the checkpoints: a dict from the number of epochs to a file."""
        files = sorted(self.checkpoints.glob("*.weights.h5"))
        return {int(file.name.split(".")[0]): file for file in files}

    def write_finished(self, recipe, seed, model, curve, result) -> None:
        """Writes a finished run that was trained in another way, all at once.

        Args:
            recipe: A `Recipe`.
            seed: Non-negative integer.
            model: The compiled `keras.Model`.
            curve: List of dicts, the logs of each epoch.
            result: Dict of numbers, see `Run`.
        """
        partial = RunDirectory(self.path.with_name(f".partial-{self.path.name}"))
        shutil.rmtree(partial.path, ignore_errors=True)
        partial.begin(recipe, seed)
        model.save(partial.model)
        add_epochs(partial.model, len(curve))
        with partial.curve.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["epoch", *curve[0]])
            writer.writeheader()
            writer.writerows({"epoch": epoch, **row} for epoch, row in enumerate(curve))
        partial.finish(result)
        if self.path.exists():  # of a training that was killed at once
            remove_empty(self.path)
        partial.path.rename(self.path)

    def _damaged(self, error):
        reason = (str(error).splitlines() or [""])[0]
        return RunError(
            f"The run in {self.path} is damaged ({type(error).__name__}: {reason}). Train "
            "it again into another directory"
        )
