"""The access task (Kurach et al. 2016, section 4)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.nram.tape_task import TapeTask, look_up


@dataclass(frozen=True, kw_only=True)
class Access(TapeTask):
    """Fetch the value that a pointer points to.

    A tape of 4 values. The pointer points to the third::

        address   0  1  2  3  4  5
        tape      3  a  b  c  d  0
        answer    c  .  .  .  .  .

    Example:

    >>> from keras_nm.tasks import nram
    >>> task = nram.Access(max_length=6)
    >>> tape, answer, answer_cells = next(iter(task.dataset(batch_size=4)))
    >>> tuple(tape.shape)
    (4, 8)
    """

    name = "access"

    @staticmethod
    def smallest_tape(length):
        return length + 2

    @staticmethod
    def most_steps(length):
        return 2

    def write_tapes(self, draws, lengths):
        shape = (draws.batch_size, self.num_cells)
        is_value = (self.cells >= 1) & (self.cells <= lengths)
        values = draws.integer_data(1, self.num_cells, is_value)
        pointer = draws.integers(1, lengths + 1, 1)
        is_answer = tf.broadcast_to(tf.equal(self.cells, 0), shape)
        tape = tf.where(is_value, values, tf.where(is_answer, pointer, 0))
        answer = tf.where(is_answer, look_up(tape, pointer), tape)
        return tape, answer, is_answer
