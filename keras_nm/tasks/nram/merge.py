"""The merge task (Kurach et al. 2016, section 4)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.nram.tape_task import TapeTask, look_up


@dataclass(frozen=True, kw_only=True)
class Merge(TapeTask):
    """Merge two sorted arrays into one.

    The header points to A, to B and to the place for the answer. Each array ends with a
    sentinel G = M - 1, which is larger than any value. Here A holds a and d, B holds b, and
    a <= b <= d::

        address   0  1  2  3  4  5  6  7  8  9 10
        tape      3  6  8  a  d  G  b  G  0  0  0
        answer    .  .  .  .  .  .  .  .  a  b  d

    The length is the number of values in both arrays together. Values are drawn between a
    lowest one, which is drawn for each example, and M - 2.

    Example:

    >>> from keras_nm.tasks import nram
    >>> task = nram.Merge(max_length=6)
    >>> tape, answer, answer_cells = next(iter(task.dataset(batch_size=4)))
    >>> tuple(tape.shape)
    (4, 17)
    """

    name = "merge"
    smallest_length = 2

    @staticmethod
    def smallest_tape(length):
        return 2 * length + 5

    @staticmethod
    def most_steps(length):
        return length + 3

    def write_tapes(self, draws, lengths):
        guardian = self.num_cells - 1
        index = tf.range(self.max_length)[tf.newaxis]
        lowest = draws.integers(0, guardian, 1)
        is_value = draws.first(lengths, self.max_length)
        values = draws.integer_data(lowest, guardian, is_value)
        values = tf.where(is_value, values, guardian)
        size_a = draws.integers(1, lengths, 1)

        # Sorted first by array, then by value.
        in_b = tf.cast(index >= size_a, tf.int32)
        arrays = tf.sort(values + self.num_cells * in_b) % self.num_cells
        in_a = (self.cells >= 3) & (self.cells < 3 + size_a)
        in_b = (self.cells >= 4 + size_a) & (self.cells < 4 + lengths)
        source = tf.where(in_a, self.cells - 3, tf.where(in_b, self.cells - 4, 0))
        is_guardian = tf.equal(self.cells, 3 + size_a) | tf.equal(self.cells, 4 + lengths)
        rest = tf.where(is_guardian, guardian, 0)
        tape = tf.where(in_a | in_b, look_up(arrays, source), rest)
        header = [tf.fill(tf.shape(lengths), 3), 4 + size_a, 5 + lengths]
        tape = tf.concat([*header, tape[:, 3:]], axis=1)

        is_answer = (self.cells >= 5 + lengths) & (self.cells < 5 + 2 * lengths)
        source = tf.where(is_answer, self.cells - 5 - lengths, 0)
        answer = tf.where(is_answer, look_up(tf.sort(values), source), tape)
        return tape, answer, is_answer
