"""What the tasks of the Neural Random-Access Machine have in common.

Axes: B batch, M cells of the tape. Sizes are the numbers of elements, `(B, 1)`.
"""

import abc
from typing import ClassVar

import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.programs import PROGRAMS
from keras_nm.tasks.task import Task


class TapeTask(Task):
    """A source of `(tape, answer, answer_cells)` batches.

    A tape is a row of M integers from 0 to M - 1. Pointers are addresses counted from its
    first cell, and unused cells hold 0, unless the task says otherwise.

    Subclasses have the class attributes `name` and `smallest_size`, and implement
    `smallest_tape`, `most_steps` and `write_tapes`.

    Args:
        min_size: Positive integer, the fewest elements of a problem. Defaults to the
            fewest that the task can have.
        max_size: Positive integer, the most elements of a problem. Defaults to `10`.
        num_cells: Positive integer, the size M of the tapes. Defaults to the fewest cells
            in which all problems fit.

    Attributes:
        program: The `keras_nm.programs.Program` that solves the task.
        num_steps: Integer, how many time steps the program takes at most.

    Raises:
        ValueError: For sizes out of range, min_size > max_size, and a tape too small.
    """

    name: ClassVar[str]
    smallest_size: ClassVar[int] = 1

    def __init__(self, *, min_size=None, max_size=10, num_cells=None):
        min_size = self.smallest_size if min_size is None else min_size
        self.min_size = check_integer("min_size", min_size, self.smallest_size)
        self.max_size = check_integer("max_size", max_size, self.smallest_size)
        if min_size > max_size:
            raise ValueError(
                "`min_size` must be at most `max_size`. "
                f"Received: min_size={min_size}, max_size={max_size}"
            )
        smallest = self.smallest_tape(max_size)
        self.num_cells = smallest
        if num_cells is not None:
            self.num_cells = check_integer("num_cells", num_cells)
        if self.num_cells < smallest:
            raise ValueError(
                f"A problem of {self.name} with {max_size} elements needs a tape of "
                f"{smallest} cells. Received: num_cells={num_cells}"
            )
        self.program = PROGRAMS[self.name]
        self.num_steps = self.most_steps(max_size)

    @staticmethod
    @abc.abstractmethod
    def smallest_tape(size):
        """Integer, how many cells a problem of that size needs at most."""

    @staticmethod
    @abc.abstractmethod
    def most_steps(size):
        """Integer, how many steps the task's program takes at most."""

    @abc.abstractmethod
    def write_tapes(self, draws, sizes):
        """Makes tapes and answers.

        Args:
            draws: `Draws`.
            sizes: int32 tensor `(B, 1)`.

        Returns:
            The tapes, the tapes with the answers in them, both int32 `(B, M)`, and a
            boolean tensor `(B, M)` of the cells that count.
        """

    def at_length(self, length):
        """Gives the same task with all problems of one size, on a tape where they fit."""
        num_cells = max(self.num_cells, self.smallest_tape(length))
        return type(self)(min_size=length, max_size=length, num_cells=num_cells)

    def sample(self, key, batch_size):
        """Makes one batch in graph.

        Args:
            key: int64 tensor of shape `(2,)`, the key of the batch's random numbers.
            batch_size: Integer, the number of tapes.

        Returns:
            A tuple of `tape` and `answer`, int32 `(batch, M)`, and `answer_cells`, float32
            `(batch, M)`, which is 1 in the cells that count and 0 elsewhere: what
            `model.fit` takes as x, y and sample_weight.
        """
        draws = Draws(key)
        sizes = draws.integers((batch_size, 1), self.min_size, self.max_size + 1)
        tape, answer, answer_cells = self.write_tapes(draws, sizes)
        return tape, answer, tf.cast(answer_cells, tf.float32)

    @property
    def cells(self):
        """The addresses of the tape, `(1, M)`."""
        return tf.range(self.num_cells)[tf.newaxis]


class Draws:
    """Independent random numbers, one after the other, from one key."""

    def __init__(self, key):
        self._key = key
        self._count = 0

    def uniform(self, shape):
        """float64 in [0, 1), of enough digits for integers without bias."""
        self._count += 1
        key = tf.random.fold_in(self._key, self._count, alg="philox")
        return tf.random.stateless_uniform(shape, key, dtype=tf.float64, alg="philox")

    def integers(self, shape, low, high):
        """int32 from low to high - 1, which may be tensors that broadcast to the shape."""
        span = tf.cast(high - low, tf.float64)
        return low + tf.cast(tf.floor(self.uniform(shape) * span), tf.int32)

    def ranks(self, among):
        """A random order of the true entries of `(B, N)`, from 0 on; then the others."""
        keys = tf.where(among, self.uniform(tf.shape(among)), 2.0)
        return tf.argsort(tf.argsort(keys))


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
