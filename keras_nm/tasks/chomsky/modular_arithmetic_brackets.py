"""The task of arithmetic with brackets (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.chomsky import expressions
from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask


@dataclass(frozen=True, kw_only=True)
class ModularArithmeticBrackets(ChomskyTask):
    """Compute the value of an expression with brackets modulo 5.

    Every operation is in brackets, and a digit may be negated or in brackets::

        question  (  -  3  *  (  2  )  )
        answer    4

    Tokens 5 to 9 are `+`, `-`, `*`, `(` and `)`. Token 10 never occurs, as in the
    benchmark. A long expression is split in two at a random operator, and its parts
    likewise.

    The options are those of `ChomskyTask`.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.ModularArithmeticBrackets(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (12, 5)
    """

    name = "modular_arithmetic_brackets"
    num_symbols = 11
    num_classes = 5

    def tokens(self, draws, lengths):
        return expressions.sample(draws, lengths, self.max_length, operators=3)

    def answers(self, tokens, lengths):
        return expressions.evaluate(tokens, lengths)[:, tf.newaxis]
