"""Execution tables of a Neural Random-Access Machine, as pictures."""

import numpy as np
from keras import ops
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from keras_nm.plots.circuits import circuit_size, draw_circuit, named_circuits
from keras_nm.programs import Program
from keras_nm.programs.circuit import POSITIVE, ZERO

_CHANGED = np.array([0.34, 0.71, 0.91])  # sky blue, from a palette for the color-blind
_STOPPING = np.array([0.90, 0.62, 0.0])  # orange

# A machine counts as stopped above this probability.
_STOPPED = 0.999

# Inches.
_CELL_WIDTH, _CELL_HEIGHT = 0.34, 0.27
_GAP = 0.22
_LABELS = 0.55
_TOP, _BOTTOM = 0.62, 0.55


def execution_picture(trace, program=None, example=0, time=None):
    """Draws what a Neural Random-Access Machine did: its tape and registers at every step.

    Each row shows the tape and the registers before a step. The last row shows how the
    machine ends. Blue marks changes by the step before, and a darker blue means a larger
    change. A distribution is shown as its most probable integer, and a fainter integer is
    less probable. With a program, a letter says which circuit a step runs, and the circuits
    that ran are drawn below.

    Args:
        trace: The result of `NRAM.trace` or `Program.trace`.
        program: Optional `keras_nm.programs.Program`, the program of the machine.
        example: Integer, the index of the example in the batch.
        time: Optional integer, a number of steps, for one frame of an animation. The frame
            shows everything up to this step. With a program, it also shows the circuit that
            runs next, with the values in it. This needs a trace of an `NRAM`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: For a frame with a program and a trace of a `Program`.

    Example:

    >>> import keras_nm, numpy as np
    >>> program = keras_nm.programs.PROGRAMS["access"]
    >>> trace = program.trace(np.array([[3, 4, 1, 2, 0]]), num_steps=2)
    >>> figure = keras_nm.plots.execution_picture(trace, program)
    """
    if time is not None and program is not None and "outputs" not in trace:
        raise ValueError(
            "A frame with circuits needs the outputs of the gates, which the trace "
            f"of an NRAM layer has. Received a trace of {', '.join(trace)}"
        )
    table = _Table(trace, program, example)
    sizes = [circuit_size(circuit, title) for _, title, circuit in table.circuits]
    # All circuits, one below the other, or one at a time in frames of the same size.
    heights = [height for _, height in sizes]
    circuits_height = sum(heights) if time is None else max(heights, default=0)
    width = max([table.width, 5.6, *(width for width, _ in sizes)])
    height = table.height + circuits_height
    figure = Figure(figsize=(width, height))

    axes = figure.add_axes((0, 1 - table.height / height, 1, table.height / height))
    axes.set_xlim(0, width)
    axes.set_ylim(table.height, 0)
    axes.set_axis_off()
    table.draw(axes, time)

    top = table.height
    for (letter, title, circuit), (own_width, own_height) in zip(
        table.circuits, sizes, strict=True
    ):
        values = None
        if time is not None:
            if time >= table.num_steps or letter != table.letters[time]:
                continue
            values = table.values(trace, circuit, time)
        axes = figure.add_axes(
            (0, 1 - (top + own_height) / height, own_width / width, own_height / height)
        )
        draw_circuit(axes, circuit, title, values)
        top += own_height
    return figure


def execution_of_layer(layer, trace, inputs, outputs, example, time, activation):
    """Draws the execution of one example, see `keras_nm.plots.machine_picture`."""
    try:
        program = Program.from_layer(layer)
    except ValueError:  # a controller with states has no program
        program = None
    return execution_picture(trace, program, example, time)


def num_frames(trace, example=0):
    """Returns the number of frames of an animation: one before each step, and the end."""
    return num_steps(trace, example) + 1


def num_steps(trace, example=0):
    """Returns how many steps a machine ran until it had almost certainly stopped."""
    if "num_steps" in trace:
        return int(trace["num_steps"][example])
    mass = ops.convert_to_numpy(trace["stopping_mass"])[example, :, 0]
    stopped = np.flatnonzero(np.cumsum(mass) > _STOPPED)
    return int(stopped[0]) + 1 if stopped.size else len(mass)


