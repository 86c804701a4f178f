"""The increment task (Kurach et al. 2016, section 4)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.nram.tape_task import TapeTask


@dataclass(frozen=True, kw_only=True)
class Increment(TapeTask):
    """Add 1 to every value, in place.

    A tape of 3 values::

        address   0    1    2    3
        tape      a    b    c    0
        answer    a+1  b+1  c+1  .

    Example:

    >>> from keras_nm.tasks import nram
    >>> task = nram.Increment(max_length=6)
    >>> tape, answer, answer_cells = next(iter(task.dataset(batch_size=4)))
    >>> tuple(tape.shape)
    (4, 7)
    """

    name = "increment"

    @staticmethod
    def smallest_tape(length):
        return length + 1

    @staticmethod
    def most_steps(length):
        return length

    def write_tapes(self, draws, lengths):
        shape = (draws.batch_size, self.num_cells)
        is_value = tf.broadcast_to(self.cells < lengths, shape)
        tape = tf.where(is_value, draws.integer_data(1, self.num_cells, is_value), 0)
        answer = tf.where(is_value, (tape + 1) % self.num_cells, tape)
        return tape, answer, is_value
