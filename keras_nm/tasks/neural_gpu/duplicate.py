"""The task of duplicating (Kaiser and Sutskever 2016, section 3.2)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.neural_gpu.string_task import StringTask


@dataclass(frozen=True, kw_only=True)
class Duplicate(StringTask):
    """Write a string twice: in its place, and in the room behind it.

    The room is as long as the string, and has a token of its own::

        question  1  0  0  .  .  .
        answer    1  0  0  1  0  0

    The length counts the room, so it is even. The options are those of `StringTask`.

    Example:

    >>> from keras_nm.tasks import neural_gpu
    >>> task = neural_gpu.Duplicate(max_length=8)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (3, 2)
    """

    name = "duplicate"
    smallest_length = 2
    length_step = 2

    @property
    def input_size(self):
        return self.num_symbols + 1

    def tokens(self, draws, lengths):
        place = tf.range(self.max_length)[tf.newaxis]
        symbols = super().tokens(draws, lengths // 2)
        return tf.where(place < lengths // 2, symbols, self.num_symbols)

    def answers(self, tokens, lengths):
        place = tf.range(self.max_length)[tf.newaxis]
        return tf.gather(tokens, place % (lengths // 2), batch_dims=1)
