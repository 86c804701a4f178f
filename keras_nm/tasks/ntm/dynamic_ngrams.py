"""The dynamic N-grams task (Graves et al. 2014, section 4.4)."""

import math
from dataclasses import dataclass

import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.tasks.sequence_task import SequenceTask


@dataclass(frozen=True, kw_only=True)
class DynamicNGrams(SequenceTask):
    """Predict the next bit of a sequence, learning its N-gram table from the bits before.

    Every sequence has its own table. A context is the `order - 1` bits before a bit. For
    each of the `2 ** (order - 1)` contexts, the table holds the probability that a 1
    follows, from the distribution Beta(1/2, 1/2). The first bits do not have enough bits
    before them, so they are fair. A sequence of 5 bits::

        time            0  1  2  3  4
        x               .  a  b  c  d
        y               a  b  c  d  e
        sample_weight   1  1  1  1  1

    The best possible result is about 133 bits per sequence.
    `keras_nm.training.OptimalBitsPerSequence` measures it on every batch.

    Args:
        min_length: Positive integer, the fewest bits in a sequence. Defaults to
            `max_length`.
        max_length: Positive integer, the most bits in a sequence. Defaults to `200`.
        order: Integer N from 1 to 16, one more than the number of bits in a context.
            Defaults to `6`.

    Raises:
        ValueError: For sizes out of range, and if min_length > max_length.

    Example:

    >>> from keras_nm.tasks import ntm
    >>> task = ntm.DynamicNGrams()
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=16)))
    >>> tuple(x.shape), tuple(y.shape)
    ((16, 200, 1), (16, 200, 1))
    """

    max_length: int = 200
    order: int = 6

    name = "dynamic_ngrams"

    def __post_init__(self):
        if self.min_length is None:
            object.__setattr__(self, "min_length", self.max_length)
        super().__post_init__()
        # A table has a row for each of 2 ** (order - 1) contexts.
        check_integer("order", self.order, maximum=16)

    @property
    def input_size(self):
        return 1

    @property
    def output_size(self):
        return 1

    def num_timesteps(self, length):
        return length

    def sample(self, draws, lengths):
        num_contexts = 2 ** (self.order - 1)
        # The quantile function of Beta(1/2, 1/2), the arcsine distribution.
        table = (
            tf.sin(math.pi / 2 * draws.data(draws.first(num_contexts, num_contexts))) ** 2
        )
        chance = draws.uniform(self.max_length)
        time = self.time(lengths)
        num_timesteps = tf.shape(time)[1]

        def next_bit(t, context, bits):
            probability = tf.gather(table, context, axis=1, batch_dims=1)
            is_fair = t < self.order - 1
            probability = tf.where(is_fair, tf.ones_like(probability) / 2, probability)
            bit = tf.cast(chance[:, t, tf.newaxis] < probability, tf.int32)
            context = (2 * context + bit) % num_contexts
            return t + 1, context, bits.write(t, bit[:, 0])

        _, _, bits = tf.while_loop(
            lambda t, *_: t < num_timesteps,
            next_bit,
            (0, tf.zeros_like(lengths), tf.TensorArray(tf.int32, size=num_timesteps)),
        )
        bits = tf.transpose(tf.ensure_shape(bits.stack(), (None, draws.batch_size)))
        weight = tf.cast(time < lengths, tf.float32)
        y = tf.cast(bits, tf.float32) * weight
        x = tf.pad(y[:, :-1], [[0, 0], [1, 0]]) * weight
        return x[..., tf.newaxis], y[..., tf.newaxis], weight
