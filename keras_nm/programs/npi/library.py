"""The programs that a Neural Programmer-Interpreter learns, and how they are shown to it.

Axes: T steps of a call.
"""

import abc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from keras_nm.arguments import check_boolean, check_integer

# The one primitive program. Its arguments say what the environment should do.
ACT = "ACT"


class Step(NamedTuple):
    """A decision: the program to call, its arguments, and whether the call ends with it.

    Args:
        program: Integer, the index of the program in `Library.programs`.
        arguments: Tuple of integers, one below each of `Library.argument_sizes`.
        ends: Boolean. If true, the call leaves the stack before the program is called.
    """

    program: int
    arguments: tuple[int, ...]
    ends: bool


class Call(NamedTuple):
    """What happened in a call of a program: an observation and a decision at each step.

    Args:
        program: Integer, the index of the program that was called.
        arguments: Tuple of integers, its arguments.
        observations: Tuple of T observations, see `Environment.observe`.
        steps: Tuple of T `Step`.
    """

    program: int
    arguments: tuple[int, ...]
    observations: tuple[tuple[int, ...], ...]
    steps: tuple[Step, ...]


class Environment(abc.ABC):
    """What programs observe and change. `ScratchPad` and `ArrayPad` are two.

    Subclasses implement the methods below and `result`.
    """

    @abc.abstractmethod
    def observe(self) -> tuple[int, ...]:
        """Returns all that a program sees: integers below `observation_sizes`."""

    @abc.abstractmethod
    def act(self, arguments: tuple[int, ...]) -> None:
        """Does what the arguments of `ACT` say. With zeros only, this is nothing.

        Raises:
            ValueError: If they make no sense.
        """

    @abc.abstractmethod
    def name_of(self, arguments: tuple[int, ...]) -> str:
        """Returns the arguments of `ACT` in words, such as `"WRITE OUT 3"`."""

    @abc.abstractmethod
    def rows(self) -> list[tuple[str, list[str], dict[str, int]]]:
        """Returns the pad as it reads from left to right.

        Returns:
            A list of rows: the row's name, its cells as text, and a dict from the names of
            the pointers to the indices of their cells.
        """

    @property
    @abc.abstractmethod
    def result(self) -> Any:
        """The answer that is in the environment."""


