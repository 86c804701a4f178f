"""Arithmetic on digits against Python's integers."""

import math

import pytest
import tensorflow as tf

from keras_nm.tasks.numbers import carried, product, square_root


def digits_of(numbers, size, base=2):
    """Lowest digits first."""
    return tf.constant([[n // base**i % base for i in range(size)] for n in numbers])


def numbers_of(digits, base=2):
    return [
        sum(digit * base**i for i, digit in enumerate(row))
        for row in digits.numpy().tolist()
    ]


SIZES = [2, 14, pytest.param(500, marks=pytest.mark.slow)]


@pytest.mark.parametrize("size", SIZES)
def test_bits_at_their_limits(size):
    """Carries through all digits, and numbers right before and at squares."""
    roots = [2 ** (size // 2) - 1, 2 ** (size // 2 - 1), 1]
    numbers = [2**size - 1, 0, 1] + [r * r for r in roots] + [r * r - 1 for r in roots]
    bits = digits_of(numbers, size)
    assert numbers_of(square_root(bits)) == [math.isqrt(number) for number in numbers]
    ones = digits_of([1] * len(numbers), size)
    total, carry = carried(bits + ones)
    assert numbers_of(total) == [(number + 1) % 2**size for number in numbers]
    assert carry[:, 0].numpy().tolist() == [1] + [0] * (len(numbers) - 1)


@pytest.mark.parametrize("base", [2, 4])
@pytest.mark.parametrize("size", SIZES)
def test_sums_and_products_at_their_limits(base, size):
    modulus = base**size
    numbers = [modulus - 1, 0, 1, modulus // base, modulus - base, modulus // (base + 1)]
    pairs = [(a, b) for a in numbers for b in numbers]
    first, second = (digits_of(each, size, base) for each in zip(*pairs, strict=True))
    total, carry = carried(first + second, base)
    assert numbers_of(total, base) == [(a + b) % modulus for a, b in pairs]
    assert carry[:, 0].numpy().tolist() == [(a + b) // modulus for a, b in pairs]
    expected = [a * b % modulus for a, b in pairs]
    assert numbers_of(product(first, second, base), base) == expected
