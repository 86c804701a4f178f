"""The repeat copy task (Graves et al. 2014, section 4.2)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.arguments import check_choice, check_integer
from keras_nm.tasks.sequence_task import SequenceTask, channel, vectors_at

# The paper's counts are 1 to 10 and equally likely.
_MEAN_COUNT = 5.5
_DEVIATION_OF_COUNTS = 8.25**0.5

_COUNT_CODES = ("number", "vector", "marks")


@dataclass(frozen=True, kw_only=True)
class RepeatCopy(SequenceTask):
    """Repeat a sequence of random vectors a given number of times, then mark the end.

    Two vectors a, b, repeated three times::

        time            0  1  2  3  4  5  6  7  8  9 10
        x, bits         a  b  .  .  .  .  .  .  .  .  .
        x, delimiter    .  .  1  .  .  .  .  .  .  .  .
        x, count        .  .  .  n  .  .  .  .  .  .  .
        y, bits         .  .  .  .  a  b  a  b  a  b  .
        y, end          .  .  .  .  .  .  .  .  .  .  1
        sample_weight   .  .  .  .  1  1  1  1  1  1  1

    The count is scaled, here to `n = (3 - 5.5) / sqrt(8.25)`, so that the counts from 1 to
    10 have a mean of 0 and a variance of 1. The scale is the same for other ranges, so you
    can test a model on larger counts than it was trained on. This is how the paper gives
    the count. There are two other ways:

    - As a vector: the bits of step 3 are the count as a binary number, the lowest digit
      first, and n is 1.
    - As marks: there are as many steps with n = 1 as repetitions, here three. The answer
      begins after them.

    Args:
        min_length: Positive integer, the fewest vectors in a sequence. Defaults to `1`.
        max_length: Positive integer, the most vectors in a sequence. Defaults to `10`.
        min_repeats: Positive integer, the smallest count. Defaults to `1`.
        max_repeats: Positive integer, the largest count. Defaults to `10`.
        num_bits: Positive integer, the number of bits in a vector. Defaults to `8`.
        count_code: String, how the input gives the count: `"number"`, `"vector"` or
            `"marks"`. Defaults to `"number"`.

    Raises:
        ValueError: For sizes that are not positive, if a minimum is above its maximum, for
            another code, and for counts that take more than `num_bits` digits as a vector.

    Example:

    >>> from keras_nm.tasks import ntm
    >>> task = ntm.RepeatCopy(max_length=5, max_repeats=3)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=16)))
    >>> task.input_size, task.output_size
    (10, 9)
    """

    min_repeats: int = 1
    max_repeats: int = 10
    num_bits: int = 8
    count_code: str = "number"

    name = "repeat_copy"

    def __post_init__(self):
        super().__post_init__()
        for size in ("min_repeats", "max_repeats", "num_bits"):
            check_integer(size, getattr(self, size))
        if self.min_repeats > self.max_repeats:
            raise ValueError(
                "`min_repeats` must be at most `max_repeats`. Received: "
                f"min_repeats={self.min_repeats}, max_repeats={self.max_repeats}"
            )
        check_choice("count_code", self.count_code, _COUNT_CODES)
        if self.count_code == "vector" and self.max_repeats >= 2**self.num_bits:
            raise ValueError(
                f"The largest count in {self.num_bits} bits is {2**self.num_bits - 1}. "
                f"Take a larger `num_bits`. Received: max_repeats={self.max_repeats}"
            )

    @property
    def input_size(self):
        return self.num_bits + 2

    @property
    def output_size(self):
        return self.num_bits + 1

    def num_timesteps(self, length):
        count_steps = self.max_repeats if self.count_code == "marks" else 1
        return length * (1 + self.max_repeats) + count_steps + 2

    def sample(self, draws, lengths):
        vectors = draws.bits(draws.first(lengths, self.max_length), self.num_bits)
        repeats = draws.integers(self.min_repeats, self.max_repeats + 1, 1)
        count_steps = repeats if self.count_code == "marks" else 1
        answer = lengths + 1 + count_steps  # when it begins
        end = answer + lengths * repeats
        time = self.time(end + 1)
        is_count = (time > lengths) & (time < answer)
        is_copy = (time >= answer) & (time < end)
        is_end = tf.equal(time, end)
        bits = vectors_at(time < lengths, vectors, time)
        count = channel(is_count)
        if self.count_code == "number":
            scaled = (tf.cast(repeats, tf.float32) - _MEAN_COUNT) / _DEVIATION_OF_COUNTS
            count *= scaled[..., tf.newaxis]
        elif self.count_code == "vector":
            places = tf.minimum(tf.range(self.num_bits), 31)  # those of an int32
            digits = tf.bitwise.right_shift(repeats, places) % 2  # (B, num_bits)
            bits += count * tf.cast(digits, tf.float32)[:, tf.newaxis]
        x = [bits, channel(tf.equal(time, lengths)), count]
        y = [vectors_at(is_copy, vectors, (time - answer) % lengths), channel(is_end)]
        is_answer = tf.cast(is_copy | is_end, tf.float32)
        return tf.concat(x, axis=-1), tf.concat(y, axis=-1), is_answer
