"""The task of arithmetic without brackets (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask, places, scaled

_PLUS, _MINUS, _TIMES = 5, 6, 7


@dataclass(frozen=True, kw_only=True)
class ModularArithmetic(ChomskyTask):
    """Compute a sum of products modulo 5.

    Digits stand at places 0, 2, 4 and so on, and one of the operators +, - and * (tokens 5,
    6 and 7) between them. Multiplication binds first::

        question  1  +  2  *  3
        answer    2

    Even lengths have as many tokens as the odd length before. As in the benchmark, there is
    a token 8 that never occurs.

    The options are those of `ChomskyTask`.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.ModularArithmetic(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (10, 5)
    """

    name = "modular_arithmetic"
    num_symbols = 9
    num_classes = 5

    def num_tokens(self, length):
        return length - 1 + length % 2

    def tokens(self, draws, lengths):
        # Digits and operators are drawn apart, so that each are in the pattern.
        digits = draws.integer_data(0, 5, draws.first(lengths, self.max_length))
        operators = _PLUS + scaled(draws.uniform(self.max_length), 3)
        return tf.where(tf.equal(places(digits) % 2, 0), digits, operators)

    def answers(self, tokens, lengths):
        is_token = places(tokens) < self.num_tokens(lengths)
        # What follows adds 0.
        padded = tf.where(is_token, tokens, tf.where(places(tokens) % 2 > 0, _PLUS, 0))
        digits, operators = padded[:, 2::2], padded[:, 1::2]
        count = digits.shape[1]

        def step(state, element):
            total, product = state  # of all products before, and of the last
            operator, digit = element
            is_times = tf.equal(operator, _TIMES)
            total = tf.where(is_times, total, (total + product) % 5)
            digit = tf.where(tf.equal(operator, _MINUS), -digit, digit)
            return total, tf.where(is_times, product * digit % 5, digit)

        elements = tf.transpose(operators[:, :count]), tf.transpose(digits)
        initial = tf.zeros_like(padded[:, 0]), padded[:, 0]
        total, product = tf.foldl(step, elements, initial) if count else initial
        return ((total + product) % 5)[:, tf.newaxis]
