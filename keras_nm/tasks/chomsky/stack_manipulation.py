"""The task of a stack (Delétang et al. 2023, appendix A.3)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask, ended, places, scaled
from keras_nm.tasks.numbers import running_max

_POP, _PUSH = 2, 3


@dataclass(frozen=True, kw_only=True)
class StackManipulation(ChomskyTask):
    """Pop from a stack and push to it, and list what it holds, its top first.

    The question is a stack of zeros and ones, its bottom first, and then actions: 2 pops, 3
    pushes 0 and 4 pushes 1. Popping from an empty stack does nothing. The answer ends with
    2. Padding makes it one longer than the question::

        question  0  1  1  2  4  3
        answer    0  1  1  0  2  0  0

    The stack of a question of length n has 1 to n - 1 elements, all equally likely. A
    question of length 1 has no action.

    The options are those of `ChomskyTask`.

    Example:

    >>> from keras_nm.tasks import chomsky
    >>> task = chomsky.StackManipulation(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=4)))
    >>> task.input_size, task.output_size
    (6, 3)
    """

    name = "stack_manipulation"
    num_symbols = 5
    num_classes = 3
    end_token = 2

    def answer_length(self, length):
        return length + 1

    def tokens(self, draws, lengths):
        size = draws.integers(1, tf.maximum(lengths, 2), 1)
        numbers = draws.data(draws.first(lengths, self.max_length))
        elements, actions = scaled(numbers, 2), _POP + scaled(numbers, 3)
        return tf.where(places(elements) < size, elements, actions)

    def answers(self, tokens, lengths):
        place = places(tokens)
        is_token = place < lengths
        is_push = is_token & tf.not_equal(tokens, _POP)
        change = tf.where(is_push, 1, tf.where(is_token, -1, 0))
        height = tf.cumsum(change, axis=1)
        # A pop from an empty stack lifts all heights after it.
        height += running_max(tf.maximum(-height, 0))  # (B, N)

        # The element at a height is the last that was pushed there.
        bit = tf.where(tokens >= _PUSH, tokens - _PUSH, tokens)
        pushed = tf.where(is_push, 2 * place + bit, 0)
        index = tf.where(is_push, height - 1, 0)
        index = tf.stack([tf.broadcast_to(_rows(tokens), tf.shape(index)), index], -1)
        stack = tf.tensor_scatter_nd_max(tf.zeros_like(tokens), index, pushed) % 2

        top_first = height[:, -1:] - 1 - place
        stack = tf.gather(stack, tf.maximum(top_first, 0), batch_dims=1)
        stack = tf.pad(stack, [[0, 0], [0, 1]])  # room for the end: (B, N + 1)
        return ended(stack, height[:, -1:], self.end_token)


def _rows(tokens):
    return tf.range(tf.shape(tokens)[0])[:, tf.newaxis]
