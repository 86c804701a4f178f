"""Runs programs, shown or learned, with a stack for the calls that wait."""

from typing import NamedTuple

import keras
import numpy as np

from keras_nm.arguments import check_integer
from keras_nm.layers.inner_dropout import forget_masks
from keras_nm.programs.npi.library import ACT, Call, Step, check_library


class ExecutionError(RuntimeError):
    """A run does not end, or acts against the rules of the environment."""


class Event(NamedTuple):
    """A call or an action in a run, as `Interpreter.trace` records it.

    Args:
        depth: Integer, the number of calls around it.
        name: String, the name of the program that was called, or the action in words.
        acts: Boolean, whether it is an action.
        rows: The pad after it, see `Environment.rows`.
    """

    depth: int
    name: str
    acts: bool
    rows: list[tuple[str, list[str], dict[str, int]]]


class _Frame:
    """A call that is not yet over."""

    __slots__ = ("arguments", "depth", "observations", "program", "steps")

    def __init__(self, program, arguments, depth):
        self.program = program
        self.arguments = arguments
        self.depth = depth
        self.observations = []
        self.steps = []

    @property
    def call(self):
        steps, seen = tuple(self.steps), tuple(self.observations)
        return Call(self.program, self.arguments, seen, steps)


class Interpreter:
    """Runs the programs of a library: those that it shows, or those that a layer learned.

    A call begins with the layer's initial state, and its decisions depend on nothing but
    the program, the arguments and the observations since then. So the interpreter asks the
    layer once in each such situation, and remembers the decision. A call that ends with
    another call leaves the stack first: programs may call themselves at their end as often
    as they like.

    Args:
        library: A `Library`.
        layer: `None`, to run the programs as the library shows them, or an `NPI` layer.
        max_steps: Positive integer. A run with more steps is an error. Defaults to ten
            million.
        max_depth: Positive integer. As many calls that wait for others are an error.
            Defaults to `1000`.

    Raises:
        ValueError: For something other than a `Library`, and for a layer with other sizes
            than those of the library.

    Example:

    >>> from keras_nm.programs import npi
    >>> library = npi.BubbleSort()
    >>> pad = library.environment([5, 9, 2])
    >>> npi.Interpreter(library).run(pad)
    91
    >>> pad.result
    [2, 5, 9]
    """

    def __init__(self, library, layer=None, max_steps=10_000_000, max_depth=1000):
        self.library = check_library(library)
        self.max_steps = check_integer("max_steps", max_steps)
        self.max_depth = check_integer("max_depth", max_depth)
        self._decisions = self._shown if layer is None else Decisions(library, layer)

    def _shown(self, program, arguments, environment):
        return self.library.show(self.library.programs[program], environment)

    def run(self, environment):
        """Runs the main program, which changes the environment.

        Args:
            environment: An `Environment` of the library.

        Returns:
            Integer, the number of steps.

        Raises:
            ExecutionError: If the run does not end, or if it acts against the rules of the
                environment.
        """
        count = 0
        for _ in self.steps(environment):
            count += 1
        return count

    def trace(self, environment):
        """Runs the main program and records every step.

        Args:
            environment: An `Environment` of the library.

        Returns:
            A list of `Event`, which `call_tree` prints and `keras_nm.plots.call_picture`
            draws. If the run fails, the last one says why. A machine that loops fills it
            up to `max_steps`, so choose that small.
        """
        names = self.library.programs
        events = [Event(0, names[1], False, environment.rows())]
        try:
            for frame, step in self.steps(environment):
                name = names[step.program]
                acts = name == ACT
                if acts:
                    name = environment.name_of(step.arguments)
                events.append(Event(frame.depth + 1, name, acts, environment.rows()))
        except ExecutionError as error:
            events.append(Event(0, f"Failed: {error}", False, environment.rows()))
        return events

    def calls(self, environment):
        """Runs the main program and yields each call when it is over.

        Args:
            environment: An `Environment` of the library.

        Yields:
            `Call`.
        """
        for frame, step in self.steps(environment):
            if step.ends:
                yield frame.call

    def steps(self, environment):
        """Runs the main program, one step each time that the caller asks for one.

        Args:
            environment: An `Environment` of the library.

        Yields:
            Pairs of the call that decided and its `Step`, when the step is done. The call
            that it made begins after that.

        Raises:
            ExecutionError: As `run`.
        """
        frame = _Frame(1, self.library.no_arguments, 0)
        stack = [(frame, self._decisions(1, frame.arguments, environment))]
        count = 0
        while stack:
            frame, decisions = stack[-1]
            frame.observations.append(environment.observe())
            step = next(decisions)
            frame.steps.append(step)
            if step.ends:
                stack.pop()
            count += 1
            if count > self.max_steps:
                raise self._error(
                    f"after {self.max_steps:,} steps there is no end. The machine loops, "
                    "or `max_steps` is too small",
                    stack,
                    frame,
                )
            program, arguments, _ = step
            if program == 0:
                try:
                    environment.act(arguments)
                except ValueError as error:
                    raise self._error(str(error), stack, frame) from None
            elif len(stack) >= self.max_depth:
                raise self._error(
                    f"{self.max_depth:,} calls wait for others. The machine loops, or "
                    "`max_depth` is too small",
                    stack,
                    frame,
                )
            else:
                called = _Frame(program, arguments, frame.depth + 1)
                stack.append((called, self._decisions(program, arguments, environment)))
            yield frame, step

    def _error(self, what, stack, frame):
        frames = [each for each, _ in stack if each is not frame] + [frame]
        names = [self.library.programs[each.program] for each in frames]
        if len(names) > 5:
            names = [*names[:2], "...", *names[-2:]]
        return ExecutionError(f"In {' > '.join(names)}: {what}")


