"""Bubble sort of an array (Reed and de Freitas 2016, section 4.1)."""

from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from typing import ClassVar

from keras_nm.arguments import check_integers
from keras_nm.programs.npi.library import Environment, Library

MOVE, SWAP = 1, 2
LEFT, RIGHT = 0, 1
FIRST, SECOND, SWEEPS = range(3)


class ArrayPad(Environment):
    """An array with three pointers: two on the values to compare, one counts the sweeps.

    A program sees the values under pointers 1 and 2, whether pointer 2 is on the first
    value, and whether pointer 3 is at the end. An action moves a pointer, `(1, pointer, 0)`
    to the left and `(1, pointer, 1)` to the right, where 0 stands for pointer 1, or
    exchanges the two values, `(2, 0, 0)`. A pointer goes no further than to the first value
    and to the end, which is behind the last value.

    `BubbleSort.environment` makes one.

    Args:
        values: List of the digits to sort.
        base: Integer, the number of different digits. Defaults to `10`.

    Raises:
        ValueError: For digits that are not integers from 0 to base - 1.

    Example:

    >>> from keras_nm.programs import npi
    >>> pad = npi.ArrayPad([3, 1])
    >>> pad.act((1, 1, 1))
    >>> pad.observe()
    (3, 1, 0, 0)
    >>> pad.act((2, 0, 0))
    >>> pad.result
    [1, 3]
    """

    def __init__(self, values, base=10):
        self.base = base
        self.values = list(check_integers("values", values, 0, base - 1))
        self.pointers = [0, 0, 0]

    def observe(self):
        first, second, sweeps = self.pointers
        values, size = self.values, len(self.values)
        return (
            values[first] if first < size else self.base,
            values[second] if second < size else self.base,
            int(second == 0),
            int(sweeps == size),
        )

    def act(self, arguments):
        operation, pointer, direction = arguments
        size = len(self.values)
        first, second, _ = self.pointers
        if operation == MOVE and pointer in range(3) and direction in (LEFT, RIGHT):
            at = self.pointers[pointer] + (1 if direction == RIGHT else -1)
            self.pointers[pointer] = min(max(at, 0), size)
        elif operation == SWAP and max(first, second) < size:
            self.values[first], self.values[second] = (
                self.values[second],
                self.values[first],
            )
        elif operation == SWAP:
            raise ValueError(
                "To exchange two values, pointers 1 and 2 must be on them. "
                f"Received: pointers at {first} and {second} in an array of {size}"
            )
        elif operation:
            raise ValueError(
                "An action on an ArrayPad is (1, 0 to 2, 0 or 1), to move a pointer, or "
                "(2, 0, 0), to exchange the values under pointers 1 and 2. "
                f"Received: {tuple(arguments)}"
            )

    def name_of(self, arguments):
        operation, pointer, direction = arguments
        if operation == MOVE:
            return f"PTR {pointer + 1} {('LEFT', 'RIGHT')[direction]}"
        return "SWAP 1 2" if operation == SWAP else "NOTHING"

    def rows(self):
        cells = [*map(str, self.values), " "]
        return [("ARRAY", cells, {str(i + 1): at for i, at in enumerate(self.pointers)})]

    @property
    def result(self):
        """The values, as a list."""
        return list(self.values)


