"""The task of sorting (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask, places


@dataclass(frozen=True, kw_only=True)
class BucketSort(ChomskyTask):
    """Sort a string of five different symbols.

    The smallest symbol comes first::

        question  4  1  0  1  2
        answer    0  1  1  2  4

    A guess from the place alone is right for most tokens of long strings. See
    `keras_nm.tasks.guess_accuracy`.

    The options are those of `ChomskyTask`.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.BucketSort(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (6, 5)
    """

    name = "bucket_sort"
    num_symbols = 5
    num_classes = 5

    def answer_length(self, length):
        return length

    def tokens(self, draws, lengths):
        return draws.integer_data(0, 5, draws.first(lengths, self.max_length))

    def answers(self, tokens, lengths):
        # Padding is larger than any symbol.
        return tf.sort(tf.where(places(tokens) < lengths, tokens, self.num_symbols), axis=1)
