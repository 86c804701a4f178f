"""Arithmetic on bits against Python's integers."""

import math

import pytest
import tensorflow as tf

from keras_nm.tasks.chomsky.numbers import carried, product, square_root


def bits_of(numbers, size):
    """Lowest bits first."""
    return tf.constant([[int(bit) for bit in f"{n:0{size}b}"[::-1]] for n in numbers])


def numbers_of(bits):
    return [int("".join(map(str, row[::-1])), 2) for row in bits.numpy().tolist()]


@pytest.mark.parametrize("size", [2, 14, pytest.param(500, marks=pytest.mark.slow)])
def test_arithmetic_at_its_limits(size):
    """Carries through all digits, and numbers right before and at squares."""
    roots = [2 ** (size // 2) - 1, 2 ** (size // 2 - 1), 1]
    numbers = [2**size - 1, 0, 1] + [r * r for r in roots] + [r * r - 1 for r in roots]
    bits = bits_of(numbers, size)
    assert numbers_of(square_root(bits)) == [math.isqrt(number) for number in numbers]
    ones = bits_of([1] * len(numbers), size)
    total, carry = carried(bits + ones)
    assert numbers_of(total) == [(number + 1) % 2**size for number in numbers]
    assert carry[:, 0].numpy().tolist() == [1] + [0] * (len(numbers) - 1)
    halves = [number % 2 ** (size // 2) for number in numbers]
    bits = bits_of(halves, size)
    assert numbers_of(product(bits, bits)) == [half * half for half in halves]
