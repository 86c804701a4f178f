"""The base of the tasks on sequences.

Axes: B batch, T time, N vectors of a sequence.
"""

import abc
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from keras_nm.tasks.task import Task

_NUM_PADDED_LENGTHS = 4


@dataclass(frozen=True, kw_only=True)
class SequenceTask(Task):
    """A source of `(x, y, sample_weight)` batches of sequences.

    A batch has enough time steps for its longest sequence. Their number is rounded up to
    one of four values, because XLA compiles once per shape. The last step of a sequence is
    the last step of its answer. The steps after it are padding: zeros.

    Subclasses implement `input_size`, `output_size`, `num_timesteps` and `sample`. Unless
    they say otherwise, `sample` returns `x` `(B, T, input_size)`, `y` `(B, T, output_size)`
    and `sample_weight` `(B, T)`, all float32.
    """

    @property
    @abc.abstractmethod
    def input_size(self):
        """Integer, the number of channels of `x`."""

    @property
    @abc.abstractmethod
    def output_size(self):
        """Integer, the number of channels of `y`."""

    @abc.abstractmethod
    def num_timesteps(self, length):
        """Returns the largest number of time steps that a sequence of this length takes."""

    def unpadded(self, arrays):
        """Removes all steps after the last step of the answer."""
        end = np.flatnonzero(arrays[-1])[-1] + 1
        return [array[:end] for array in arrays]

    def time(self, num_timesteps):
        """Returns the time steps `(1, T)` that padded sequences of `(B, 1)` steps share."""
        longest = self.num_timesteps(self.max_length)
        step = -(-longest // _NUM_PADDED_LENGTHS)
        needed = tf.reduce_max(num_timesteps)
        return tf.range(tf.minimum(-(-needed // step) * step, longest))[tf.newaxis]


def channel(steps):
    """Returns a channel `(B, T, 1)` that is 1 where the booleans `(B, T)` are true."""
    return tf.cast(steps, tf.float32)[..., tf.newaxis]


def vectors_at(steps, vectors, index):
    """Returns the vectors with the given indices at some steps, and zeros elsewhere.

    Args:
        steps: Booleans `(B, T)`.
        vectors: `(B, N, size)`.
        index: int32 `(B, T)`, which only counts at these steps.
    """
    chosen = tf.gather(vectors, tf.where(steps, index, 0), batch_dims=1)
    return chosen * channel(steps)
