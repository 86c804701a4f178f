"""The task of arithmetic without brackets (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.arguments import check_choice
from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask, places, scaled

EVEN_LENGTHS = ("one_less", "one_more")
_PLUS, _MINUS, _TIMES = 5, 6, 7


@dataclass(frozen=True, kw_only=True)
class ModularArithmetic(ChomskyTask):
    """Compute a sum of products modulo 5.

    Digits stand at places 0, 2, 4 and so on, and one of the operators +, - and * (tokens 5,
    6 and 7) between them. Multiplication binds first::

        question  1  +  2  *  3
        answer    2

    A question has an odd number of tokens. As in the benchmark, there is a token 8 that
    never occurs.

    Args:
        even_lengths: How an even length becomes odd: `"one_less"` (default), as in the
            benchmark's code, or `"one_more"`, as in the paper.

    The other options are those of `ChomskyTask`.

    Raises:
        ValueError: For another way.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.ModularArithmetic(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (10, 5)
    """

    even_lengths: str = EVEN_LENGTHS[0]

    name = "modular_arithmetic"
    num_symbols = 9
    num_classes = 5

    def __post_init__(self):
        super().__post_init__()
        check_choice("even_lengths", self.even_lengths, EVEN_LENGTHS)

    def num_tokens(self, length):
        is_even = 1 - length % 2
        return length + (is_even if self.even_lengths == "one_more" else -is_even)

    def tokens(self, draws, lengths):
        # Digits and operators are drawn apart, so that each are in the pattern.
        size = max(self.max_length, self.num_tokens(self.max_length))
        counts = draws.first(self.num_tokens(lengths), size)
        digits = draws.integer_data(0, 5, counts)
        operators = _PLUS + scaled(draws.uniform(size), 3)
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
