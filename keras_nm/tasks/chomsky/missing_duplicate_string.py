"""The task of a hidden bit (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask, places

_HIDDEN, _PADDING = 2, 3


@dataclass(frozen=True, kw_only=True)
class MissingDuplicateString(ChomskyTask):
    """Find the hidden bit of a binary string that is written twice.

    A token 2 stands for the hidden bit. Questions of odd length end with a token 3. The
    string 0, 1, 1::

        question  0  1  1  0  2  1  3
        answer    1

    The question of length 1 is always 1, and so is its answer.

    The options are those of `ChomskyTask`.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.MissingDuplicateString(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (5, 2)
    """

    name = "missing_duplicate_string"
    num_symbols = 4
    num_classes = 2

    def tokens(self, draws, lengths):
        size = lengths // 2
        bits = draws.integer_data(0, 2, draws.first(size, self.max_length))
        place = places(bits)
        twice = tf.gather(bits, place % tf.maximum(size, 1), batch_dims=1)
        hidden = draws.integers(0, tf.maximum(2 * size, 1), 1)
        tokens = tf.where(tf.equal(place, hidden), _HIDDEN, twice)
        tokens = tf.where(place < 2 * size, tokens, _PADDING)
        return tf.where(tf.equal(lengths, 1), 1, tokens)

    def answers(self, tokens, lengths):
        size = lengths // 2
        is_hidden = tf.equal(tokens, _HIDDEN) & (places(tokens) < lengths)
        hidden = tf.argmax(is_hidden, axis=1, output_type=tf.int32)[:, tf.newaxis]
        other = tf.where(hidden < size, hidden + size, hidden - size)
        return tf.gather(tokens, other, batch_dims=1)
