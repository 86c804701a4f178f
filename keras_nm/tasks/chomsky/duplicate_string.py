"""The task of repeating a string twice (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask


@dataclass(frozen=True, kw_only=True)
class DuplicateString(ChomskyTask):
    """Repeat a binary string twice.

    The answer is twice as long as the question::

        question  1  1  0
        answer    1  1  0  1  1  0

    The options are those of `ChomskyTask`.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.DuplicateString(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (3, 2)
    """

    name = "duplicate_string"
    num_symbols = 2
    num_classes = 2

    def answer_length(self, length):
        return 2 * length

    def tokens(self, draws, lengths):
        return draws.integer_data(0, 2, draws.first(lengths, self.max_length))

    def answers(self, tokens, lengths):
        place = tf.range(2 * tokens.shape[1])[tf.newaxis]
        return tf.gather(tokens, place % lengths, batch_dims=1)
