"""Draws the calls of a Neural Programmer-Interpreter, and what it decides in one call."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from keras_nm.plots.panels import (
    WEIGHTS,
    Panel,
    draw_panels,
    example_of,
    inputs_and_outputs,
    per_step,
)
from keras_nm.plots.styles import styles

# Inches.
_LINE, _CELL, _LETTER, _INDENT = 0.19, 0.2, 0.085, 0.16
_MARGIN, _GAP = 0.15, 0.35


def call_picture(events):
    """Draws a run: the tree of calls from top to bottom, and the pad beside it.

    Args:
        events: List of `keras_nm.programs.npi.Event`, the result of
            `keras_nm.programs.npi.Interpreter.trace`.

    Returns:
        A `matplotlib.figure.Figure`. Programs are bold, actions are gray. The pad is drawn
        where it changed. Cells under pointers are colored, and what changed is bold.

    Raises:
        ValueError: For an empty list.

    Example:

    >>> import keras_nm
    >>> from keras_nm.programs import npi
    >>> library = npi.Addition()
    >>> events = npi.Interpreter(library).trace(library.environment(96, 125))
    >>> figure = keras_nm.plots.call_picture(events)
    """
    if not events:
        raise ValueError(
            "`events` must be the result of Interpreter.trace. Received: events=[]"
        )
    # In cells. The pad may grow to the left while programs run.
    widths = [
        max(len(event.rows[index][1]) for event in events)
        for index in range(len(events[0].rows))
    ]
    tree = max(_INDENT * event.depth + _LETTER * len(event.name) for event in events)
    spaces = [
        max(_CELL * cells, _title_width(row))
        for cells, row in zip(widths, events[0].rows, strict=True)
    ]
    width = tree + sum(_GAP + space for space in spaces) + 2 * _MARGIN
    height = (len(events) + 1) * _LINE + 2 * _MARGIN
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")

    lefts = np.cumsum([_MARGIN + tree + _GAP, *(space + _GAP for space in spaces[:-1])])
    for left, row in zip(lefts, events[0].rows, strict=True):
        _draw_title(axes, left, row)
    before = None
    for index, event in enumerate(events):
        top = _MARGIN + (index + 1) * _LINE
        _draw_name(axes, event, top)
        if event.rows != before:
            old = event.rows if before is None else before
            for left, row, old_row, size in zip(
                lefts, event.rows, old, widths, strict=True
            ):
                _draw_row(axes, left, top, row, old_row, size)
        before = event.rows
    return figure


def _title_width(row):
    name, _, pointers = row
    named = len(pointers) if len(pointers) > 1 else 0
    return _LETTER * (len(name) + 1 + 2.4 * named)


def _draw_title(axes, left, row):
    name, _, pointers = row
    middle = _MARGIN + _LINE / 2
    axes.text(left, middle, name, size=7, va="center")
    if len(pointers) == 1:  # that of the row
        return
    left += _LETTER * (len(name) + 1)
    for pointer, (color, *_) in zip(pointers, styles(pointers), strict=True):
        axes.add_patch(
            Rectangle((left, _MARGIN), _LETTER * 2, _LINE, facecolor=color, alpha=0.35)
        )
        axes.text(left + _LETTER, middle, pointer, size=7, ha="center", va="center")
        left += _LETTER * 2.4


def _draw_name(axes, event, top):
    left = _MARGIN + _INDENT * event.depth
    for depth in range(event.depth):
        x = _MARGIN + _INDENT * (depth + 0.3)
        axes.plot([x, x], [top, top + _LINE], color="0.85", linewidth=0.8)
    axes.text(
        left,
        top + _LINE / 2,
        event.name,
        size=8,
        va="center",
        family="monospace",
        color="0.45" if event.acts else "black",
        weight="normal" if event.acts else "bold",
    )


def _draw_row(axes, left, top, row, old_row, size):
    _, cells, pointers = row
    _, old_cells, _ = old_row
    colors = [color for color, *_ in styles(pointers)]
    # Cells are counted from the right, where the pad has its end.
    shift = size - len(cells)
    # The pad grows and shrinks at its left.
    old_cells = ([" "] * len(cells) + old_cells)[-len(cells) :]
    for at, (text, old) in enumerate(zip(cells, old_cells, strict=True)):
        x = left + _CELL * (at + shift)
        frame = {"edgecolor": "0.8", "facecolor": "white", "linewidth": 0.5}
        axes.add_patch(Rectangle((x, top), _CELL, _LINE, **frame))
        here = [c for c, p in zip(colors, pointers.values(), strict=True) if p == at]
        for index, color in enumerate(here):
            share = _LINE / len(here)
            axes.add_patch(
                Rectangle(
                    (x, top + index * share), _CELL, share, facecolor=color, alpha=0.35
                )
            )
        axes.text(
            x + _CELL / 2,
            top + _LINE / 2,
            text,
            size=8,
            ha="center",
            va="center",
            weight="bold" if text != old else "normal",
        )


def picture_of_layer(layer, trace, inputs, outputs, example, time, activation):
    """Draws what a layer decides in one call, see `keras_nm.plots.machine_picture`."""
    trace, outputs = example_of(trace, outputs, example, activation)
    rows = [inputs_and_outputs(per_step(inputs, example), outputs)]
    panels = [Panel(title="End", label="", values=trace["end"], scale=WEIGHTS)]
    panels.append(
        Panel(title="Program", label="program", values=trace["program"], scale=WEIGHTS)
    )
    for index in range(len(layer.cell.argument_sizes)):
        panels.append(
            Panel(
                title=f"Argument {index}",
                label="value",
                values=trace[f"argument_{index}"],
                scale=WEIGHTS,
            )
        )
    rows += [(*panels[i : i + 2], None)[:2] for i in range(0, len(panels), 2)]
    return draw_panels(rows, None, time)
