"""The task reverse (Kurach et al. 2016, section 4)."""

import tensorflow as tf

from keras_nm.tasks.nram.tape_task import TapeTask, look_up


class Reverse(TapeTask):
    """Copy an array, the last value first, to where a pointer points.

    Tape of 3 values::

        address   0  1  2  3  4  5  6
        tape      4  a  b  c  0  0  0
        answer    .  .  .  .  c  b  a

    Example:

    >>> from keras_nm.tasks import nram
    >>> task = nram.Reverse(max_size=6)
    >>> tape, answer, answer_cells = next(iter(task.dataset(batch_size=4)))
    >>> tuple(tape.shape)
    (4, 13)
    """

    name = "reverse"

    @staticmethod
    def smallest_tape(size):
        return 2 * size + 1

    @staticmethod
    def most_steps(size):
        return size + 1

    def write_tapes(self, draws, sizes):
        shape = (tf.shape(sizes)[0], self.num_cells)
        values = draws.integers(shape, 0, self.num_cells)
        is_value = (self.cells >= 1) & (self.cells <= sizes)
        pointer = tf.where(tf.equal(self.cells, 0), sizes + 1, 0)
        tape = tf.where(is_value, values, pointer)
        is_answer = (self.cells > sizes) & (self.cells <= 2 * sizes)
        source = tf.where(is_answer, 2 * sizes + 1 - self.cells, 0)
        answer = tf.where(is_answer, look_up(tape, source), tape)
        return tape, answer, is_answer
