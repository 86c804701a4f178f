"""The measures by which models are compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number that says how good a model is. Smaller is better.

    Args:
        name: Its key in the results of `keras_nm.training.evaluate`.
        words: What it measures, with its unit.
        minus: Optional key of another number, which is subtracted.
        perfect: Words for a model with a measure of 0, or `None` if no model can reach 0.
        solved_below: Optional float: below this, a task counts as solved.
        of_layer: For measures that no Keras metric can take: a function from a layer, and
            a dict with the other arguments of its call, to a function that measures it.
            That one takes a finite `tf.data.Dataset` of the task, and returns the number,
            or an array with one number per replica.

    Example:

    >>> from keras_nm.metrics import Measure
    >>> wrong = Measure(name="wrong_cells", words="share of wrong answer cells")
    >>> wrong.of({"wrong_cells": 0.25, "exact_tapes": 0.5})
    0.25
    """

    name: str
    words: str
    minus: str | None = None
    perfect: str | None = "with none wrong"
    solved_below: float | None = None
    of_layer: Callable[[Any, Mapping[str, Any]], Callable[[Any], Any]] | None = None

    def of(self, results: Mapping[str, Any]) -> float:
        """Returns the number, from the results of an evaluation."""
        value = results[self.name]
        return value if self.minus is None else value - results[self.minus]
