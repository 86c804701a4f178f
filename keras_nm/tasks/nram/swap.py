"""The swap task (Kurach et al. 2016, section 4)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.nram.tape_task import TapeTask, look_up, put


@dataclass(frozen=True, kw_only=True)
class Swap(TapeTask):
    """Exchange the two values that two pointers point to.

    A tape of 4 values. The first and the third change places::

        address   0  1  2  3  4  5  6
        tape      2  4  a  b  c  d  0
        answer    .  .  c  b  a  d  .

    Example:

    >>> from keras_nm.tasks import nram
    >>> task = nram.Swap(max_length=6)
    >>> tape, answer, answer_cells = next(iter(task.dataset(batch_size=4)))
    >>> tuple(tape.shape)
    (4, 9)
    """

    name = "swap"

    @staticmethod
    def smallest_tape(length):
        return length + 3

    @staticmethod
    def most_steps(length):
        return 3

    def write_tapes(self, draws, lengths):
        pointers = draws.integers(2, lengths + 2, 2)
        is_answer = (self.cells >= 2) & (self.cells <= lengths + 1)
        tape = tf.where(is_answer, draws.integer_data(1, self.num_cells, is_answer), 0)
        tape = tf.concat([pointers, tape[:, 2:]], axis=1)
        # Both values go to the same place if the pointers are equal.
        first, second = tf.split(pointers, 2, axis=1)
        answer = put(tape, first, look_up(tape, second))
        answer = put(answer, second, look_up(tape, first))
        return tape, answer, is_answer
