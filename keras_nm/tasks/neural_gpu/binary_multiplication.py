"""The task of multiplication (Kaiser and Sutskever 2016, section 3.1)."""

from dataclasses import dataclass

from keras_nm.tasks.neural_gpu.arithmetic_task import ArithmeticTask
from keras_nm.tasks.numbers import product


@dataclass(frozen=True, kw_only=True)
class BinaryMultiplication(ArithmeticTask):
    """Multiply two binary numbers of many digits.

    Lowest digits come first, and zeros fill the product up, where the paper has blanks.
    Here 5 * 3 = 15::

        question  1  0  1  *  1  1  0
        answer    1  1  1  1  0  0  0

    The options are those of `ArithmeticTask`.

    Example:

    >>> from keras_nm.tasks import neural_gpu
    >>> task = neural_gpu.BinaryMultiplication(max_length=7)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (3, 2)
    """

    name = "binary_multiplication"
    num_classes = 2

    def result(self, first, second, sizes):
        return product(first, second, self.base)
