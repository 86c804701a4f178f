"""The task of sorting (Kaiser and Sutskever 2016, section 3.2)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.neural_gpu.string_task import StringTask


@dataclass(frozen=True, kw_only=True)
class Sort(StringTask):
    """Sort a string, in place.

    The smallest symbol comes first. With two symbols, this is what the paper calls counting
    by sorting bits::

        question  1  0  1  0  0
        answer    0  0  0  1  1

    The options are those of `StringTask`.

    Example:

    >>> from keras_nm.tasks import neural_gpu
    >>> task = neural_gpu.Sort(max_length=7, num_symbols=5)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (5, 5)
    """

    name = "sort"

    def answers(self, tokens, lengths):
        # Padding is larger than any symbol.
        inside = tf.range(self.max_length)[tf.newaxis] < lengths
        return tf.sort(tf.where(inside, tokens, self.num_symbols), axis=1)
