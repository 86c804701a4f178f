"""The task of square roots (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.arguments import check_boolean
from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask, places
from keras_nm.tasks.numbers import nonzero, square_root


@dataclass(frozen=True, kw_only=True)
class ComputeSqrt(ChomskyTask):
    """Compute the square root of a binary number, rounded down.

    Highest bits come first. Here the root of 14 is 3::

        question  1  1  1  0
        answer    1  1

    All numbers but 0 are equally likely.

    Args:
        big_endian: Boolean, whether the highest bit comes first in the question and in the
            answer, as in the benchmark's code (default). In the paper, the lowest does.

    The other options are those of `ChomskyTask`.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.ComputeSqrt(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (3, 2)
    """

    big_endian: bool = True

    name = "compute_sqrt"
    num_symbols = 2
    num_classes = 2

    def __post_init__(self):
        super().__post_init__()
        check_boolean("big_endian", self.big_endian)

    def answer_length(self, length):
        return (length + 1) // 2

    def tokens(self, draws, lengths):
        bits = draws.integer_data(0, 2, draws.first(lengths, self.max_length))
        return nonzero(draws, bits, 0, lengths)

    def answers(self, tokens, lengths):
        bits = tf.where(places(tokens) < lengths, tokens, 0)
        bits = tf.pad(self._turned(bits, lengths), [[0, 0], [0, self.max_length % 2]])
        return self._turned(square_root(bits), self.answer_length(lengths))

    def _turned(self, bits, sizes):
        """Reverses the first bits of each row, if the highest come first."""
        if not self.big_endian:
            return bits
        place = places(bits)
        source = tf.where(place < sizes, sizes - 1 - place, place)
        return tf.gather(bits, source, batch_dims=1)