@dataclass(frozen=True, kw_only=True)
class BubbleSort(Library):
    """The programs that sort an array of digits by exchanging neighbours.

    BUBBLESORT calls BUBBLE, a sweep over the array, and RESET, which moves the pointers
    back and counts the sweep, once for each value. A sweep is BSTEPs. Each calls COMPSWAP,
    which exchanges two values if they are in the wrong order, and RSHIFT. RESET calls
    LSHIFT.

    The options are those of `Library`.

    Example:

    >>> from keras_nm.programs import npi
    >>> library = npi.BubbleSort(base=4)
    >>> library.environment([3, 0, 2]).observe()
    (3, 3, 1, 0)
    """

    programs: ClassVar = (
        "ACT",
        "BUBBLESORT",
        "BUBBLE",
        "RESET",
        "BSTEP",
        "COMPSWAP",
        "RSHIFT",
        "LSHIFT",
    )

    @property
    def observation_sizes(self):
        return (self.base + 1, self.base + 1, 2, 2)

    @property
    def argument_sizes(self):
        return (3, 3, 2)

    def environment(self, values):
        """Makes the pad of an array.

        Args:
            values: Non-empty list of integers from 0 to base - 1.

        Returns:
            An `ArrayPad`.

        Raises:
            ValueError: For other values.
        """
        pad = ArrayPad(values, self.base)
        if not pad.values:
            raise ValueError("`values` must be at least one digit. Received: values=[]")
        return pad

    def show(self, program, environment):
        return {
            "BUBBLESORT": self._sort if self.recursive else self._sort_in_a_loop,
            "BUBBLE": self._bubble if self.recursive else self._bubble_in_a_loop,
            "RESET": self._reset if self.recursive else self._reset_in_a_loop,
            "BSTEP": self._bstep,
            "COMPSWAP": self._compswap,
            "RSHIFT": self._rshift,
            "LSHIFT": self._lshift,
        }[program](environment)

    def _sort(self, pad):
        if _counted_all(pad):
            yield self.act(ends=True)
        else:
            yield self.step("BUBBLE")
            yield self.step("RESET")
            yield self.step("BUBBLESORT", ends=True)

    def _sort_in_a_loop(self, pad):
        while not _counted_all(pad):
            yield self.step("BUBBLE")
            yield self.step("RESET")
        yield self.act(ends=True)

    def _bubble(self, pad):
        yield self.act(MOVE, SECOND, RIGHT)
        yield self.step("BSTEP", ends=True)

    def _bubble_in_a_loop(self, pad):
        yield self.act(MOVE, SECOND, RIGHT)
        while not _swept_all(pad):
            yield self.step("BSTEP")
        yield self.act(ends=True)

    def _bstep(self, pad):
        if self.recursive and _swept_all(pad):
            yield self.act(ends=True)
        else:
            yield self.step("COMPSWAP")
            yield self.step("RSHIFT", ends=not self.recursive)
            if self.recursive:
                yield self.step("BSTEP", ends=True)

    def _compswap(self, pad):
        first, second, *_ = pad.observe()
        if first > second:
            yield self.act(SWAP, 0, 0, ends=True)
        else:
            yield self.act(ends=True)

    def _rshift(self, pad):
        yield self.act(MOVE, FIRST, RIGHT)
        yield self.act(MOVE, SECOND, RIGHT, ends=True)

    def _reset(self, pad):
        yield self.step("LSHIFT")
        yield self.act(MOVE, SWEEPS, RIGHT, ends=True)

    def _reset_in_a_loop(self, pad):
        while not _is_back(pad):
            yield self.step("LSHIFT")
        yield self.act(MOVE, SWEEPS, RIGHT, ends=True)

    def _lshift(self, pad):
        if self.recursive and _is_back(pad):
            yield self.act(ends=True)
        else:
            yield self.act(MOVE, FIRST, LEFT)
            yield self.act(MOVE, SECOND, LEFT, ends=not self.recursive)
            if self.recursive:
                yield self.step("LSHIFT", ends=True)

    def windows(self):
        """Yields all arrays of up to four values in the first sweep, and last sweeps."""
        for size in range(1, 5):
            for values in product(range(self.base), repeat=size):
                yield ArrayPad(values, self.base)
        # By the last sweep, the array is sorted.
        for values in combinations_with_replacement(range(self.base), 2):
            yield self._after_a_sweep(values)
        for value in range(self.base):
            yield self._after_a_sweep([value])

    def _after_a_sweep(self, values):
        pad = ArrayPad(values, self.base)
        pad.pointers[SWEEPS] = 1
        return pad

    def num_timesteps(self, length):
        return 3 if self.recursive else 2 * length + 1


def _counted_all(pad):
    return bool(pad.observe()[3])


def _swept_all(pad):
    return pad.observe()[1] == pad.base


def _is_back(pad):
    return bool(pad.observe()[2])
