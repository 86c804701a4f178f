"""The task of reversing (Kaiser and Sutskever 2016, section 3.2)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.neural_gpu.string_task import StringTask


@dataclass(frozen=True, kw_only=True)
class Reverse(StringTask):
    """Reverse a string, in place.

    ::

        question  1  0  1  0  0
        answer    0  0  1  0  1

    The options are those of `StringTask`.

    Example:

    >>> from keras_nm.tasks import neural_gpu
    >>> task = neural_gpu.Reverse(max_length=7)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (2, 2)
    """

    name = "reverse"

    def answers(self, tokens, lengths):
        source = lengths - 1 - tf.range(self.max_length)[tf.newaxis]
        return tf.gather(tokens, tf.maximum(source, 0), batch_dims=1)
