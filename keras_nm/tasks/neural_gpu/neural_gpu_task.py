"""The base of the tasks of the Neural GPU (Kaiser and Sutskever 2016).

Axes: B batch, T time, the positions of a sequence.
"""

import abc
import itertools
from dataclasses import dataclass, replace

import tensorflow as tf

from keras_nm.arguments import check_integers
from keras_nm.tasks.token_task import TokenTask


@dataclass(frozen=True, kw_only=True)
class NeuralGPUTask(TokenTask):
    """A source of questions that are answered in place.

    A Neural GPU has one output per position of its input. So the answer is as long as the
    question, which has the room that the answer takes, and every position counts. A
    question a, b, c with the answer d, e, f, in a batch that is padded to five positions::

        time            0  1  2  3  4
        x, token        a  b  c  .  .
        y               d  e  f  .  .
        sample_weight   1  1  1  .  .

    Tokens are one-hot, and padding is zeros. So the input alone says which positions are
    padding.

    The length is the number of positions. A task may have no examples of some lengths, such
    as of even ones. Then bounds between its lengths mean the lengths within, and what a
    curriculum draws is rounded down.

    Subclasses have the class attribute `num_classes`, and implement `input_size`, `tokens`
    and `answers`.

    Args:
        min_length: Positive integer, the fewest positions. Defaults to the task's smallest
            length.
        max_length: Positive integer, the most positions. Defaults to `41`.
        buckets: `None` (default), or increasing integers, such as `(8, 12, 16, 20, 25, 28,
            31, 36, 41)`, as published. Each batch then has the lengths of one bucket, from
            just above the bucket before, and is padded to it. Batches take the buckets in
            turn, so that K batches in a row have all lengths, and an example depends on its
            batch. Sets for evaluation are made without buckets.

    Attributes:
        length_step: Integer, the distance between two lengths that examples can have.

    Raises:
        ValueError: For lengths out of range, for buckets that do not increase or end below
            `max_length`, and if no example has a length in the range or in a bucket.
    """

    max_length: int = 41
    buckets: tuple[int, ...] | None = None

    def __post_init__(self):
        super().__post_init__()
        lengths = self._existing(self.min_length, self.max_length)
        for name, length in zip(("min_length", "max_length"), lengths, strict=True):
            object.__setattr__(self, name, length)
        if self.buckets is not None:
            object.__setattr__(self, "buckets", self._checked_buckets())
        self._ranges()  # fails now, and not in a pipeline

    @abc.abstractmethod
    def tokens(self, draws, lengths):
        """Draws the tokens of questions, int32 `(B, max_length)`.

        What stands behind the last position of a question has no meaning.
        """

    @abc.abstractmethod
    def answers(self, tokens, lengths):
        """Returns the classes of the answers to questions, int32 `(B, max_length)`.

        Args:
            tokens: int32 `(B, max_length)`, as `tokens` draws them.
            lengths: int32 `(B, 1)`.
        """

    def with_lengths(self, min_length, max_length):
        return replace(self, min_length=min_length, max_length=max_length, buckets=None)

    def num_timesteps(self, length):
        return length

    def time(self, num_timesteps):
        if self.buckets is None:
            return super().time(num_timesteps)
        fits = tf.constant(self.buckets) >= tf.reduce_max(num_timesteps)
        smallest = tf.reduce_min(tf.where(fits, self.buckets, self.buckets[-1]))
        return tf.range(smallest)[tf.newaxis]

    def sample(self, draws, lengths):
        return self.framed(self.tokens(draws, lengths), lengths)

    def framed(self, tokens, lengths):
        """Makes a batch from questions, given as to `answers`: see `sample`."""
        time = self.time(lengths)  # (1, T)
        is_position = time < lengths  # (B, T)
        room = 0 if self.buckets is None else self.buckets[-1] - self.max_length
        tokens, answers = (
            tf.pad(each, [[0, 0], [0, room]])[:, : tf.size(time)]
            for each in (tokens, self.answers(tokens, lengths))
        )
        x = tf.one_hot(tf.where(is_position, tokens, -1), self.input_size)
        y = tf.where(is_position, answers, 0)
        return x, y, tf.cast(is_position, tf.float32)

    def _draw_lengths(self, draws):
        ranges = self._ranges()
        first, last = tf.unstack(tf.constant(ranges)[draws.turn(len(ranges))])
        num_steps = draws.integers(0, (last - first) // self.length_step + 1, 1)
        return first + num_steps * self.length_step

    def _checked(self, lengths):
        above = (lengths - self.smallest_length) // self.length_step
        return super()._checked(self.smallest_length + above * self.length_step)

    def _ranges(self):
        """Returns the shortest and the longest length of each kind of batch."""
        if self.buckets is None:
            return [(self.min_length, self.max_length)]
        pairs = itertools.pairwise((self.min_length - 1, *self.buckets))
        return [self._existing(a + 1, min(b, self.max_length)) for a, b in pairs]

    def _existing(self, low, high):
        """Returns the first and the last length in a range that examples can have."""
        smallest, step = self.smallest_length, self.length_step
        first = smallest - (smallest - low) // step * step
        last = smallest + (high - smallest) // step * step
        if first > last:
            raise ValueError(
                f"Examples of {self.name} have the lengths {smallest}, {smallest + step}, "
                f"{smallest + 2 * step} and so on, and none from {low} to {high}. Choose a "
                f"range or buckets with such lengths. Received: {self}"
            )
        return first, last

    def _checked_buckets(self):
        message = (
            "`buckets` must be integers that increase, the last one at least `max_length`. "
            f"Received: buckets={self.buckets!r}, max_length={self.max_length}"
        )
        if not isinstance(self.buckets, list | tuple) or not self.buckets:
            raise ValueError(message)
        buckets = check_integers("buckets", self.buckets)
        rises = all(a < b for a, b in itertools.pairwise(buckets))
        if not rises or buckets[-1] < self.max_length:
            raise ValueError(message)
        return buckets
