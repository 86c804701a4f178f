"""The binary addition task (Joulin and Mikolov 2015, section 5)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.numbers import carried, num_digits
from keras_nm.tasks.stack.stack_task import StackTask, joined

_PLUS, _EQUALS, _END, _ZERO = range(4)


@dataclass(frozen=True, kw_only=True)
class BinaryAddition(StackTask):
    """Add two binary numbers, and write the sum with its lowest digit first.

    The word for 5 + 1 = 6::

        time            0  1  2  3  4  5  6  7  8
        x               1  0  1  +  1  =  0  1  1
        y               0  1  +  1  =  0  1  1  .
        sample_weight   .  .  .  .  .  1  1  1  1

    The length of a word is the number of digits of both numbers together. All numbers of
    digits of the first one, from none to all, are equally likely. The highest digit of a
    number is 1. A number without digits is written as `0`. Only the sum and the `.` count.
    The classes 0 to 4 are `+`, `=`, `.`, `0` and `1`.

    Args:
        min_length: Positive integer, the fewest digits of both numbers. Defaults to `1`.
        max_length: Positive integer, the most digits of both numbers. Defaults to `19`.
        words: Positive integer, the number of words in an example. The last word has the
            example's length. The length of each word before it is drawn from `min_length`
            to that. Defaults to `1`.

    Raises:
        ValueError: For sizes that are not positive, and if min_length > max_length.

    Example:

    >>> from keras_nm.tasks import stack
    >>> task = stack.BinaryAddition(min_length=4, max_length=4)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=1, seed=2)))
    >>> "".join("+=.01"[symbol] for symbol in y[0])  # 3 + 3 = 6 without its first digit
    '1+11=011.'
    """

    name = "binary_addition"
    num_classes = 5

    def largest_word(self, length):
        return 2 * length + 4  # that of 0 and a number of all digits

    def word(self, draws, lengths):
        among = draws.first(lengths, self.max_length)
        digits = tf.cast(draws.bits(among, 1)[..., 0], tf.int32)  # (B, max_length)
        first = draws.integers(0, lengths + 1, 1)  # how many digits are in which number
        second = lengths - first
        place = tf.range(self.max_length)[tf.newaxis]
        digits = tf.where(tf.equal(place, 0) | tf.equal(place, first), 1, digits)

        def number(start, size, index):
            """The digits of a number at some indices, and 0 where it has none."""
            inside = (index >= 0) & (index < size)
            found = tf.gather(digits, tf.where(inside, start + index, 0), batch_dims=1)
            return tf.where(inside, found, 0)

        lowest_first = [
            number(start, size, size - 1 - place)
            for start, size in ((0, first), (first, second))
        ]
        total = carried(tf.pad(tf.add_n(lowest_first), [[0, 0], [0, 1]]))[0]  # (B, N + 1)
        one = tf.ones_like(lengths)
        parts = (
            (_ZERO + number(0, first, place), tf.maximum(first, 1)),
            (_PLUS * one, one),
            (_ZERO + number(first, second, place), tf.maximum(second, 1)),
            (_EQUALS * one, one),
            (_ZERO + total, num_digits(total)),
            (_END * one, one),
        )
        symbols, sizes = zip(*parts, strict=True)
        steps = tf.range(self.largest_word(self.max_length))[tf.newaxis]
        is_answer = steps >= tf.add_n(sizes[:4])
        return joined(symbols, sizes, steps), tf.add_n(sizes), is_answer
