"""The base of the tasks on two binary numbers (Delétang et al. 2023)."""

import abc
from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask, ended, places
from keras_nm.tasks.numbers import nonzero, num_digits

_SEPARATOR = 2


@dataclass(frozen=True, kw_only=True)
class BinaryTask(ChomskyTask):
    """A source of two binary numbers with a 2 between them, and of a third that answers.

    Lowest bits come first. An answer ends with a 2, and zeros pad it. In a question of
    length n the first number has 1 to n - 2 bits, all equally likely, and so has each
    number but 0. Questions of length 1 and 2 have one number only, which may be 0 but has
    no pair of ones.

    Subclasses implement `result`.
    """

    num_symbols = 3
    num_classes = 3
    end_token = 2

    @abc.abstractmethod
    def result(self, first, second):
        """Returns the bits `(B, A)` of the answer to two numbers of `(B, A)` bits."""

    def tokens(self, draws, lengths):
        size = draws.integers(1, tf.maximum(lengths - 1, 2), 1)
        bits = draws.integer_data(0, 2, draws.first(lengths, self.max_length))
        bits = nonzero(draws, bits, 0, size)
        bits = nonzero(draws, bits, size + 1, lengths - 1 - size)
        place = places(bits)
        tokens = tf.where(tf.equal(place, size), _SEPARATOR, bits)

        span = tf.where(tf.equal(lengths, 1), 1, 3)
        short = draws.integers(0, span, 1)
        short = tf.bitwise.right_shift(short, tf.minimum(place, 31)) % 2
        return tf.where(lengths > 2, tokens, short)

    def answers(self, tokens, lengths):
        place = places(tokens)
        is_separator = tf.equal(tokens, _SEPARATOR) & (place < lengths)
        # Without a separator, the second number is 0.
        size = tf.where(is_separator, place, lengths)
        size = tf.reduce_min(size, axis=1, keepdims=True)  # (B, 1)
        first = tf.where(place < size, tokens, 0)
        source = place + size + 1
        second = tf.gather(tokens, tf.where(source < lengths, source, 0), batch_dims=1)
        second = tf.where(source < lengths, second, 0)

        num_answers = self.answer_length(self.max_length)
        padding = [[0, 0], [0, num_answers - self.max_length]]
        bits = self.result(tf.pad(first, padding), tf.pad(second, padding))
        # There is always room for the end.
        sizes = tf.minimum(num_digits(bits), self.answer_length(lengths) - 1)
        return ended(bits, sizes, self.end_token)