def call_tree(events):
    """Formats a run as text: calls and actions, and the pad after each action.

    Args:
        events: The result of `Interpreter.trace`.

    Returns:
        A string. In the pad, brackets are around the cells under pointers.

    Raises:
        ValueError: For an empty list.

    Example:

    >>> from keras_nm.programs import npi
    >>> library = npi.Addition()
    >>> events = npi.Interpreter(library).trace(library.environment(2, 3))
    >>> print(npi.call_tree(events[:4]))
    ADD             IN 1  [2]  IN 2  [3]  CARRY  [ ]  OUT  [ ]
      ADD1
        WRITE OUT 5 IN 1  [2]  IN 2  [3]  CARRY  [ ]  OUT  [5]
      LSHIFT
    """
    if not events:
        raise ValueError(
            "`events` must be the result of Interpreter.trace. Received: events=[]"
        )
    labels = [f"{'  ' * depth}{name}" for depth, name, *_ in events]
    pads = ["  ".join(map(_row_text, event.rows)) for event in events]
    width = max(map(len, labels))
    lines = []
    for index, (label, pad) in enumerate(zip(labels, pads, strict=True)):
        changed = index == 0 or pad != pads[index - 1]
        lines.append(f"{label.ljust(width)} {pad}" if changed else label)
    return "\n".join(lines)


def _row_text(row):
    name, cells, pointers = row
    marked = [f"[{x}]" if i in pointers.values() else x for i, x in enumerate(cells)]
    return f"{name} {''.join(marked)}"


class Decisions:
    """The decisions of a trained layer, asked for once in each situation.

    Args:
        library: A `Library`.
        layer: An `NPI` layer.
    """

    def __init__(self, library, layer):
        self.library = library
        self.step = step_function(library, layer)
        self._initial = layer.cell.get_initial_state(1)
        self._begun = {}

    def __call__(self, program, arguments, environment):
        """Yields the steps of a call, without an end."""
        node = self._begun.setdefault((program, arguments), _Node(None, self._initial))
        while True:
            observation = environment.observe()
            following = node.following.get(observation)
            if following is None:
                inputs = self.library.encode(program, arguments, observation)
                outputs, states = self.step(inputs, node.states)
                step = decided(self.library, outputs[0])
                following = node.following[observation] = _Node(step, states)
            node = following
            yield node.step


class _Node:
    """A decision, the layer's states after it, and what follows after an observation."""

    __slots__ = ("following", "states", "step")

    def __init__(self, step, states):
        self.step = step
        self.states = states
        self.following = {}


def step_function(library, layer):
    """Returns a function of inputs and states: one step of a layer, compiled if possible.

    Raises:
        ValueError: For a layer with other sizes than those of the library.
    """
    cell = getattr(layer, "cell", None)
    expected = (library.num_programs, library.argument_sizes)
    received = tuple(
        getattr(cell, name, None) for name in ("num_programs", "argument_sizes")
    )
    if received != expected:
        raise ValueError(
            f"The layer must be an NPI with num_programs={expected[0]} and "
            f"argument_sizes={expected[1]}, as the library has. Received: {layer}"
        )
    if not layer.built:
        layer.build((None, None, library.input_size))
    observation_size = sum(library.observation_sizes)
    if cell.observation_size != observation_size:
        raise ValueError(
            f"The layer must be built for observations of {observation_size} channels, as "
            "the library has. Use the library that the layer was trained with, with the "
            f"same `base`. Received: library={library}, a layer built for observations of "
            f"{cell.observation_size} channels"
        )

    def step(inputs, states):
        result = cell(inputs, states)
        forget_masks(cell)
        return result

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        step = tf.function(step, reduce_retracing=True)

    def on_arrays(inputs, states):
        outputs, states = step(keras.ops.cast(inputs, cell.compute_dtype), states)
        return keras.ops.convert_to_numpy(outputs), states

    return on_arrays


def decided(library, outputs):
    """Returns the `Step` in the outputs `(units,)` of a layer at one step."""
    end, *others = split_logits(library, outputs)
    program, *arguments = (int(part.argmax()) for part in others)
    return Step(program, tuple(arguments), bool(end[0] > 0))


def split_logits(library, outputs):
    """Splits outputs `(..., units)` into logits of the end, programs and arguments."""
    bounds = np.cumsum([1, library.num_programs, *library.argument_sizes])[:-1]
    return np.split(outputs, bounds, axis=-1)
