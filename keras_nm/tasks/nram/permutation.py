"""The task permutation (Kurach et al. 2016, section 4)."""

import tensorflow as tf

from keras_nm.tasks.nram.tape_task import TapeTask, look_up


class Permutation(TapeTask):
    """Put the values of an array into a given order.

    Tape of an order P and an array A of 3 values each; the header points to A::

        address   0  1  2  3  4  5  6
        tape      4  2  0  1  a  b  c
        answer    .  c  a  b  .  .  .

    Example:

    >>> from keras_nm.tasks import nram
    >>> task = nram.Permutation(max_size=6)
    >>> tape, answer, answer_cells = next(iter(task.dataset(batch_size=4)))
    >>> tuple(tape.shape)
    (4, 13)
    """

    name = "permutation"

    @staticmethod
    def smallest_tape(size):
        return 2 * size + 1

    @staticmethod
    def most_steps(size):
        return size + 2

    def write_tapes(self, draws, sizes):
        shape = (tf.shape(sizes)[0], self.num_cells)
        is_order = (self.cells >= 1) & (self.cells <= sizes)
        order = draws.ranks(is_order)
        is_value = (self.cells > sizes) & (self.cells <= 2 * sizes)
        values = draws.integers(shape, 0, self.num_cells)
        header = tf.where(tf.equal(self.cells, 0), sizes + 1, 0)
        tape = tf.where(is_order, order, tf.where(is_value, values, header))
        source = tf.where(is_order, sizes + 1 + order, 0)
        answer = tf.where(is_order, look_up(tape, source), tape)
        return tape, answer, is_order
