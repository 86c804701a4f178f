"""The copy task (Graves et al. 2014, section 4.1)."""

import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.tasks.task import Task

_NUM_PADDED_LENGTHS = 4


class Copy(Task):
    """Repeat a sequence of random vectors after its end.

    A sequence of three 4-bit vectors a, b, c, padded as one of four vectors would be::

        time            0  1  2  3  4  5  6  7  8
        x, bits         a  b  c  .  .  .  .  .  .
        x, delimiter    .  .  .  1  .  .  .  .  .
        y               .  .  .  .  a  b  c  .  .
        sample_weight   .  .  .  .  1  1  1  .  .

    Lengths vary within a batch. A batch is as long as its longest sequence needs,
    rounded up to one of four lengths, because XLA compiles once per shape.

    Args:
        min_length: Positive integer, the fewest vectors in a sequence. Defaults to `1`.
        max_length: Positive integer, the most vectors in a sequence. Defaults to `20`.
        num_bits: Positive integer, the bits in a vector. Defaults to `8`.

    Attributes:
        input_size: Integer, the channels of `x` `(batch, timesteps, input_size)`.
        output_size: Integer, the channels of `y` `(batch, timesteps, output_size)`.
            `sample_weight` is `(batch, timesteps)`.

    Raises:
        ValueError: For sizes that are not positive and min_length > max_length.

    Example:

    >>> import keras_nm
    >>> task = keras_nm.tasks.Copy(max_length=20)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=16, seed=1)))
    >>> task.input_size, task.output_size
    (9, 8)
    """

    def __init__(self, min_length=1, max_length=20, num_bits=8):
        self.min_length = check_integer("min_length", min_length)
        self.max_length = check_integer("max_length", max_length)
        self.num_bits = check_integer("num_bits", num_bits)
        if min_length > max_length:
            raise ValueError(
                "`min_length` must be at most `max_length`. "
                f"Received: min_length={min_length}, max_length={max_length}"
            )
        self.input_size = num_bits + 1
        self.output_size = num_bits

    def at_length(self, length):
        return Copy(length, length, self.num_bits)

    def sample(self, key, batch_size):
        length_key, bits_key = tf.unstack(tf.random.split(key, 2, alg="philox"))
        lengths = tf.random.stateless_uniform(
            (batch_size, 1),
            length_key,
            self.min_length,
            self.max_length + 1,
            tf.int32,
            alg="philox",
        )
        # Each batch draws as many bits as the longest could need, so that a sequence
        # depends on nothing but the key.
        bits = tf.random.stateless_uniform(
            (batch_size, self.max_length, self.num_bits),
            bits_key,
            0,
            2,
            tf.int32,
            alg="philox",
        )

        padded_length = self._padded_length(tf.reduce_max(lengths))
        time = tf.range(2 * padded_length + 1)[tf.newaxis]  # (1, T)
        is_input = time < lengths  # (B, T)
        is_delimiter = time == lengths
        is_answer = (time > lengths) & (time <= 2 * lengths)

        # The vector that belongs to each step, by position in the sequence.
        position = tf.where(is_answer, time - lengths - 1, tf.where(is_input, time, 0))
        vectors = tf.gather(tf.cast(bits, tf.float32), position, batch_dims=1)

        def at(steps):
            return tf.cast(steps, tf.float32)[..., tf.newaxis]

        x = tf.concat([vectors * at(is_input), at(is_delimiter)], axis=-1)
        y = vectors * at(is_answer)
        return x, y, tf.cast(is_answer, tf.float32)

    def _padded_length(self, length):
        step = -(-self.max_length // _NUM_PADDED_LENGTHS)
        return tf.minimum(-(-length // step) * step, self.max_length)
