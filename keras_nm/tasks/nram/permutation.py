"""The permutation task (Kurach et al. 2016, section 4)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.nram.tape_task import TapeTask, look_up


@dataclass(frozen=True, kw_only=True)
class Permutation(TapeTask):
    """Put the values of an array into a given order.

    A tape with an order P and an array A, of 3 values each. The header points to A::

        address   0  1  2  3  4  5  6
        tape      4  2  0  1  a  b  c
        answer    .  c  a  b  .  .  .

    Example:

    >>> from keras_nm.tasks import nram
    >>> task = nram.Permutation(max_length=6)
    >>> tape, answer, answer_cells = next(iter(task.dataset(batch_size=4)))
    >>> tuple(tape.shape)
    (4, 13)
    """

    name = "permutation"

    @staticmethod
    def smallest_tape(length):
        return 2 * length + 1

    @staticmethod
    def most_steps(length):
        return length + 2

    def write_tapes(self, draws, lengths):
        is_order = (self.cells >= 1) & (self.cells <= lengths)
        order = draws.order(is_order)
        is_value = (self.cells > lengths) & (self.cells <= 2 * lengths)
        values = draws.integer_data(0, self.num_cells, is_value)
        header = tf.where(tf.equal(self.cells, 0), lengths + 1, 0)
        tape = tf.where(is_order, order, tf.where(is_value, values, header))
        source = tf.where(is_order, lengths + 1 + order, 0)
        answer = tf.where(is_order, look_up(tape, source), tape)
        return tape, answer, is_order
