"""The base of the tasks on sequences of tokens.

Axes: B batch, T time.
"""

import abc
from dataclasses import dataclass
from typing import ClassVar

from keras_nm.tasks.sequence_task import SequenceTask


@dataclass(frozen=True, kw_only=True)
class TokenTask(SequenceTask):
    """A source of `(x, y, sample_weight)` batches of sequences of tokens.

    Subclasses have the class attribute `num_classes`, and implement `input_size`,
    `num_timesteps` and `sample`. `sample` returns `x` `(B, T, input_size)`, float32 and
    one-hot; `y` `(B, T)`, int32, the classes of the answer and 0 elsewhere, if a task says
    nothing else; and `sample_weight` `(B, T)`, float32.

    Attributes:
        num_classes: Integer, the number of classes of an answer's tokens.
        end_token: The class after which the rest of an answer is padding, or `None`
            (default) if answers have no such end.
    """

    num_classes: ClassVar[int]
    end_token: ClassVar[int | None] = None

    @property
    def output_size(self):
        """Integer, the number of logits per step."""
        return self.num_classes

    @property
    @abc.abstractmethod
    def input_size(self):
        """Integer, the number of channels of `x`."""
