"""The priority sort task (Graves et al. 2014, section 4.5)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.tasks.sequence_task import SequenceTask, vectors_at


@dataclass(frozen=True, kw_only=True)
class PrioritySort(SequenceTask):
    """Return the vectors with the highest priorities, the highest first.

    The answer is the first four fifths of the sorted vectors. Five vectors with the
    priorities p > q > r > s > t::

        time            0  1  2  3  4  5  6  7  8
        x, bits         a  b  c  d  e  .  .  .  .
        x, priority     r  q  t  p  s  .  .  .  .
        y               .  .  .  .  .  d  b  a  e
        sample_weight   .  .  .  .  .  1  1  1  1

    Priorities range from -1 to 1. If vectors have the same priority, the earlier one comes
    first. Only the priorities follow the pattern of `dataset`, not the vectors.

    Args:
        min_length: Integer of at least 2, the fewest vectors. Defaults to `max_length`.
        max_length: Integer of at least 2, the most vectors. Defaults to `20`.
        num_bits: Positive integer, the number of bits in a vector. Defaults to `8`.

    Raises:
        ValueError: For sizes out of range, and if min_length > max_length.

    Example:

    >>> from keras_nm.tasks import ntm
    >>> task = ntm.PrioritySort()
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=16)))
    >>> tuple(x.shape), tuple(y.shape)
    ((16, 36, 9), (16, 36, 8))
    """

    max_length: int = 20
    num_bits: int = 8

    name = "priority_sort"
    smallest_length = 2

    def __post_init__(self):
        if self.min_length is None:
            object.__setattr__(self, "min_length", self.max_length)
        super().__post_init__()
        check_integer("num_bits", self.num_bits)

    @property
    def input_size(self):
        return self.num_bits + 1

    @property
    def output_size(self):
        return self.num_bits

    def num_timesteps(self, length):
        return length + _num_sorted(length)

    def sample(self, draws, lengths):
        vectors = tf.cast(draws.uniform(self.max_length, self.num_bits) >= 0.5, tf.float32)
        is_input = draws.first(lengths, self.max_length)
        priorities = tf.cast(2 * draws.data(is_input) - 1, tf.float32)
        keys = tf.where(is_input, -priorities, 2.0)
        ordered = tf.gather(vectors, tf.argsort(keys, stable=True), batch_dims=1)

        time = self.time(lengths + _num_sorted(lengths))
        is_input = time < lengths
        is_answer = ~is_input & (time < lengths + _num_sorted(lengths))
        x = tf.concat([vectors, priorities[..., tf.newaxis]], axis=-1)
        x = vectors_at(is_input, x, time)
        y = vectors_at(is_answer, ordered, time - lengths)
        return x, y, tf.cast(is_answer, tf.float32)


def _num_sorted(length):
    """Returns how many vectors to sort: of 20 vectors, the paper asks for 16."""
    return 4 * length // 5
