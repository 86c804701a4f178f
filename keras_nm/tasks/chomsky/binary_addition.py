"""The task of addition (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass

from keras_nm.tasks.chomsky.binary_task import BinaryTask
from keras_nm.tasks.numbers import carried


@dataclass(frozen=True, kw_only=True)
class BinaryAddition(BinaryTask):
    """Add two binary numbers.

    Lowest bits come first, and a 2 stands between the numbers. The answer ends with a 2.
    Padding makes it one longer than the question. Here 2 + 3 = 5::

        question  0  1  2  1  1
        answer    1  0  1  2  0  0

    The options are those of `ChomskyTask`.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.BinaryAddition(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (4, 3)
    """

    name = "binary_addition"

    def answer_length(self, length):
        return length + 1

    def result(self, first, second):
        return carried(first + second)[0]
