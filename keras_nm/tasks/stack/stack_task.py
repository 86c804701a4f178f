"""The base of the tasks of the stack-augmented recurrent network.

Axes: B batch, T time, N symbols of a word.
"""

import abc
from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.tasks.token_task import TokenTask


@dataclass(frozen=True, kw_only=True)
class StackTask(TokenTask):
    """A source of `(x, y, sample_weight)` batches of words whose symbols are predicted.

    An example is a row of words without marks between them. At each time step, `x` is one
    symbol and `y` is the next one. `sample_weight` is 1 where the symbols so far determine
    the next one. `y` holds the next symbol at the other steps too, so you may also train on
    all steps.

    The last word has the example's length. The length of each word before it is drawn from
    `min_length` to the example's length.

    Subclasses have the class attribute `num_classes`, and implement `largest_word` and
    `word`.

    Args:
        words: Positive integer, the number of words in an example. Defaults to `1`.

    Attributes:
        starts_with_class_0: Boolean, whether every word begins with class 0. Then the end
            of a word determines the next symbol, and an example ends with that symbol.
    """

    max_length: int = 19
    words: int = 1

    starts_with_class_0: ClassVar[bool] = False

    def __post_init__(self):
        super().__post_init__()
        check_integer("words", self.words)

    @property
    def input_size(self):
        return self.num_classes

    @abc.abstractmethod
    def largest_word(self, length):
        """Returns the largest number of symbols of a word of this length."""

    @abc.abstractmethod
    def word(self, draws, lengths):
        """Makes one word for each example.

        Args:
            draws: `Draws`, the source of all random numbers.
            lengths: int32 tensor `(B, 1)`, the length of each word.

        Returns:
            A tuple `(symbols, size, is_determined)`. `symbols` is int32 `(B, N)`. `size`
            `(B, 1)` is how many of them belong to the word. `is_determined` `(B, N)` is
            true for a symbol that the symbols before it determine.
        """

    def num_timesteps(self, length):
        return self.words * self.largest_word(length) - 1 + self.starts_with_class_0

    def sample(self, draws, lengths):
        # A curriculum may give lengths below the task's shortest.
        shortest = tf.minimum(self.min_length, lengths)
        earlier = [draws.integers(shortest, lengths + 1, 1) for _ in range(self.words - 1)]
        made = [self.word(draws, each) for each in (*earlier, lengths)]
        symbols, sizes, is_determined = zip(*made, strict=True)

        end = tf.add_n(sizes)  # (B, 1), the number of all symbols
        num_steps = end - 1 + self.starts_with_class_0
        time = self.time(num_steps)
        is_step = time < num_steps  # (B, T)
        present = joined(symbols, sizes, time)
        # After the last word comes the first symbol of another, if that is known.
        is_word = time + 1 < end
        following = tf.where(is_word, joined(symbols, sizes, time + 1), 0)
        is_answer = is_step & (joined(is_determined, sizes, time + 1) | ~is_word)

        x = tf.one_hot(tf.where(is_step, present, -1), self.num_classes)
        return x, following, tf.cast(is_answer, tf.float32)


def joined(parts, sizes, steps):
    """Joins rows of different sizes, and returns what is at some steps.

    Args:
        parts: List of tensors `(B, N)`. N may differ between the parts.
        sizes: List of int32 tensors `(B, 1)`, how many entries of each part count.
        steps: int32 tensor `(1, T)`.

    Returns:
        A tensor `(B, T)`. It has no meaning after the end of the last part.
    """
    rows, sizes = tf.concat(parts, axis=1), tf.concat(sizes, axis=1)  # (B, all N), (B, K)
    unused = tf.constant([part.shape[1] for part in parts]) - sizes
    has_ended = steps[..., tf.newaxis] >= tf.cumsum(sizes, axis=1)[:, tf.newaxis]
    # A step skips the unused entries of the parts before. (B, T)
    skipped = tf.where(has_ended, unused[:, tf.newaxis], 0)[..., :-1]
    index = steps + tf.reduce_sum(skipped, axis=-1)
    return tf.gather(rows, tf.minimum(index, rows.shape[1] - 1), batch_dims=1)
