"""The memorization task (Joulin and Mikolov 2015, table 1)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.tasks.stack.stack_task import StackTask


@dataclass(frozen=True, kw_only=True)
class ReverseMemorization(StackTask):
    """Repeat random symbols in reverse order after a marker.

    A word of three symbols p, q, r and the marker `#`::

        time            0  1  2  3  4  5
        x               p  q  r  #  r  q
        y               q  r  #  r  q  p
        sample_weight   .  .  .  1  1  1

    Class 0 is the marker. The symbol after the end of a word is random, so it never counts,
    and an example ends with the last symbol of its last word.

    Args:
        min_length: Positive integer, the fewest symbols to repeat. Defaults to `1`.
        max_length: Positive integer, the most symbols to repeat. Defaults to `19`.
        words: Positive integer, the number of words in an example. Nothing marks where one
            ends and the next begins. The last word has the example's length. The length of
            each word before it is drawn from `min_length` to that. Defaults to `1`.
        num_symbols: Positive integer, the number of different symbols besides the marker.
            Defaults to `2`.

    Raises:
        ValueError: For sizes that are not positive, and if min_length > max_length.

    Example:

    >>> from keras_nm.tasks import stack
    >>> task = stack.ReverseMemorization(min_length=3, max_length=3, num_symbols=5)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=1)))
    >>> y[0, 3:].numpy().tolist() == x[0, 2::-1].numpy().argmax(axis=1).tolist()
    True
    """

    num_symbols: int = 2

    name = "reverse_memorization"

    def __post_init__(self):
        super().__post_init__()
        check_integer("num_symbols", self.num_symbols)

    @property
    def num_classes(self):
        """Integer, the number of symbols with the marker."""
        return self.num_symbols + 1

    def largest_word(self, length):
        return 2 * length + 1

    def word(self, draws, lengths):
        among = draws.first(lengths, self.max_length)
        data = draws.integer_data(1, self.num_classes, among)  # (B, max_length)
        place = tf.range(self.largest_word(self.max_length))[tf.newaxis]
        # To the marker and back: 0 1 2 # 2 1 0.
        index = tf.maximum(tf.minimum(place, 2 * lengths - place), 0)
        is_marker = tf.equal(place, lengths)
        chosen = tf.gather(data, tf.where(is_marker, 0, index), batch_dims=1)
        return tf.where(is_marker, 0, chosen), 2 * lengths + 1, place > lengths
