"""The task of even pairs (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask, places


@dataclass(frozen=True, kw_only=True)
class EvenPairs(ChomskyTask):
    """Tell whether a binary string has an odd number of unequal neighbours.

    That is so if its first and its last bit differ. Here one pair is unequal, 0 and 1::

        question  0  0  1  1
        answer    1

    The options are those of `ChomskyTask`.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.EvenPairs(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (3, 2)
    """

    name = "even_pairs"
    num_symbols = 2
    num_classes = 2

    def tokens(self, draws, lengths):
        return draws.integer_data(0, 2, draws.first(lengths, self.max_length))

    def answers(self, tokens, lengths):
        place = places(tokens)
        unequal = tf.not_equal(tokens, tf.roll(tokens, 1, axis=1))
        is_pair = (place > 0) & (place < lengths)
        pairs = tf.cast(unequal & is_pair, tf.int32)
        return tf.reduce_sum(pairs, axis=1, keepdims=True) % 2
