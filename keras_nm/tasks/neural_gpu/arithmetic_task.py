"""The base of the tasks on two numbers (Kaiser and Sutskever 2016)."""

import abc
from dataclasses import dataclass, replace
from typing import ClassVar

import tensorflow as tf

from keras_nm.arguments import check_choice
from keras_nm.tasks.neural_gpu.neural_gpu_task import NeuralGPUTask
from keras_nm.tasks.numbers import carried


@dataclass(frozen=True, kw_only=True)
class ArithmeticTask(NeuralGPUTask):
    """A source of two numbers of k digits with an operator between them.

    Lowest digits come first, and numbers may begin with zeros at their other end. A
    question has 2 k + 1 positions, which is odd. The token of the operator follows that of
    the highest digit.

    Subclasses implement `result`.

    Args:
        operands: The numbers: `"random"` (default), or a kind that is rare among random
            numbers, and on which machines failed that seemed right:
            `"overflow"`, the largest number and 1, whose sum has the longest carry;
            `"carries"`, any two numbers with the sum 10...0, as 1...1 and 0...01;
            `"powers"` of the base; `"small"`, two numbers from 0 to 3 in many digits, as
            0...02 and 0...02; `"zeros"`, 0 and a random number. Digits that do not fit are
            left out.
        **options: Those of `NeuralGPUTask`.

    Attributes:
        base: Integer, the base of the numbers.

    Raises:
        ValueError: As for `NeuralGPUTask`, and for unknown operands.
    """

    operands: str = "random"

    smallest_length = 3
    length_step = 2
    base: ClassVar[int] = 2

    def __post_init__(self):
        super().__post_init__()
        check_choice("operands", self.operands, _OPERANDS)

    @abc.abstractmethod
    def result(self, first, second, sizes):
        """Returns the answer `(B, max_length)` to two numbers.

        Args:
            first: Digits int32 `(B, max_length)`, which are 0 from `sizes` on.
            second: Also `(B, max_length)`.
            sizes: int32 `(B, 1)`, the number of digits k.
        """

    @property
    def input_size(self):
        return self.base + 1

    def tokens(self, draws, lengths):
        sizes = lengths // 2
        among = draws.first(2 * sizes, 2 * (self.max_length // 2))
        digits = draws.integer_data(0, self.base, among)
        first, second = self._numbers(digits, 0, sizes)
        make = _OPERANDS[self.operands]
        if make is not None:
            first, second = make(draws, first, second, sizes, self.base)
        place = tf.range(self.max_length)[tf.newaxis]
        behind = tf.gather(second, tf.maximum(place - sizes - 1, 0), batch_dims=1)
        tokens = tf.where(place < sizes, first, behind)
        return tf.where(tf.equal(place, sizes), self.base, tokens)

    def answers(self, tokens, lengths):
        sizes = lengths // 2
        return self.result(*self._numbers(tokens, 1, sizes), sizes)

    def structured_sets(self, batch_size=64, *, seed=0, split="test"):
        """Makes evaluation sets as `Task.structured_sets` does, and of all `operands`."""
        sets = super().structured_sets(batch_size, seed=seed, split=split)
        options = {"batch_size": batch_size, "num_batches": 1, "seed": seed, "split": split}
        for name in _OPERANDS:
            if name != "random":
                sets[name] = replace(self, operands=name).evaluation_set(**options)
        return sets

    def _numbers(self, digits, between, sizes):
        """Splits rows into two numbers `(B, max_length)` with some places between them."""
        place = tf.range(self.max_length)[tf.newaxis]
        inside = place < sizes
        source = tf.where(inside, place, 0)
        return [
            tf.where(inside, tf.gather(digits, source + begin, batch_dims=1), 0)
            for begin in (0, sizes + between)
        ]


def _overflow(draws, first, second, sizes, base):
    place = tf.range(first.shape[1])[tf.newaxis]
    highest = tf.where(place < sizes, base - 1, tf.zeros_like(first))
    return _in_any_order(draws, highest, tf.where(place > 0, tf.zeros_like(first), 1))


def _carries(draws, first, second, sizes, base):
    place = tf.range(first.shape[1])[tf.newaxis]
    second = tf.where(place > 0, base - 1 - first, base - first)
    return first, tf.where(place < sizes, carried(second, base)[0], 0)


def _powers(draws, first, second, sizes, base):
    exponents = [draws.integers(0, sizes, 1)[:, 0] for _ in range(2)]
    return [tf.one_hot(each, first.shape[1], dtype=tf.int32) for each in exponents]


def _small(draws, first, second, sizes, base):
    place = tf.range(first.shape[1])[tf.newaxis]
    numbers = [draws.integers(0, 4, 1) for _ in range(2)]
    # The second digit is the last that is not 0.
    digits = [tf.where(place > 0, each // base, each % base) for each in numbers]
    return [tf.where((place < sizes) & (place < 2), each, 0) for each in digits]


def _zeros(draws, first, second, sizes, base):
    return _in_any_order(draws, tf.zeros_like(first), second)


def _in_any_order(draws, first, second):
    swap = tf.equal(draws.integers(0, 2, 1), 1)
    return tf.where(swap, second, first), tf.where(swap, first, second)


# Each takes `Draws`, two random numbers `(B, max_length)`, their numbers of digits `(B, 1)`
# and the base, and returns two numbers.
_OPERANDS = {
    "random": None,
    "overflow": _overflow,
    "carries": _carries,
    "powers": _powers,
    "small": _small,
    "zeros": _zeros,
}
