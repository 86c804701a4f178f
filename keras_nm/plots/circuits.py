"""Circuits of a Neural Random-Access Machine, drawn as graphs."""

import itertools
import string
import textwrap

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path

from keras_nm.programs.layout import layout

# Colors that the color-blind can tell apart (Okabe and Ito), light enough for black text.
_FILL = {"register": "#CDE5F5", "gate": "#FFFFFF", "next": "#FBE3C2"}
_EDGE = {"register": "#0072B2", "gate": "#444444", "next": "#B36B00"}
_LINE = "#777777"
_VALUE = "#0072B2"

# Inches: the distances between columns and between rows, and half the size of a box.
_COLUMN, _ROW = 1.35, 0.52
_HALF_WIDTH, _HALF_HEIGHT = 0.4, 0.16
_MARGIN, _LINE_HEIGHT, _LETTER = 0.15, 0.18, 0.08


def circuit_picture(program, patterns=None):
    """Draws a program as one graph for each of its circuits.

    The registers before the time step are on the left. The registers that it changes are on
    the right. Parts without effect are left out.

    Args:
        program: A `keras_nm.programs.Program`.
        patterns: The patterns of registers to draw, such as
            `program.trace(tape, num_steps)["patterns"]`. Defaults to
            `program.reachable_patterns()`.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> import keras_nm
    >>> figure = keras_nm.plots.circuit_picture(keras_nm.programs.PROGRAMS["copy"])
    """
    named = named_circuits(program, patterns)
    sizes = [circuit_size(circuit, title) for _, title, circuit in named]
    width = max(width for width, _ in sizes)
    height = sum(height for _, height in sizes)
    figure = Figure(figsize=(width, height))
    top = height
    for (_, title, circuit), (own_width, own_height) in zip(named, sizes, strict=True):
        top -= own_height
        axes = figure.add_axes((0, top / height, own_width / width, own_height / height))
        draw_circuit(axes, circuit, title)
    return figure


def named_circuits(program, patterns=None):
    """Returns the circuits of a program, with letters if there are several.

    Returns:
        A list of triples: a letter or `""`, the title, which is the letter and the
        condition in words, and the circuit.
    """
    blocks = program.blocks(patterns)
    letters = string.ascii_uppercase if len(blocks) > 1 else [""]
    letters = [letters[i] if i < len(letters) else f"#{i + 1}" for i in range(len(blocks))]
    return [
        (
            letter,
            (f"{letter}: " if letter else "")
            + condition
            + (", then stop" if circuit.stop else ""),
            circuit,
        )
        for letter, (condition, circuit) in zip(letters, blocks, strict=True)
    ]


def circuit_size(circuit, title):
    """Returns the width and the height in inches that `draw_circuit` needs."""
    nodes, edges = layout(circuit)
    columns = max((node.column for node in nodes), default=0)
    rows = [row for edge in edges for _, row in edge.path] or [0.0]
    width = columns * _COLUMN + 2 * _HALF_WIDTH + 0.5
    width = max(width, 4.5)
    title_height = len(_lines(title, width)) * _LINE_HEIGHT
    return width, (max(rows) - min(rows)) * _ROW + 2 * _HALF_HEIGHT + 0.57 + title_height


def _lines(title, width):
    return textwrap.wrap(title, int((width - 2 * _MARGIN) / _LETTER))


def draw_circuit(axes, circuit, title, values=None):
    """Draws a circuit.

    Args:
        axes: Axes of the size that `circuit_size` returns.
        circuit: A `Circuit`.
        title: String.
        values: Optional dict from the kind and the name of a node to its value and the
            certainty of this value. They are written on the line that leaves the node, or
            next to the node.
    """
    nodes, edges = layout(circuit)
    width, height = axes.figure.get_size_inches() * [
        axes.get_position().width,
        axes.get_position().height,
    ]
    rows = [row for edge in edges for _, row in edge.path] or [0.0]
    # In inches from the top left corner.
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    top = 0.25
    for line in _lines(title, width):
        axes.text(_MARGIN, top, line, fontsize=10, fontweight="bold", va="center")
        top += _LINE_HEIGHT
    top += 0.17
    if not nodes:
        axes.text(_MARGIN, top, "nothing", fontsize=10, va="center")

    def place(column, row):
        return (
            0.2 + _HALF_WIDTH + column * _COLUMN,
            top + _HALF_HEIGHT + (row - min(rows)) * _ROW,
        )

    for edge in edges:
        points = [place(*point) for point in edge.path]
        # Arguments arrive one above the other.
        ports = edge.num_arguments
        offset = (edge.argument - (ports - 1) / 2) * 1.1 * _HALF_HEIGHT
        points[0] = points[0][0] + _HALF_WIDTH, points[0][1]
        points[-1] = points[-1][0] - _HALF_WIDTH, points[-1][1] + offset
        # A line is straight where it passes a column, to keep clear of the boxes there.
        points[1:-1] = [
            (x + side * _HALF_WIDTH, y) for x, y in points[1:-1] for side in (-1, 1)
        ]
        axes.add_patch(
            PathPatch(_curve(points), fill=False, edgecolor=_LINE, linewidth=1.2, zorder=1)
        )
        x, y = points[-1]
        axes.add_patch(
            PathPatch(
                Path([(x - 0.08, y - 0.04), (x, y), (x - 0.08, y + 0.04)]),
                fill=False,
                edgecolor=_LINE,
                linewidth=1.2,
            )
        )
    for node in nodes:
        x, y = place(node.column, node.row)
        rounding = 0.05 if node.kind == "gate" else 0.16
        axes.add_patch(
            FancyBboxPatch(
                (x - _HALF_WIDTH, y - _HALF_HEIGHT),
                2 * _HALF_WIDTH,
                2 * _HALF_HEIGHT,
                boxstyle=f"round,pad=0,rounding_size={rounding}",
                facecolor=_FILL[node.kind],
                edgecolor=_EDGE[node.kind],
                linewidth=1.2,
                zorder=2,
            )
        )
        small = len(node.name) > 8
        axes.text(
            x, y, node.name, ha="center", va="center", fontsize=6 if small else 9, zorder=3
        )
        if values and (node.kind, node.name) in values:
            value, certain = values[node.kind, node.name]
            axes.text(
                x + _HALF_WIDTH + 0.05,
                y - 0.03,
                value,
                alpha=0.25 + 0.75 * certain,
                ha="left",
                va="bottom",
                fontsize=9,
                fontweight="bold",
                color=_VALUE,
                zorder=3,
            )


def _curve(points):
    """Returns a curve through the points that is horizontal at each of them."""
    codes, vertices = [Path.MOVETO], [points[0]]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        middle = (x0 + x1) / 2
        vertices += [(middle, y0), (middle, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    return Path(vertices, codes)
