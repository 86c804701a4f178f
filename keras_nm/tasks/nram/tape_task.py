"""The base of the tasks of the Neural Random-Access Machine.

Axes: B batch, M cells of the tape. Lengths are the numbers of elements, `(B, 1)`.
"""

import abc
import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.programs import PROGRAMS
from keras_nm.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class TapeTask(Task):
    """A source of `(tape, answer, answer_cells)` batches.

    A tape is a row of M integers from 0 to M - 1. Pointers are addresses, counted from its
    first cell. Unused cells hold 0, unless the task says otherwise.

    Subclasses have the class attributes `name` and `smallest_length`, and implement
    `smallest_tape`, `most_steps` and `write_tapes`.

    Args:
        min_length: Positive integer, the smallest number of elements in a problem.
            Defaults to the smallest number that the task can have.
        max_length: Positive integer, the largest number of elements in a problem. Defaults
            to `10`.
        num_cells: Positive integer, the size M of the tapes. Defaults to the smallest size
            that fits all problems.

    Raises:
        ValueError: For sizes out of range, for a tape that is too small, and if
            min_length > max_length.
    """

    num_cells: int | None = None

    # A machine's work grows with the cube of the size of its tapes.
    evaluation_size: ClassVar[tuple[int, int]] = (32, 1)

    def __post_init__(self):
        super().__post_init__()
        smallest = self.smallest_tape(self.max_length)
        if self.num_cells is None:
            object.__setattr__(self, "num_cells", smallest)
        if check_integer("num_cells", self.num_cells) < smallest:
            raise ValueError(
                f"A problem of {self.name} with {self.max_length} elements needs a tape of "
                f"at least {smallest} cells. Received: num_cells={self.num_cells}"
            )

    @staticmethod
    @abc.abstractmethod
    def smallest_tape(length):
        """Returns the largest number of cells that a problem of this length needs."""

    @staticmethod
    @abc.abstractmethod
    def most_steps(length):
        """Returns the largest number of steps that the task's program takes."""

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
        """Integer, the largest number of time steps that the program takes."""
        return self.most_steps(self.max_length)

    def with_lengths(self, min_length, max_length):
        """Returns the same task with other lengths, on a tape that fits these problems."""
        check_integer("max_length", max_length, self.smallest_length)
        return dataclasses.replace(
            self,
            min_length=min_length,
            max_length=max_length,
            num_cells=max(self.num_cells, self.smallest_tape(max_length)),
        )

    def with_room_for(self, min_length, max_length):
        """Returns the task with other lengths, with no fewer cells to spare than now."""
        task = self.with_lengths(min_length, max_length)
        spare = self.num_cells - self.smallest_tape(self.max_length)
        num_cells = max(task.num_cells, self.smallest_tape(max_length) + spare)
        return dataclasses.replace(task, num_cells=num_cells)

    def sample(self, draws, lengths):
        """Makes one batch in the graph.

        Args:
            draws: `Draws`, the source of all random numbers.
            lengths: int32 tensor `(B, 1)`, the number of elements of each problem.

        Returns:
            A tuple of `tape` and `answer`, int32 `(batch, M)`, and `answer_cells`, float32
            `(batch, M)`, which is 1 in the cells that count and 0 elsewhere. `model.fit`
            takes them as x, y and sample_weight.
        """
        tape, answer, answer_cells = self.write_tapes(draws, lengths)
        return tape, answer, tf.cast(answer_cells, tf.float32)

    @property
    def cells(self):
        """The addresses of the tape, `(1, M)`."""
        return tf.range(self.num_cells)[tf.newaxis]


def more_steps(layer, trained, task):
    """Returns the time steps that a machine takes for a task it was not trained on.

    Args:
        layer: The `NRAM`.
        trained: The `TapeTask` that it was trained on.
        task: Another `TapeTask`.

    Returns:
        A dict with the argument `num_steps`: the layer's own number, plus the number of
        additional steps that the task's program needs. For a smaller task, it is the
        layer's own: a machine that learned with more steps may use all of them.
    """
    more = max(task.num_steps - trained.num_steps, 0)
    return {"num_steps": layer.num_steps + more}


def look_up(tape, addresses):
    """Returns the values of a tape `(B, M)` at addresses `(B, N)`, as `(B, N)`."""
    return tf.gather(tape, addresses, batch_dims=1)


def put(tape, addresses, values, where=True):
    """Writes values `(B, N)` at distinct addresses `(B, N)` of a tape `(B, M)`."""
    cells = tf.range(tf.shape(tape)[1])
    hit = tf.equal(addresses[:, :, tf.newaxis], cells)  # (B, N, M)
    if where is not True:
        hit &= where[:, :, tf.newaxis]
    written = tf.reduce_sum(tf.where(hit, values[:, :, tf.newaxis], 0), axis=1)
    return tf.where(tf.reduce_any(hit, axis=1), written, tape)
