"""The task of an equation with brackets (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.chomsky import expressions
from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask, places

# There is no *, so the symbols of expressions after it move one down.
_OPEN, _X, _EQUALS = 7, 9, 10


@dataclass(frozen=True, kw_only=True)
class SolveEquation(ChomskyTask):
    """Find the digit x that solves an equation with brackets modulo 5.

    The left side is an expression as in `ModularArithmeticBrackets`, without products, and
    x stands for one of its digits. The right side is a digit::

        question  (  -  x  +  2  )  =  4
        answer    3

    Tokens 5 to 10 are +, -, (, ), x and =. Questions of length 1 and 2 are zeros, and so is
    their answer.

    The options are those of `ChomskyTask`.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.SolveEquation(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (12, 5)
    """

    name = "solve_equation"
    num_symbols = 11
    num_classes = 5

    def tokens(self, draws, lengths):
        sizes = tf.maximum(lengths - 2, 1)
        tokens = expressions.sample(draws, sizes, self.max_length, operators=2)
        value = expressions.evaluate(tokens, sizes)[:, tf.newaxis]
        place = places(tokens)
        # The first digit from a random place on, which may be past the end.
        start = draws.integers(0, sizes, 1)
        is_digit = (tokens < expressions.PLUS) & (place < sizes)
        distance = tf.where(is_digit, (place - start) % sizes, sizes)
        hidden = tf.argmin(distance, axis=1, output_type=tf.int32)[:, tf.newaxis]

        tokens = tf.where(tokens >= expressions.OPEN, tokens - 1, tokens)
        tokens = tf.where(tf.equal(place, hidden), _X, tokens)
        tokens = tf.where(tf.equal(place, sizes), _EQUALS, tokens)
        tokens = tf.where(place > sizes, value, tokens)
        return tf.where(lengths > 2, tokens, 0)

    def answers(self, tokens, lengths):
        sizes = tf.maximum(lengths - 2, 1)
        last = tf.gather(tokens, lengths - 1, batch_dims=1)
        is_x = tf.equal(tokens, _X)
        symbols = tf.where(tokens >= _OPEN, tokens + 1, tokens)
        # Both with 0 and with 1 for x. Without products, x counts 1 or -1 times.
        guesses = [tf.where(is_x, guess, symbols) for guess in (0, 1)]
        values = expressions.evaluate(tf.concat(guesses, 0), tf.concat([sizes] * 2, 0))
        at_0, at_1 = (part[:, tf.newaxis] for part in tf.split(values, 2))
        return (last - at_0) * (at_1 - at_0) % 5
