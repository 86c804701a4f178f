"""Calls of the programs that sort an array (Reed and de Freitas 2016, section 4.1)."""

from dataclasses import dataclass
from typing import ClassVar

from keras_nm.programs import npi
from keras_nm.tasks.npi.call_task import CallTask, row_of


@dataclass(frozen=True, kw_only=True)
class BubbleSort(CallTask):
    """Sort an array of digits by bubble sort, by programs that call each other.

    The length is the number of digits. `keras_nm.programs.npi.BubbleSort` has the programs,
    and an array with three pointers.

    Args:
        min_length: Positive integer. Defaults to `1`.
        max_length: Positive integer. Defaults to `10`.
        recursive: Boolean. `True` (default): programs call themselves for what remains.
            `False`: they go through the array, or through the sweeps, in a loop.
        base: Integer of at least 2, the number of different digits. Defaults to `10`.

    Raises:
        ValueError: For lengths or a base out of range, and if min_length > max_length.

    Example:

    >>> from keras_nm.tasks import npi
    >>> x, y, sample_weight = next(iter(npi.BubbleSort().dataset(batch_size=8)))
    >>> tuple(x.shape), tuple(y.shape)
    ((8, 3, 42), (8, 3, 5))
    """

    name: ClassVar[str] = "bubble_sort"
    library_class: ClassVar = npi.BubbleSort

    def problems(self, draws, lengths):
        return row_of(draws, lengths, self.max_length, self.base)[:, None]

    def environment(self, values):
        return npi.ArrayPad(values, self.base)
