"""What the tasks of the Neural Random-Access Machine have in common.

Axes: B batch, M cells of the tape. Lengths are the numbers of elements, `(B, 1)`.
"""

import abc
import dataclasses
from dataclasses import dataclass

import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.programs import PROGRAMS
from keras_nm.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class TapeTask(Task):
    """A source of `(tape, answer, answer_cells)` batches.

    A tape is a row of M integers from 0 to M - 1. Pointers are addresses counted from its
    first cell, and unused cells hold 0, unless the task says otherwise.

    Subclasses have the class attributes `name` and `smallest_length`, and implement
    `smallest_tape`, `most_steps` and `write_tapes`.

    Args:
        min_length: Positive integer, the fewest elements of a problem. Defaults to the
            fewest that the task can have.
        max_length: Positive integer, the most elements of a problem. Defaults to `10`.
        num_cells: Positive integer, the size M of the tapes. Defaults to the fewest cells
            in which all problems fit.

    Raises:
        ValueError: For sizes out of range, min_length > max_length, and a tape too small.
    """

    num_cells: int | None = None

    def __post_init__(self):
        super().__post_init__()
        smallest = self.smallest_tape(self.max_length)
        if self.num_cells is None:
            object.__setattr__(self, "num_cells", smallest)
        if check_integer("num_cells", self.num_cells) < smallest:
            raise ValueError(
                f"A problem of {self.name} with {self.max_length} elements needs a tape of "
                f"{smallest} cells. Received: num_cells={self.num_cells}"
            )

    @staticmethod
    @abc.abstractmethod
    def smallest_tape(length):
        """Integer, how many cells a problem of that length needs at most."""

    @staticmethod
    @abc.abstractmethod
    def most_steps(length):
        """Integer, how many steps the task's program takes at most."""

    @abc.abstractmethod
    def write_tapes(self, draws, lengths):
        """Makes tapes and answers.

        Args:
            draws: `Draws`.
            lengths: int32 tensor `(B, 1)`.

        Returns:
            The tapes, the tapes with the answers in them, both int32 `(B, M)`, and a
            boolean tensor `(B, M)` of the cells that count.
        """

    @property
    def program(self):
        """The `keras_nm.programs.Program` that solves the task."""
        return PROGRAMS[self.name]

    @property
    def num_steps(self):
        """Integer, how many time steps the program takes at most."""
        return self.most_steps(self.max_length)

    def with_lengths(self, min_length, max_length):
        """Gives the same task with problems of other lengths, on a tape where they fit."""
        check_integer("max_length", max_length, self.smallest_length)
        return dataclasses.replace(
            self,
            min_length=min_length,
            max_length=max_length,
            num_cells=max(self.num_cells, self.smallest_tape(max_length)),
        )

    def with_room_for(self, min_length, max_length):
        """As `with_lengths`, with no fewer cells to spare beside the longest problem."""
        task = self.with_lengths(min_length, max_length)
        spare = self.num_cells - self.smallest_tape(self.max_length)
        num_cells = max(task.num_cells, self.smallest_tape(max_length) + spare)
        return dataclasses.replace(task, num_cells=num_cells)

    def sample(self, draws, lengths):
        """Makes one batch in graph.

        Args:
            draws: `Draws`, where all random numbers come from.
            lengths: int32 tensor `(B, 1)`, the number of elements of each problem.

        Returns:
            A tuple of `tape` and `answer`, int32 `(batch, M)`, and `answer_cells`, float32
            `(batch, M)`, which is 1 in the cells that count and 0 elsewhere: what
            `model.fit` takes as x, y and sample_weight.
        """
        tape, answer, answer_cells = self.write_tapes(draws, lengths)
        return tape, answer, tf.cast(answer_cells, tf.float32)

    @property
    def cells(self):
        """The addresses of the tape, `(1, M)`."""
        return tf.range(self.num_cells)[tf.newaxis]


def look_up(tape, addresses):
    """The values of a tape `(B, M)` at addresses `(B, N)`: `(B, N)`."""
    return tf.gather(tape, addresses, batch_dims=1)


def put(tape, addresses, values, where=True):
    """Writes values at different addresses, all `(B, N)`, of a tape `(B, M)`."""
    cells = tf.range(tf.shape(tape)[1])
    hit = tf.equal(addresses[:, :, tf.newaxis], cells)  # (B, N, M)
    if where is not True:
        hit &= where[:, :, tf.newaxis]
    written = tf.reduce_sum(tf.where(hit, values[:, :, tf.newaxis], 0), axis=1)
    return tf.where(tf.reduce_any(hit, axis=1), written, tape)
