"""The task of parity (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask, places


@dataclass(frozen=True, kw_only=True)
class ParityCheck(ChomskyTask):
    """Tell whether a binary string has an odd number of ones.

    Here are three::

        question  1  0  1  1
        answer    1

    The options are those of `ChomskyTask`.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.ParityCheck(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (3, 2)
    """

    name = "parity_check"
    num_symbols = 2
    num_classes = 2

    def tokens(self, draws, lengths):
        return draws.integer_data(0, 2, draws.first(lengths, self.max_length))

    def answers(self, tokens, lengths):
        ones = tf.where(places(tokens) < lengths, tokens, 0)
        return tf.reduce_sum(ones, axis=1, keepdims=True) % 2
