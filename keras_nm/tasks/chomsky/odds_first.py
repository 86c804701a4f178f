"""The task of odd places first (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask, places


@dataclass(frozen=True, kw_only=True)
class OddsFirst(ChomskyTask):
    """Repeat the bits at odd places of a binary string, then those at even places.

    Places count from 0, so a string a, b, c, d, e has b and d at odd places::

        question  a  b  c  d  e
        answer    b  d  a  c  e

    Args:
        count_from: The number of the first place: 0 (default), as in the benchmark's code,
            or 1, as in the paper's text.

    The other options are those of `ChomskyTask`.

    Raises:
        ValueError: For another number of the first place.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.OddsFirst(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (3, 2)
    """

    count_from: int = 0

    name = "odds_first"
    num_symbols = 2
    num_classes = 2

    def __post_init__(self):
        super().__post_init__()
        check_integer("count_from", self.count_from, 0, 1)

    def answer_length(self, length):
        return length

    def tokens(self, draws, lengths):
        return draws.integer_data(0, 2, draws.first(lengths, self.max_length))

    def answers(self, tokens, lengths):
        place = places(tokens)
        num_odd = (lengths + self.count_from) // 2
        odd = 2 * place + 1 - self.count_from
        even = 2 * (place - num_odd) + self.count_from
        source = tf.where(place < num_odd, odd, even)
        return tf.gather(tokens, tf.minimum(source, lengths - 1), batch_dims=1)
