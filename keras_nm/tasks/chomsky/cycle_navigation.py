"""The task of moves on a cycle (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass
from types import MappingProxyType

import tensorflow as tf

from keras_nm.arguments import check_choice
from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask, places

# What tokens 0, 1 and 2 add to the position.
_MOVES = MappingProxyType(
    {"back_stay_forward": (-1, 0, 1), "stay_forward_back": (0, 1, -1)}
)


@dataclass(frozen=True, kw_only=True)
class CycleNavigation(ChomskyTask):
    """Follow moves on a cycle of five places, and tell the last place.

    The walk begins at place 0. Here it goes forward, stays, and goes back twice::

        question  2  1  0  0
        answer    4

    Args:
        moves: The meaning of tokens 0, 1 and 2: `"back_stay_forward"` (default), as in the
            benchmark's code, or `"stay_forward_back"`, as in the paper.

    The other options are those of `ChomskyTask`.

    Raises:
        ValueError: For unknown moves.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.CycleNavigation(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (4, 5)
    """

    moves: str = "back_stay_forward"

    name = "cycle_navigation"
    num_symbols = 3
    num_classes = 5

    def __post_init__(self):
        super().__post_init__()
        check_choice("moves", self.moves, _MOVES)

    def tokens(self, draws, lengths):
        return draws.integer_data(0, 3, draws.first(lengths, self.max_length))

    def answers(self, tokens, lengths):
        moves = tf.gather(tf.constant(_MOVES[self.moves]), tokens)
        moves = tf.where(places(tokens) < lengths, moves, 0)
        return tf.reduce_sum(moves, axis=1, keepdims=True) % 5
