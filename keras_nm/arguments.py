"""Checks of arguments, shared by layers and tasks."""

import math
from collections.abc import Collection, Iterable
from numbers import Integral, Real
from typing import Any


def check_integer(name: str, value: Any, minimum: int = 1, maximum: int = 2**31 - 1) -> int:
    """Returns `value`, or raises a ValueError if it is not an integer within the limits."""
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_integer or value < minimum:
        raise ValueError(
            f"`{name}` must be an integer of at least {minimum}. Received: {name}={value!r}"
        )
    if value > maximum:
        raise ValueError(
            f"`{name}` must be an integer of at most {maximum}. Received: {name}={value!r}"
        )
    return int(value)


def check_integers(
    name: str, value: Any, minimum: int = 1, maximum: int = 2**31 - 1
) -> tuple[int, ...]:
    """Returns a tuple of these integers, or raises a ValueError if one is out of range."""
    if not isinstance(value, Iterable):
        raise ValueError(
            f"`{name}` must be a list or tuple of integers, such as (4, 3) or (4,). "
            f"Received: {name}={value!r}"
        )
    return tuple(
        check_integer(f"{name}[{index}]", each, minimum, maximum)
        for index, each in enumerate(value)
    )


def check_pair(name: str, value: Any, names: tuple[str, str]) -> tuple[int, int]:
    """Returns `value`, or raises a ValueError if it is not a pair of positive integers."""
    try:
        first, second = value
        return check_integer(names[0], first), check_integer(names[1], second)
    except (TypeError, ValueError):
        raise ValueError(
            f"`{name}` must be a pair ({', '.join(names)}) of positive integers. "
            f"Received: {name}={value!r}"
        ) from None


def check_positive(name: str, value: Any) -> float:
    """Returns `value`, or raises a ValueError if it is not a positive finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < math.inf:
        raise ValueError(f"`{name}` must be a positive number. Received: {name}={value!r}")
    return float(value)


def check_not_negative(name: str, value: Any) -> float:
    """Returns `value`, or raises a ValueError if it is negative or not a finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value < math.inf:
        raise ValueError(
            f"`{name}` must be a number of at least 0. Received: {name}={value!r}"
        )
    return float(value)


def check_fraction(name: str, value: Any) -> float:
    """Returns `value`, or raises a ValueError if it is not a number in [0, 1)."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value < 1:
        raise ValueError(f"`{name}` must be a number in [0, 1). Received: {name}={value!r}")
    return float(value)


def check_epsilon(value: Any) -> float:
    """Returns `value`, or raises a ValueError if float32 cannot keep it from 0."""
    epsilon, smallest = check_positive("epsilon", value), 2.0**-126
    if epsilon < smallest:
        raise ValueError(
            f"`epsilon` must be at least {smallest:.2g}, as float32 rounds smaller numbers "
            f"to 0. Received: epsilon={value!r}"
        )
    return epsilon


def check_finite(name: str, value: Any) -> float:
    """Returns `value`, or raises a ValueError if it is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"`{name}` must be a finite number. Received: {name}={value!r}")
    return float(value)


def check_boolean(name: str, value: Any) -> bool:
    """Returns `value`, or raises a ValueError if it is not True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"`{name}` must be True or False. Received: {name}={value!r}")
    return value


def check_choice(name: str, value: Any, choices: Collection[str]) -> str:
    """Returns `value`, or raises a ValueError if it is not one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, choices))}. "
            f"Received: {name}={value!r}"
        )
    return value
