"""The base of the tasks of the Neural Programmer-Interpreter.

Axes: B batch, T steps of a call, N digits of a number or array.
"""

import abc
import copy
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf

from keras_nm.programs import npi
from keras_nm.tasks.sequence_task import SequenceTask
from keras_nm.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class CallTask(SequenceTask):
    """A source of `(x, y, sample_weight)` batches of calls of programs.

    An example is one call from the execution trace of a random problem. `x`
    `(B, T, input_size)` is what an `NPI` layer sees at each step: the observation, the
    arguments of the call and its program, one-hot. `y` `(B, T, 2 + arguments)`, int32, is
    what it should decide: whether the call ends, the next program, its arguments.
    `sample_weight` `(B, T)` is 1 at the steps of the call.

    First the program is drawn, of those that are called in the problem, and then one of its
    calls. Calls that are alike count once.

    The library of programs runs in Python and not in TensorFlow's graph.

    Subclasses have the class attribute `library_class`, and implement `problems` and
    `environment`.

    Args:
        min_length: Positive integer, the length of the shortest problems. Defaults to `1`.
        max_length: Positive integer, the length of the longest problems. Defaults to `10`.
        recursive: Boolean. `True` (default): programs repeat themselves by calling
            themselves. `False`: they repeat themselves in a loop.
        base: Integer of at least 2, the number of different digits. Defaults to `10`.

    Attributes:
        library: The `keras_nm.programs.npi.Library` of the programs.

    Raises:
        ValueError: For lengths or a base out of range, and if min_length > max_length.
    """

    recursive: bool = True
    base: int = 10

    library_class: ClassVar[type[npi.Library]]
    # Of the programs, by their index. `dataset` may change them.
    _weights: ClassVar = None

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(
            self,
            "library",
            self.library_class(recursive=self.recursive, base=self.base),
        )

    @abc.abstractmethod
    def problems(self, draws, lengths):
        """Draws problems.

        Args:
            draws: `Draws`, the source of all random numbers.
            lengths: int32 tensor `(B, 1)`, the length of each problem.

        Returns:
            int32 tensor `(B, rows, N)` of digits, with -1 after the end of a row.
        """

    @abc.abstractmethod
    def environment(self, *rows):
        """Makes the environment of one problem, given the digits in its rows."""

    @property
    def num_programs(self):
        """Integer, the number of programs."""
        return self.library.num_programs

    @property
    def argument_sizes(self):
        """Tuple of integers, how many values each argument has."""
        return self.library.argument_sizes

    @property
    def input_size(self):
        return self.library.input_size

    @property
    def output_size(self):
        return 1 + self.num_programs + sum(self.argument_sizes)

    @property
    def num_choices(self):
        """Integer, the number of choices per step."""
        return 2 + len(self.argument_sizes)

    def num_timesteps(self, length):
        return self.library.num_timesteps(length)

    def dataset(self, batch_size, *, program_weights=None, draw_lengths=None, **options):
        """Makes a dataset of batches, which is endless by default.

        Args:
            batch_size: As in `Task.dataset`.
            program_weights: Optional tensor or `tf.Variable` `(num_programs,)`, how often
                to draw each program in relation to the others, such as
                `keras_nm.training.ErrorSampling.program_weights`. Batches are then made one
                by one on request, so it is clear which of them follow a change.
            draw_lengths: As in `Task.dataset`.
            **options: The other arguments of `Task.dataset`.

        Returns:
            A `tf.data.Dataset` of `(x, y, sample_weight)`.

        Raises:
            ValueError: As for `Task.dataset`, and for weights of another shape.
        """
        task = self
        if program_weights is not None:
            shape = tuple(np.shape(program_weights))
            if shape != (self.num_programs,):
                raise ValueError(
                    "`program_weights` must have one weight for each of the programs "
                    f"{', '.join(self.library.programs)}: shape ({self.num_programs},). "
                    f"Received: weights of shape {shape}"
                )
            task = copy.copy(self)
            object.__setattr__(task, "_weights", program_weights)
            draw_lengths = draw_lengths or self._draw_lengths
        return Task.dataset(task, batch_size, draw_lengths=draw_lengths, **options)

    def sample(self, draws, lengths):
        weights = tf.ones(self.num_programs) if self._weights is None else self._weights
        x, y, sample_weight = tf.numpy_function(
            self._calls,
            [self.problems(draws, lengths), draws.uniform(2), weights],
            (tf.float32, tf.int32, tf.float32),
            stateful=False,
        )
        needed = tf.shape(x)[1]
        more = tf.shape(self.time(needed))[1] - needed

        def padded(array, *sizes):
            array = tf.pad(array, [[0, 0], [0, more], *([0, 0] for _ in sizes)])
            return tf.ensure_shape(array, (draws.batch_size, None, *sizes))

        return (
            padded(x, self.input_size),
            padded(y, self.num_choices),
            padded(sample_weight),
        )

    def _calls(self, problems, chances, weights):
        calls = map(self._call, problems, chances, [weights] * len(problems))
        return self.library.batch(list(calls))

    def _call(self, problem, chances, weights):
        """Returns one of the different calls in a problem."""
        environment = self.environment(*(row[row >= 0].tolist() for row in problem))
        by_program = {}
        for call in dict.fromkeys(npi.Interpreter(self.library).calls(environment)):
            by_program.setdefault(call.program, []).append(call)
        programs = sorted(by_program)
        bounds = np.cumsum(weights[programs])
        chosen = np.searchsorted(bounds, chances[0] * bounds[-1], side="right")
        calls = by_program[programs[min(chosen, len(programs) - 1)]]
        return calls[int(chances[1] * len(calls))]


def row_of(draws, sizes, width, base):
    """Draws rows of digits, int32 `(B, width)`, with -1 after `sizes` `(B, 1)` of them."""
    among = draws.first(sizes, width)
    return tf.where(among, draws.integer_data(0, base, among), -1)


def verified(layer, task):
    """Returns whether a layer is right in all calls that its programs can ever make.

    Args:
        layer: An `NPI` layer that was trained on the task.
        task: A `CallTask`.

    Returns:
        A dict: `"right_calls"`, how many calls of each program are right, of how many, and
        `"right_at_any_length"`. It is empty if programs are not recursive.
    """
    if not task.recursive:
        return {}
    verification = npi.verify(task.library, layer)
    right = {
        name: f"{number - len(verification.faults[name])} of {number}"
        for name, number in verification.num_calls.items()
    }
    return {"right_calls": right, "right_at_any_length": verification.is_proof}
