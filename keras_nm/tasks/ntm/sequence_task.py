"""What the tasks of the Neural Turing Machine have in common: sequences of vectors.

Axes: B batch, T time, N vectors of a sequence.
"""

import abc
from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.task import Task

_NUM_PADDED_LENGTHS = 4


@dataclass(frozen=True, kw_only=True)
class SequenceTask(Task):
    """A source of `(x, y, sample_weight)` batches of sequences.

    A batch has as many time steps as its longest sequence needs, rounded up to one of four
    numbers, because XLA compiles once per shape. The last step of a sequence is the last
    step of its answer. What is behind it is padding: zeros.

    Subclasses implement `input_size`, `output_size`, `num_timesteps` and `sample`, which
    gives `x` `(B, T, input_size)`, `y` `(B, T, output_size)` and `sample_weight` `(B, T)`,
    all float32.
    """

    @property
    @abc.abstractmethod
    def input_size(self):
        """Integer, the channels of `x`."""

    @property
    @abc.abstractmethod
    def output_size(self):
        """Integer, the channels of `y`."""

    @abc.abstractmethod
    def num_timesteps(self, length):
        """Integer, how many time steps a sequence of that length takes at most."""

    def time(self, num_timesteps):
        """The time steps of a padded batch, `(1, T)`, for sequences of `(B, 1)` steps."""
        longest = self.num_timesteps(self.max_length)
        step = -(-longest // _NUM_PADDED_LENGTHS)
        needed = tf.reduce_max(num_timesteps)
        return tf.range(tf.minimum(-(-needed // step) * step, longest))[tf.newaxis]


def channel(steps):
    """A channel `(B, T, 1)` which is 1 where the booleans `(B, T)` are true."""
    return tf.cast(steps, tf.float32)[..., tf.newaxis]


def vectors_at(steps, vectors, index):
    """The vectors `(B, N, size)` of the given indices at some steps, zeros elsewhere.

    Args:
        steps: Booleans `(B, T)`.
        vectors: `(B, N, size)`.
        index: int32 `(B, T)`, which counts at these steps only.
    """
    chosen = tf.gather(vectors, tf.where(steps, index, 0), batch_dims=1)
    return chosen * channel(steps)
