"""The task of reversing a string (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask, places


@dataclass(frozen=True, kw_only=True)
class ReverseString(ChomskyTask):
    """Repeat a binary string backwards.

    The last bit comes first::

        question  1  1  0  1  0
        answer    0  1  0  1  1

    The options are those of `ChomskyTask`.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.ReverseString(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (3, 2)
    """

    name = "reverse_string"
    num_symbols = 2
    num_classes = 2

    def answer_length(self, length):
        return length

    def tokens(self, draws, lengths):
        return draws.integer_data(0, 2, draws.first(lengths, self.max_length))

    def answers(self, tokens, lengths):
        source = lengths - 1 - places(tokens)
        return tf.gather(tokens, tf.maximum(source, 0), batch_dims=1)
