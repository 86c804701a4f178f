"""Exact arithmetic on numbers of any size.

A number is a row of digits `(B, N)`, int32, its lowest digit first.
"""

import math

import tensorflow as tf


def running_max(numbers):
    """Returns the largest number up to each place, along the last axis."""
    size, reach = numbers.shape[-1], 1
    while reach < size:
        before = tf.concat([numbers[:, :reach], numbers[:, :-reach]], axis=1)
        numbers = tf.maximum(numbers, before)
        reach *= 2
    return numbers


def carried(digits, base=2, carry=0):
    """Carries digits over to the next places.

    Args:
        digits: int32 `(B, N)`, from 0 to `2 * base - 2`, such as the sums of the digits of
            two numbers, the lowest first.
        base: Integer of at least 2.
        carry: 0 or 1, which is added to the lowest digit.

    Returns:
        The digits `(B, N)` below the base, and the carry `(B, 1)` out of the highest.
    """
    # A digit of base - 1 hands the carry on, a larger one makes one, a smaller one ends it.
    # So what comes out of a place is up to the last digit that is not base - 1.
    place = tf.range(1, digits.shape[1] + 1)[tf.newaxis]
    key = tf.where(tf.equal(digits, base - 1), carry, 2 * place + digits // base)
    out = running_max(key) % 2  # (B, N)
    into = tf.concat([tf.fill(tf.shape(out[:, :1]), carry), out[:, :-1]], axis=1)
    return (digits + into) % base, out[:, -1:]


def product(first, second, base=2):
    """Multiplies two numbers of `(B, N)` digits. The product has N digits, too."""
    size = first.shape[1]
    points = [1 << (2 * size - 1).bit_length()]  # a power of 2, which is fast
    transforms = [
        tf.signal.rfft(tf.cast(each, tf.float64), points) for each in (first, second)
    ]
    # The digits are sums of at most N products, so they are exact when rounded.
    digits = tf.signal.irfft(transforms[0] * transforms[1], points)[:, :size]
    digits = tf.cast(tf.round(digits), tf.int32)
    # Each round divides what is above the base by it, until no digit is above the base.
    for _ in range(math.ceil(math.log(size * (base - 1) ** 2, base)) + 1):
        digits = digits % base + tf.pad(digits[:, :-1] // base, [[0, 0], [1, 0]])
    return carried(digits, base)[0]


def square_root(bits):
    """Returns the integer square root `(B, N / 2)` of numbers of `(B, N)` bits, N even."""
    size = bits.shape[1] // 2
    pairs = tf.reshape(bits, (-1, size, 2))
    zeros = tf.zeros_like(bits[:, : size + 2])

    # By digits, as on paper: the remainder takes two more bits, and 4 root + 1 is
    # subtracted if it is small enough. A remainder is at most 2 root.
    def digit(index, root, remainder):
        remainder = tf.concat([pairs[:, size - 1 - index], remainder[:, :-2]], axis=1)
        one = tf.ones_like(root[:, :1])
        subtrahend = tf.concat([one, tf.zeros_like(one), root[:, :-2]], axis=1)
        # In two's complement, where a carry says that the difference is not negative.
        difference, fits = carried(remainder + 1 - subtrahend, carry=1)
        remainder = tf.where(fits > 0, difference, remainder)
        return index + 1, tf.concat([fits, root[:, :-1]], axis=1), remainder

    _, root, _ = tf.while_loop(
        lambda index, *_: index < size, digit, (0, zeros, zeros), maximum_iterations=size
    )
    return root[:, :size]


def num_digits(digits):
    """Returns the number of digits `(B, 1)` without leading zeros, at least 1."""
    place = tf.range(1, digits.shape[1] + 1)[tf.newaxis]
    highest = tf.reduce_max(tf.where(digits > 0, place, 0), axis=1, keepdims=True)
    return tf.maximum(highest, 1)


def nonzero(draws, bits, begin, sizes):
    """Makes numbers within rows of random bits positive, all equally likely.

    Args:
        draws: `Draws`.
        bits: int32 `(B, N)`.
        begin: int32 `(B, 1)` or integer, the first place of each number.
        sizes: int32 `(B, 1)`, the number of bits of each number.

    Returns:
        int32 `(B, N)`, where a number of 0 is drawn again from all others.
    """
    place = tf.range(bits.shape[1])[tf.newaxis] - begin
    inside = (place >= 0) & (place < sizes)
    # Beyond 30 bits, 0 is too rare to matter.
    span = tf.bitwise.left_shift(1, tf.clip_by_value(sizes, 1, 30))
    other = draws.integers(1, span, 1)
    other = tf.bitwise.right_shift(other, tf.clip_by_value(place, 0, 31)) % 2
    is_zero = ~tf.reduce_any(inside & (bits > 0), axis=1, keepdims=True)
    return tf.where(inside & is_zero, other, bits)
