"""Execution tables of a Neural Random-Access Machine, as pictures."""

import numpy as np
from keras import ops
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from keras_nm.plots.circuits import circuit_size, draw_circuit, named_circuits
from keras_nm.programs.circuit import POSITIVE, ZERO

_CHANGED = np.array([0.34, 0.71, 0.91])  # sky blue, of the color-blind's palette
_STOPPING = np.array([0.90, 0.62, 0.0])  # orange

# The probability from which a machine counts as stopped.
_STOPPED = 0.999

# Inches.
_CELL_WIDTH, _CELL_HEIGHT = 0.34, 0.27
_GAP = 0.22
_LABELS = 0.55
_TOP, _BOTTOM = 0.62, 0.55


def execution_picture(trace, program=None, example=0, time=None):
    """Draws what a Neural Random-Access Machine did: its tape and registers at every step.

    Each row shows them before a step; the last, how the machine ends. Blue is what the
    step before changed, the darker the more. Of a distribution the most probable integer
    is shown, the fainter the less probable. With a program, a letter says which circuit a
    step runs, and the circuits that were run are drawn below.

    Args:
        trace: What `NRAM.trace` or `Program.trace` gives.
        program: Optional `keras_nm.programs.Program`, that of the machine.
        example: Integer, which one of the batch.
        time: Optional integer, a number of steps: draws what happened up to then, and with
            a program the circuit that runs next with the values in it, as a frame of an
            animation. That takes a trace of an `NRAM`.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> import keras_nm, numpy as np
    >>> program = keras_nm.programs.PROGRAMS["access"]
    >>> trace = program.trace(np.array([[3, 4, 1, 2, 0]]), num_steps=2)
    >>> figure = keras_nm.plots.execution_picture(trace, program)
    """
    table = _Table(trace, program, example)
    sizes = [circuit_size(circuit) for _, _, circuit in table.circuits]
    # One below the other, or in an animation one at a time: its frames have one size.
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
    for (letter, condition, circuit), (own_width, own_height) in zip(
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
        title = f"{letter}: {condition}" if letter else condition
        draw_circuit(axes, circuit, title, values)
        top += own_height
    return figure


def num_steps(trace, example=0):
    """How many steps a machine ran, until it is all but certain that it has stopped."""
    if "num_steps" in trace:
        return int(trace["num_steps"][example])
    mass = ops.convert_to_numpy(trace["stopping_mass"])[example, :, 0]
    stopped = np.flatnonzero(np.cumsum(mass) > _STOPPED)
    return int(stopped[0]) + 1 if stopped.size else len(mass)


class _Table:
    """What there is to draw of one example."""

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
            # As distributions, which they are special cases of.
            tape, registers = (np.eye(tape.shape[1])[x] for x in (tape, registers))
        self.distributions = np.concatenate([tape, registers], axis=1)  # (T + 1, M + R, M)
        self.num_cells, self.num_registers = tape.shape[1], registers.shape[1]
        self.numbers = self.distributions.argmax(axis=-1)
        self.program = program
        self.circuits, self.letters = self._letters(program)

    def _letters(self, program):
        """The circuits that are run, and for each step the letter of its circuit."""
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
        """What is on the lines of a circuit at a time step, by kind and name.

        Each with its probability: of an uncertain choice, the most probable value need not
        be what the most probable gate gives.
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
            # Half the sum of differences: the probability that was moved.
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
