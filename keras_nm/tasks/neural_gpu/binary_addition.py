"""The task of addition (Kaiser and Sutskever 2016, section 3.1)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.neural_gpu.arithmetic_task import ArithmeticTask
from keras_nm.tasks.numbers import carried, num_digits


@dataclass(frozen=True, kw_only=True)
class BinaryAddition(ArithmeticTask):
    """Add two binary numbers of many digits.

    Lowest digits come first. The sum has no zeros above its highest digit. Behind it, all
    positions have the class 2, which is blank. Here 5 + 3 = 8::

        question  1  0  1  +  1  1  0
        answer    0  0  0  1  2  2  2

    The options are those of `ArithmeticTask`.

    Example:

    >>> from keras_nm.tasks import neural_gpu
    >>> task = neural_gpu.BinaryAddition(max_length=7)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (3, 3)
    """

    name = "binary_addition"
    num_classes = 3

    def result(self, first, second, sizes):
        total, _ = carried(first + second)
        place = tf.range(self.max_length)[tf.newaxis]
        return tf.where(place < num_digits(total), total, 2)
