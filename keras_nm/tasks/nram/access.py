"""The task access (Kurach et al. 2016, section 4)."""

import tensorflow as tf

from keras_nm.tasks.nram.tape_task import TapeTask, look_up


class Access(TapeTask):
    """Fetch the value that a pointer points to.

    Tape of 4 values, of which the pointer points to the third::

        address   0  1  2  3  4  5
        tape      3  a  b  c  d  0
        answer    c  .  .  .  .  .

    Example:

    >>> from keras_nm.tasks import nram
    >>> task = nram.Access(max_size=6)
    >>> tape, answer, answer_cells = next(iter(task.dataset(batch_size=4)))
    >>> tuple(tape.shape)
    (4, 8)
    """

    name = "access"

    @staticmethod
    def smallest_tape(size):
        return size + 2

    @staticmethod
    def most_steps(size):
        return 2

    def write_tapes(self, draws, sizes):
        shape = (tf.shape(sizes)[0], self.num_cells)
        values = draws.integers(shape, 1, self.num_cells)
        pointer = draws.integers(tf.shape(sizes), 1, sizes + 1)
        is_value = (self.cells >= 1) & (self.cells <= sizes)
        is_answer = tf.broadcast_to(tf.equal(self.cells, 0), shape)
        tape = tf.where(is_value, values, tf.where(is_answer, pointer, 0))
        answer = tf.where(is_answer, look_up(tape, pointer), tape)
        return tape, answer, is_answer
