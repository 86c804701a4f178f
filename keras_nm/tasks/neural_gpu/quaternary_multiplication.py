"""The task of multiplication in base 4 (Freivalds and Liepins 2017)."""

from dataclasses import dataclass

from keras_nm.tasks.neural_gpu.binary_multiplication import BinaryMultiplication


@dataclass(frozen=True, kw_only=True)
class QuaternaryMultiplication(BinaryMultiplication):
    """Multiply two numbers in base 4.

    Freivalds and Liepins (2017) added this task to those of the paper. Lowest digits come
    first, and zeros fill the product up. Here 13 * 3 = 39::

        question  1  3  *  3  0
        answer    3  1  2  0  0

    The options are those of `ArithmeticTask`.

    Example:

    >>> from keras_nm.tasks import neural_gpu
    >>> task = neural_gpu.QuaternaryMultiplication(max_length=7)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (5, 4)
    """

    name = "quaternary_multiplication"
    num_classes = 4
    base = 4
