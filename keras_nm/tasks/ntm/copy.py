"""The copy task (Graves et al. 2014, section 4.1)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.tasks.sequence_task import SequenceTask, channel, vectors_at


@dataclass(frozen=True, kw_only=True)
class Copy(SequenceTask):
    """Repeat a sequence of random vectors after its end.

    A sequence of three 4-bit vectors a, b, c, in a batch with a sequence of four vectors::

        time            0  1  2  3  4  5  6  7  8
        x, bits         a  b  c  .  .  .  .  .  .
        x, delimiter    .  .  .  1  .  .  .  .  .
        y               .  .  .  .  a  b  c  .  .
        sample_weight   .  .  .  .  1  1  1  .  .

    Args:
        min_length: Positive integer, the fewest vectors in a sequence. Defaults to `1`.
        max_length: Positive integer, the most vectors in a sequence. Defaults to `20`.
        num_bits: Positive integer, the number of bits in a vector. Defaults to `8`.

    Raises:
        ValueError: For sizes that are not positive, and if min_length > max_length.

    Example:

    >>> from keras_nm.tasks import ntm
    >>> task = ntm.Copy(max_length=20)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=16, seed=1)))
    >>> task.input_size, task.output_size
    (9, 8)
    """

    max_length: int = 20
    num_bits: int = 8

    name = "copy"

    def __post_init__(self):
        super().__post_init__()
        check_integer("num_bits", self.num_bits)

    @property
    def input_size(self):
        return self.num_bits + 1

    @property
    def output_size(self):
        return self.num_bits

    def num_timesteps(self, length):
        return 2 * length + 1

    def sample(self, draws, lengths):
        vectors = draws.bits(draws.first(lengths, self.max_length), self.num_bits)
        time = self.time(2 * lengths + 1)
        is_answer = (time > lengths) & (time <= 2 * lengths)
        inputs = vectors_at(time < lengths, vectors, time)
        x = tf.concat([inputs, channel(tf.equal(time, lengths))], axis=-1)
        y = vectors_at(is_answer, vectors, time - lengths - 1)
        return x, y, tf.cast(is_answer, tf.float32)
