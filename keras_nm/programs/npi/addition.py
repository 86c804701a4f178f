"""Addition of two numbers on a scratch pad (Reed and de Freitas 2016, section 4.1)."""

from dataclasses import dataclass
from typing import ClassVar

from keras_nm.arguments import check_integer, check_integers
from keras_nm.programs.npi.library import Environment, Library

ROWS = ("IN 1", "IN 2", "CARRY", "OUT")
CARRY, OUT = 2, 3

MOVE, WRITE = 1, 2
LEFT, RIGHT = 0, 1


class ScratchPad(Environment):
    """Four rows of digits, with a pointer on each: two inputs, the carries, the output.

    A program sees the digits under the pointers. An action moves a pointer by one column,
    `(1, row, 0)` to the left and `(1, row, 1)` to the right, or writes a digit under one,
    `(2, row, digit)`. The pad is as wide as need be. No pointer goes to the right of the
    lowest digit.

    `Addition.environment` makes one from two numbers.

    Args:
        first: List of the digits of the first number, the lowest first.
        second: List of the digits of the second number.
        base: Integer, the number of different digits. Defaults to `10`.

    Raises:
        ValueError: For digits that are not integers from 0 to base - 1.

    Example:

    >>> from keras_nm.programs import npi
    >>> pad = npi.ScratchPad([6, 9], [5, 2, 1])
    >>> pad.act((2, 3, 1))
    >>> pad.observe()  # the blank is 10
    (6, 5, 10, 1)
    >>> pad.result
    1
    """

    def __init__(self, first, second, base=10):
        self.base = base
        self.digits = [
            list(check_integers("first", first, 0, base - 1)),
            list(check_integers("second", second, 0, base - 1)),
            [],
            [],
        ]
        self.pointers = [0, 0, 0, 0]

    def observe(self):
        blank = self.base
        return tuple(
            [
                row[at] if at < len(row) else blank
                for row, at in zip(self.digits, self.pointers, strict=True)
            ]
        )

    def act(self, arguments):
        operation, row, value = arguments
        if operation == MOVE and row in range(4) and value in (LEFT, RIGHT):
            step = 1 if value == LEFT else -1
            self.pointers[row] = max(self.pointers[row] + step, 0)
        elif operation == WRITE and row in (CARRY, OUT) and value in range(self.base):
            digits, at = self.digits[row], self.pointers[row]
            digits += [self.base] * (at + 1 - len(digits))
            digits[at] = value
        elif operation:
            raise ValueError(
                "An action on a ScratchPad is (1, 0 to 3, 0 or 1), to move a pointer, or "
                f"(2, 2 or 3, 0 to {self.base - 1}), to write a digit in the row of "
                f"carries or in the output. Received: {tuple(arguments)}"
            )

    def name_of(self, arguments):
        operation, row, value = arguments
        if operation == MOVE:
            return f"PTR {ROWS[row]} {('LEFT', 'RIGHT')[min(value, 1)]}"
        return f"WRITE {ROWS[row]} {value}" if operation == WRITE else "NOTHING"

    def rows(self):
        blank = self.base
        width = 1 + max(*map(len, self.digits), max(self.pointers) + 1)
        return [
            (
                name,
                [
                    " " if at >= len(row) or row[at] == blank else str(row[at])
                    for at in reversed(range(width))
                ],
                {name: width - 1 - pointer},
            )
            for name, row, pointer in zip(ROWS, self.digits, self.pointers, strict=True)
        ]

    @property
    def result(self):
        """The number in the output row, or `None` if there is a gap in it."""
        number = 0
        for digit in reversed(self.digits[OUT]):
            if digit == self.base:
                return None
            number = self.base * number + digit
        return number if self.digits[OUT] else None


@dataclass(frozen=True, kw_only=True)
class Addition(Library):
    """The programs that add two numbers digit by digit.

    ADD calls ADD1 for the column under the pointers, then LSHIFT, until there is a column
    without a digit. ADD1 writes a digit of the output, and calls CARRY if there is a carry.

    The options are those of `Library`.

    Example:

    >>> from keras_nm.programs import npi
    >>> npi.Addition(base=2).environment(5, 1).digits[0]
    [1, 0, 1]
    """

    programs: ClassVar = ("ACT", "ADD", "ADD1", "CARRY", "LSHIFT")

    @property
    def observation_sizes(self):
        return (self.base + 1,) * 4

    @property
    def argument_sizes(self):
        return (3, 4, self.base)

    def environment(self, first, second):
        """Makes the pad of a sum.

        Args:
            first: Non-negative integer.
            second: Non-negative integer.

        Returns:
            A `ScratchPad`.

        Raises:
            ValueError: For numbers that are not integers of at least 0.
        """
        first, second = (
            self._digits_of(check_integer(name, number, minimum=0, maximum=float("inf")))
            for name, number in (("first", first), ("second", second))
        )
        return ScratchPad(first, second, self.base)

    def _digits_of(self, number):
        digits = [number % self.base]
        while number := number // self.base:
            digits.append(number % self.base)
        return digits

    def show(self, program, environment):
        return {
            "ADD": self._add if self.recursive else self._add_in_a_loop,
            "ADD1": self._add1,
            "CARRY": self._carry,
            "LSHIFT": self._lshift,
        }[program](environment)

    def _is_over(self, pad):
        return all(digit == self.base for digit in pad.observe()[:OUT])

    def _add(self, pad):
        if self._is_over(pad):
            yield self.act(ends=True)
        else:
            yield self.step("ADD1")
            yield self.step("LSHIFT")
            yield self.step("ADD", ends=True)

    def _add_in_a_loop(self, pad):
        while not self._is_over(pad):
            yield self.step("ADD1")
            yield self.step("LSHIFT")
        yield self.act(ends=True)

    def _add1(self, pad):
        total = sum(digit for digit in pad.observe()[:OUT] if digit < self.base)
        carries = total >= self.base
        yield self.act(WRITE, OUT, total % self.base, ends=not carries)
        if carries:
            yield self.step("CARRY", ends=True)

    def _carry(self, pad):
        yield self.act(MOVE, CARRY, LEFT)
        yield self.act(WRITE, CARRY, 1)
        yield self.act(MOVE, CARRY, RIGHT, ends=True)

    def _lshift(self, pad):
        for row in range(4):
            yield self.act(MOVE, row, LEFT, ends=row == OUT)

    def windows(self):
        """Yields two columns, with and without a carry into the first."""
        digits = range(self.base)
        numbers = [[], *([x] for x in digits), *([x, y] for x in digits for y in digits)]
        for first in numbers:
            for second in numbers:
                for carry in ([], [1]):
                    pad = ScratchPad(first, second, self.base)
                    pad.digits[CARRY] = list(carry)
                    yield pad

    def num_timesteps(self, length):
        return 4 if self.recursive else 2 * length + 3
