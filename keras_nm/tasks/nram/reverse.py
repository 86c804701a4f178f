"""The reverse task (Kurach et al. 2016, section 4)."""

from dataclasses import dataclass

from keras_nm.tasks.nram.copy import Copy


@dataclass(frozen=True, kw_only=True)
class Reverse(Copy):
    """Copy an array in reverse order to where a pointer points.

    A tape of 3 values::

        address   0  1  2  3  4  5  6
        tape      4  a  b  c  0  0  0
        answer    .  .  .  .  c  b  a

    Example:

    >>> from keras_nm.tasks import nram
    >>> task = nram.Reverse(max_length=6)
    >>> tape, answer, answer_cells = next(iter(task.dataset(batch_size=4)))
    >>> tuple(tape.shape)
    (4, 13)
    """

    name = "reverse"

    @staticmethod
    def most_steps(length):
        return length + 1

    def source(self, lengths):
        return 2 * lengths + 1 - self.cells
