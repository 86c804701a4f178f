"""The copy task (Kurach et al. 2016, section 4)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.nram.tape_task import TapeTask, look_up


@dataclass(frozen=True, kw_only=True)
class Copy(TapeTask):
    """Copy an array to where a pointer points, right after the array.

    A tape of 3 values::

        address   0  1  2  3  4  5  6
        tape      4  a  b  c  0  0  0
        answer    .  .  .  .  a  b  c

    Example:

    >>> from keras_nm.tasks import nram
    >>> task = nram.Copy(max_length=6)
    >>> tape, answer, answer_cells = next(iter(task.dataset(batch_size=4)))
    >>> tuple(tape.shape)
    (4, 13)
    """

    name = "copy"

    @staticmethod
    def smallest_tape(length):
        return 2 * length + 1

    @staticmethod
    def most_steps(length):
        return 2 * length

    def write_tapes(self, draws, lengths):
        is_value = (self.cells >= 1) & (self.cells <= lengths)
        values = draws.integer_data(0, self.num_cells, is_value)
        pointer = tf.where(tf.equal(self.cells, 0), lengths + 1, 0)
        tape = tf.where(is_value, values, pointer)
        is_answer = (self.cells > lengths) & (self.cells <= 2 * lengths)
        source = tf.where(is_answer, self.source(lengths), 0)
        answer = tf.where(is_answer, look_up(tape, source), tape)
        return tape, answer, is_answer

    def source(self, lengths):
        """Returns the address that each cell of the answer comes from, `(B, M)`."""
        return self.cells - lengths
