"""Calls of the programs that add two numbers (Reed and de Freitas 2016, section 4.1)."""

from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from keras_nm.programs import npi
from keras_nm.tasks.npi.call_task import CallTask, row_of


@dataclass(frozen=True, kw_only=True)
class Addition(CallTask):
    """Add two numbers digit by digit, by programs that call each other.

    The length is the number of digits of one number. The other has at most as many.
    `keras_nm.programs.npi.Addition` has the programs, and a scratch pad of four rows with a
    pointer on each.

    Args:
        min_length: Positive integer. Defaults to `1`.
        max_length: Positive integer. Defaults to `10`.
        recursive: Boolean. `True` (default): ADD calls itself for the next column. `False`:
            it goes through all columns in a loop.
        base: Integer of at least 2, the number of different digits. Defaults to `10`.

    Raises:
        ValueError: For lengths or a base out of range, and if min_length > max_length.

    Example:

    >>> from keras_nm.tasks import npi
    >>> x, y, sample_weight = next(iter(npi.Addition().dataset(batch_size=8)))
    >>> tuple(x.shape), tuple(y.shape)
    ((8, 4, 66), (8, 4, 5))
    """

    name: ClassVar[str] = "addition"
    library_class: ClassVar = npi.Addition

    def problems(self, draws, lengths):
        shorter = draws.integers(1, lengths + 1, 1)
        is_first = draws.uniform(1) < 0.5
        sizes = (
            tf.where(is_first, lengths, shorter),
            tf.where(is_first, shorter, lengths),
        )
        rows = [row_of(draws, size, self.max_length, self.base) for size in sizes]
        return tf.stack(rows, axis=1)

    def environment(self, first, second):
        return npi.ScratchPad(first, second, self.base)