class _Table:
    """The parts of one example to draw."""

    def __init__(self, trace, program, example):
        tape, registers = (
            ops.convert_to_numpy(trace[name])[example] for name in ("tape", "registers")
        )
        self.example = example
        self.num_steps = num_steps(trace, example)
        tape, registers = (x[: self.num_steps + 1] for x in (tape, registers))
        self.stopping = None
        if "stopping_mass" in trace:
            self.stopping = ops.convert_to_numpy(trace["stopping_mass"])[example, :, 0]
        else:
            # Integers become one-hot distributions.
            tape, registers = (np.eye(tape.shape[1])[x] for x in (tape, registers))
        self.distributions = np.concatenate([tape, registers], axis=1)  # (T + 1, M + R, M)
        self.num_cells, self.num_registers = tape.shape[1], registers.shape[1]
        self.numbers = self.distributions.argmax(axis=-1)
        self.program = program
        self.circuits, self.letters = self._letters(program)

    def _letters(self, program):
        """Returns the circuits that ran, and for each step the letter of its circuit."""
        if program is None:
            return [], []
        zero = self.numbers[:-1, self.num_cells :] == 0
        patterns = ["".join(ZERO if z else POSITIVE for z in row) for row in zero]
        circuits = named_circuits(program, patterns)
        letters = []
        for pattern in patterns:
            [letter] = [
                letter
                for letter, _, circuit in circuits
                if circuit == program.circuits[pattern]
            ]
            letters.append(letter)
        return circuits, letters

    @property
    def height(self):
        return _TOP + (self.num_steps + 1) * _CELL_HEIGHT + _BOTTOM

    @property
    def width(self):
        columns = self.num_cells + self.num_registers
        return _LABELS + columns * _CELL_WIDTH + 2 * _GAP + 2 * 0.7 + 0.2

    def values(self, trace, circuit, time):
        """Returns the values on the lines of a circuit at a time step, by kind and name.

        Each value comes with its probability. If a choice is uncertain, the most probable
        value may differ from the output of the most probable gate.
        """
        outputs = ops.convert_to_numpy(trace["outputs"])[self.example, time]
        before = self.distributions[time, self.num_cells :]
        after = self.distributions[time + 1, self.num_cells :]
        found = {("register", f"r{i + 1}"): x for i, x in enumerate(before)}
        found |= {("next", f"r{i + 1}"): x for i, x in enumerate(after)}
        if self.program.num_slots is None:
            names = list(self.program.sequence)
            found |= {("gate", n): outputs[names.index(n)] for n, _ in circuit.gates}
        return {key: (x.argmax(), min(max(x.max(), 0), 1)) for key, x in found.items()}

    def draw(self, axes, time):
        last = self.num_steps if time is None else time
        places = _LABELS + _CELL_WIDTH * np.arange(self.num_cells + self.num_registers)
        places[self.num_cells :] += _GAP
        right = places[-1] + _CELL_WIDTH + _GAP
        self._draw_header(axes, places, right)
        for step in range(last + 1):
            top = _TOP + step * _CELL_HEIGHT
            middle = top + _CELL_HEIGHT / 2
            label = "end" if step == self.num_steps else str(step + 1)
            axes.text(
                _LABELS - 0.12,
                middle,
                label,
                ha="right",
                va="center",
                fontsize=9,
                color="0.35",
            )
            for index, left in enumerate(places):
                self._draw_cell(axes, step, index, left, top)
            column = right
            if self.letters and self.circuits[0][0]:
                if step < self.num_steps:
                    text = self.letters[step]
                    axes.text(
                        column + 0.3, middle, text, ha="center", va="center", fontsize=9
                    )
                column += 0.7
            if self.stopping is not None and step < self.num_steps:
                mass = self.stopping[step]
                color = 1 - (1 - _STOPPING) * 0.7 * min(max(mass, 0), 1)
                axes.add_patch(
                    Rectangle((column, top), 0.6, _CELL_HEIGHT, facecolor=color, zorder=0)
                )
                text = f"{mass:.2f}"
                axes.text(column + 0.3, middle, text, ha="center", va="center", fontsize=8)
        axes.text(
            _LABELS,
            self.height - 0.3,
            "blue: changed by the step before; faint: uncertain",
            fontsize=8,
            color="0.35",
            va="center",
        )

    def _draw_header(self, axes, places, right):
        names = [str(index) for index in range(self.num_cells)]
        names += [f"r{index + 1}" for index in range(self.num_registers)]
        for name, left in zip(names, places, strict=True):
            axes.text(
                left + _CELL_WIDTH / 2,
                _TOP - 0.12,
                name,
                ha="center",
                va="center",
                fontsize=8,
                color="0.35",
            )
        titles = [("step", _LABELS - 0.12, "right", _TOP - 0.12)]
        titles.append(("tape, by cell", places[0], "left", _TOP - 0.38))
        titles.append(("registers", places[self.num_cells], "left", _TOP - 0.38))
        column = right
        if self.letters and self.circuits[0][0]:
            titles.append(("circuit", column + 0.3, "center", _TOP - 0.12))
            column += 0.7
        if self.stopping is not None:
            titles.append(("stops", column + 0.3, "center", _TOP - 0.12))
        for title, x, alignment, y in titles:
            axes.text(x, y, title, ha=alignment, va="center", fontsize=9)

    def _draw_cell(self, axes, step, index, left, top):
        now = self.distributions[step, index]
        changed = 0.0
        if step:
            # Half the sum of the differences is the probability that moved.
            changed = np.abs(now - self.distributions[step - 1, index]).sum() / 2
        color = 1 - (1 - _CHANGED) * 0.75 * min(max(changed, 0), 1)
        axes.add_patch(
            Rectangle(
                (left, top),
                _CELL_WIDTH,
                _CELL_HEIGHT,
                facecolor=color,
                edgecolor="0.8",
                linewidth=0.6,
            )
        )
        certain = min(max(now.max(), 0), 1)
        axes.text(
            left + _CELL_WIDTH / 2,
            top + _CELL_HEIGHT / 2,
            str(self.numbers[step, index]),
            ha="center",
            va="center",
            fontsize=9,
            color=str(0.75 * (1 - certain)),
        )
