"""The base of the tasks of the Chomsky hierarchy (Delétang et al. 2023).

Axes: B batch, T time, N tokens of a question, A tokens of an answer.
"""

import abc
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import tensorflow as tf

from keras_nm.arguments import check_boolean, check_integer
from keras_nm.tasks.token_task import TokenTask


@dataclass(frozen=True, kw_only=True)
class ChomskyTask(TokenTask):
    """A source of questions and answers that are both sequences of tokens.

    First come the tokens of the question. While the answer is due, every step is empty: it
    has a channel of its own. A question a, b, c with the answer d, e::

        time            0  1  2  3  4
        x, token        a  b  c  .  .
        x, empty        .  .  .  1  1
        y               .  .  .  d  e
        sample_weight   .  .  .  1  1

    Between the two there may be steps to compute, with another channel. A last channel may
    hold the number of tokens of the question, at every step.

    Subclasses have the class attributes `num_symbols` and `num_classes`, and implement
    `tokens` and `answers`. They may override `num_tokens` and `answer_length`.

    Args:
        min_length: Positive integer, the shortest questions. Defaults to `1`.
        max_length: Positive integer, the longest questions. Defaults to `40`.
        computation_steps: 0 (default), 1 or 2, the number of steps to compute per token of
            the question.
        length_channel: Boolean, whether inputs have such a last channel. A `TapeRNN` with
            jumps and `length_channel=-1` takes it, and jumps as in the benchmark. Defaults
            to `False`.
        loss_on_padding: Boolean, whether the padding behind an answer's end token counts.
            Defaults to `True`. Only some tasks have an end token.
        one_length_per_batch: Boolean, whether all examples of a batch are as long as its
            first, so that an example depends on its batch. Defaults to `False`. With
            several seeds, the examples of each have a length of their own. Sets for
            evaluation have all lengths in a batch.

    Attributes:
        num_symbols: Integer, the number of different tokens in questions.

    Raises:
        ValueError: For lengths and numbers of steps out of range.
    """

    max_length: int = 40
    computation_steps: int = 0
    length_channel: bool = False
    loss_on_padding: bool = True
    one_length_per_batch: bool = False

    num_symbols: ClassVar[int]

    def __post_init__(self):
        super().__post_init__()
        check_integer("computation_steps", self.computation_steps, 0, 2)
        check_boolean("length_channel", self.length_channel)
        check_boolean("loss_on_padding", self.loss_on_padding)
        check_boolean("one_length_per_batch", self.one_length_per_batch)

    @abc.abstractmethod
    def tokens(self, draws, lengths):
        """Draws the tokens of the questions, int32 `(B, max_length)`.

        What stands behind the last token of a question has no meaning.
        """

    @abc.abstractmethod
    def answers(self, tokens, lengths):
        """Returns the answers to questions, int32 `(B, answer_length(max_length))`.

        Args:
            tokens: int32 `(B, max_length)`, as `tokens` draws them.
            lengths: int32 `(B, 1)`.
        """

    def with_lengths(self, min_length, max_length):
        return replace(
            self,
            min_length=min_length,
            max_length=max_length,
            one_length_per_batch=False,
        )

    def num_tokens(self, length):
        """Returns the number of tokens of a question, for an integer or a tensor."""
        return length

    def answer_length(self, length):
        """Returns the number of tokens of an answer, for an integer or a tensor."""
        return 1

    @property
    def input_size(self):
        return self._num_kinds + (1 if self.length_channel else 0)

    @property
    def _num_kinds(self):
        """Integer, the number of kinds of steps: symbols, steps to compute, empty steps."""
        return self.num_symbols + (2 if self.computation_steps else 1)

    def num_timesteps(self, length):
        steps = (1 + self.computation_steps) * self.num_tokens(length)
        return steps + self.answer_length(length)

    def unpadded(self, arrays):
        """Removes all steps after the last empty step."""
        end = np.flatnonzero(arrays[0].any(axis=-1))[-1] + 1
        return [array[:end] for array in arrays]

    def sample(self, draws, lengths):
        return self.framed(self.tokens(draws, lengths), lengths)

    def framed(self, tokens, lengths):
        """Makes a batch from questions, given as to `answers`: see `sample`."""
        answers = self.answers(tokens, lengths)  # (B, A)
        num_tokens, end = self.num_tokens(lengths), self.num_timesteps(lengths)
        begin = end - self.answer_length(lengths)
        time = self.time(end)  # (1, T)

        symbols = _at(time < num_tokens, tokens, time)
        symbols = tf.where(time < num_tokens, symbols, self.num_symbols)
        # Without steps to compute, this is the same channel.
        symbols = tf.where(time < begin, symbols, self._num_kinds - 1)
        x = tf.one_hot(tf.where(time < end, symbols, -1), self._num_kinds)
        if self.length_channel:
            length = tf.where(time < end, num_tokens, 0)  # (B, T)
            x = tf.concat([x, tf.cast(length, x.dtype)[..., tf.newaxis]], axis=-1)

        is_answer = (time >= begin) & (time < end)
        y = _at(is_answer, answers, time - begin)
        counts = is_answer
        if not self.loss_on_padding and self.end_token is not None:
            is_end = tf.cast(is_answer & tf.equal(y, self.end_token), tf.int32)
            counts &= tf.equal(tf.cumsum(is_end, axis=1, exclusive=True), 0)
        return x, y, tf.cast(counts, tf.float32)

    def _shared_lengths(self, draws, lengths):
        return draws.of_first(lengths) if self.one_length_per_batch else lengths


def places(tokens):
    """Returns the places `(1, N)` of tokens `(B, N)`, from 0 on."""
    return tf.range(tokens.shape[1])[tf.newaxis]


def scaled(numbers, count):
    """Returns numbers in [0, 1) as int32 from 0 to count - 1."""
    return tf.cast(tf.floor(numbers * count), tf.int32)


def ended(tokens, sizes, end_token):
    """Ends each row of `(B, A)` after so many tokens `(B, 1)`. Zeros follow the end."""
    place = places(tokens)
    rest = tf.where(tf.equal(place, sizes), end_token, 0)
    return tf.where(place < sizes, tokens, rest)


def _at(steps, tokens, index):
    """Returns the tokens with the given indices at some steps, and zeros elsewhere."""
    shape = tf.broadcast_dynamic_shape(tf.shape(steps), tf.shape(index))
    index = tf.broadcast_to(tf.where(steps, index, 0), shape)
    return tf.where(steps, tf.gather(tokens, index, batch_dims=1), 0)