@dataclass(frozen=True, kw_only=True)
class Library(abc.ABC):
    """The programs of a task.

    Subclasses have the class attributes below, and implement `environment`, `show`,
    `windows`, `num_timesteps` and the sizes.

    Args:
        recursive: Boolean. `True` (default): programs repeat themselves by calling
            themselves, so that every call has few steps (Cai et al. 2017). `False`: they
            repeat themselves in a loop, as in Reed and de Freitas (2016).
        base: Integer of at least 2, the number of different digits. Defaults to `10`.

    Attributes:
        programs: Tuple of the programs' names. The first is `"ACT"`, the second the one
            that solves the task.

    Raises:
        ValueError: For a base that is not an integer of at least 2, and if `recursive` is
            not a boolean.

    Example:

    >>> from keras_nm.programs import npi
    >>> library = npi.Addition(base=2)
    >>> library.programs
    ('ACT', 'ADD', 'ADD1', 'CARRY', 'LSHIFT')
    >>> calls = list(npi.Interpreter(library).calls(library.environment(1, 1)))
    >>> x, y, sample_weight = library.batch(calls)
    >>> x.shape, y.shape  # 8 calls of at most 4 steps
    ((8, 4, 26), (8, 4, 5))
    """

    recursive: bool = True
    base: int = 10

    programs: ClassVar[tuple[str, ...]]

    def __post_init__(self):
        check_boolean("recursive", self.recursive)
        check_integer("base", self.base, minimum=2)

    @property
    @abc.abstractmethod
    def observation_sizes(self) -> tuple[int, ...]:
        """How many values each part of an observation has."""

    @property
    @abc.abstractmethod
    def argument_sizes(self) -> tuple[int, ...]:
        """How many values each argument of a call has."""

    @abc.abstractmethod
    def environment(self, *problem) -> Environment:
        """Makes the environment of a problem, as it is before the first step."""

    @abc.abstractmethod
    def show(self, program: str, environment: Any) -> Iterator[Step]:
        """Yields the right steps of a call.

        Args:
            program: The program's name.
            environment: The environment. After each step, it must be as the step leaves it.
        """

    @abc.abstractmethod
    def windows(self) -> Iterator[Environment]:
        """Yields environments in which a call of the main program sees all there is to see.

        With recursive programs, a call has few steps. It and the calls that it waits for
        see no more than a part of the environment. These environments contain all such
        parts. So every call that the programs ever make is, in its observations, one of
        those made in one of these environments before the main program calls itself.
        """

    @abc.abstractmethod
    def num_timesteps(self, length: int) -> int:
        """Returns the largest number of steps of a call in a problem of this length."""

    @property
    def num_programs(self) -> int:
        """The number of programs."""
        return len(self.programs)

    @property
    def input_size(self) -> int:
        """The number of channels of an `NPI` layer's inputs."""
        return sum(self._sizes)

    @property
    def _sizes(self):
        return (*self.observation_sizes, *self.argument_sizes, self.num_programs)

    @property
    def _starts(self):
        return np.cumsum([0, *self._sizes[:-1]])

    @property
    def no_arguments(self) -> tuple[int, ...]:
        """The arguments of calls that need none."""
        return (0,) * len(self.argument_sizes)

    def step(self, name: str, *, ends: bool = False) -> Step:
        """Returns the step that calls a program without arguments."""
        return Step(self.programs.index(name), self.no_arguments, ends)

    def act(self, *arguments: int, ends: bool = False) -> Step:
        """Returns the step that acts. Without arguments, it does nothing."""
        return Step(0, arguments or self.no_arguments, ends)

    def encode(self, program, arguments, observation) -> np.ndarray:
        """Returns the inputs of an `NPI` layer at one step: float32 `(1, input_size)`."""
        columns = [*observation, *arguments, program]
        inputs = np.zeros((1, self.input_size), "float32")
        inputs[0, self._starts + columns] = 1
        return inputs

    def batch(self, calls) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns the inputs, the right decisions and the weights of padded calls.

        Args:
            calls: Non-empty list of B `Call`.

        Returns:
            A tuple `(x, y, sample_weight)`, as `model.fit` takes them. `x` is float32
            `(B, T, input_size)`, all one-hot. `y` is int32 `(B, T, 2 + arguments)`: whether
            the call ends, the next program, its arguments. `sample_weight` is float32
            `(B, T)`. After the end of a call, all are 0.

        Raises:
            ValueError: For an empty list.
        """
        if not calls:
            raise ValueError(
                "`calls` must be at least one Call, such as those of "
                "list(Interpreter(library).calls(environment)). Received: calls=[]"
            )
        size = (len(calls), max(len(call.steps) for call in calls))
        columns = np.zeros((*size, len(self._sizes)), "int64")
        y = np.zeros((*size, 2 + len(self.argument_sizes)), "int32")
        sample_weight = np.zeros(size, "float32")
        for index, (program, arguments, observations, steps) in enumerate(calls):
            here = index, slice(len(steps))
            columns[here] = [(*seen, *arguments, program) for seen in observations]
            y[here] = [(step.ends, step.program, *step.arguments) for step in steps]
            sample_weight[here] = 1
        x = np.zeros((*size, self.input_size), "float32")
        np.put_along_axis(x, columns + self._starts, sample_weight[..., None], axis=2)
        return x, y, sample_weight


def check_library(library: Any) -> Library:
    """Returns `library`, or raises a ValueError if it is not a `Library`."""
    if not isinstance(library, Library):
        raise ValueError(
            "`library` must be a Library, such as keras_nm.programs.npi.Addition(). "
            f"Received: library={library!r}"
        )
    return library
