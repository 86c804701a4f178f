"""Panels of values over time: the common form of the pictures of sequence machines.

Time runs to the right in all panels. A picture has up to two columns of panels and, for one
moment, the memory beside them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

# Values: blue below 0, white at 0, red above. Weights: black at 0, white at 1.
VALUES = (colormaps["RdBu_r"], Normalize(-1, 1))
WEIGHTS = (colormaps["gray"], Normalize(0, 1))

# Inches. They are fixed, because finding a layout takes longer than drawing.
_PANEL_WIDTH, _LEFT, _GAP, _RIGHT = 3.9, 0.65, 0.75, 0.95
_TOP, _BETWEEN, _BOTTOM = 0.35, 0.45, 0.55
_MEMORY_WIDTH = 1.6
# Of a diagram, whose neighbors above and below have labels on their axes.
_ABOVE_DIAGRAM = 0.3


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One image with a title.

    Args:
        title: String.
        label: String, what the rows of the image are.
        values: Array `(timesteps, rows)`, or for a memory `(rows, width)`.
        scale: `VALUES` or `WEIGHTS`.
        first: Number of the first row.
        rows_per_number: How many rows of the image have one number, such as the width of a
            memory's cells.
        name_row: Optional function from the number of a row to its name, or `None`.
        height: Optional height in inches, the same in all frames of an animation.
        path: Optional array of `timesteps` numbers of rows, drawn as a line.
    """

    title: str
    label: str
    values: Any
    scale: Any
    first: int = 0
    rows_per_number: int = 1
    name_row: Callable[[int], str | None] | None = None
    height: float | None = None
    path: Any = None


@dataclass(frozen=True, kw_only=True)
class Diagram:
    """A drawing of its own in the place of a panel, without an axis of time.

    Args:
        title: String.
        draw: Function that draws on matplotlib's axes.
        height: Height in inches.
    """

    title: str
    draw: Callable[[Any], None]
    height: float


def draw_panels(rows, memory=None, time=None):
    """Draws rows of up to two panels.

    Args:
        rows: List of pairs of a `Panel`, a `Diagram` or `None`.
        memory: Optional `Panel`, whose axes are rows and width, drawn beside the others.
        time: Optional integer, a time step: everything after it is left out.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    heights = [_height(row) for row in rows]
    gaps = [_ABOVE_DIAGRAM if isinstance(row[0], Diagram) else 0.0 for row in rows]
    width = _LEFT + 2 * _PANEL_WIDTH + _GAP + _RIGHT
    if memory is not None:
        width += _MEMORY_WIDTH + _GAP
    height = _TOP + sum(heights + gaps) + _BETWEEN * (len(rows) - 1) + _BOTTOM
    figure = Figure(figsize=(width, height))

    def axes_at(left, top, width_of, height_of):
        # All sizes are in inches, from the top left corner.
        return figure.add_axes(
            (
                left / width,
                1 - (top + height_of) / height,
                width_of / width,
                height_of / height,
            )
        )

    top = _TOP
    bars = {}
    for index, (row, panel_height) in enumerate(zip(rows, heights, strict=True)):
        top += gaps[index]
        for column, panel in enumerate(row):
            if panel is None:
                continue
            left = _LEFT + column * (_PANEL_WIDTH + _GAP)
            axes = axes_at(left, top, _PANEL_WIDTH, panel_height)
            if isinstance(panel, Diagram):
                panel.draw(axes)
                axes.set_title(panel.title, fontsize=10, pad=4)
                axes.tick_params(labelsize=8)
                continue
            below = [row[column] for row in rows[index + 1 :]]
            last = not any(isinstance(x, Panel) for x in below)
            _draw_panel(axes, panel, time, last)
            bars.setdefault(id(panel.scale), (panel.scale, top, panel_height))
        top += panel_height + _BETWEEN
    right = _LEFT + 2 * _PANEL_WIDTH + _GAP + 0.2
    for (colors, limits), bar_top, bar_height in bars.values():
        bar = axes_at(right, bar_top, 0.12, bar_height)
        is_value = colors is VALUES[0]
        # Values may be beyond the scale.
        extend = "both" if is_value else "neither"
        figure.colorbar(ScalarMappable(limits, colors), cax=bar, extend=extend)
        bar.set_ylabel("value" if is_value else "weight", fontsize=9)
        bar.tick_params(labelsize=8)
    if memory is not None:
        left = width - _MEMORY_WIDTH - 0.2
        axes = axes_at(left, _TOP, _MEMORY_WIDTH, height - _TOP - _BOTTOM)
        _draw_image(axes, memory, memory.values)
        axes.set_xlabel("width", fontsize=9)
    return figure


def example_of(trace, outputs, example, activation):
    """Returns the trace and the outputs of one example, as arrays.

    Args:
        trace: Dict of tensors `(batch, timesteps, ...)`.
        outputs: Tensor, or `None` for the outputs in the trace.
        example: Integer.
        activation: Function from outputs to probabilities.
    """
    trace = {name: ops.convert_to_numpy(x)[example] for name, x in trace.items()}
    outputs = per_step(outputs, example)
    outputs = trace["output"] if outputs is None else outputs
    return trace, ops.convert_to_numpy(activation(outputs))


def per_step(values, example):
    """Returns one example of an array `(batch, timesteps, size)`, or `None` for others.

    Some models have inputs that are not vectors, such as tokens, or one output for a whole
    sequence.
    """
    values = keras.tree.flatten(values)[0]
    return ops.convert_to_numpy(values)[example] if np.ndim(values) == 3 else None


def inputs_and_outputs(inputs, outputs):
    """Returns the row of panels with what came in, if it is known, and what went out."""
    return (
        None
        if inputs is None
        else Panel(title="Inputs", label="channel", values=inputs, scale=VALUES),
        Panel(title="Outputs", label="channel", values=outputs, scale=VALUES),
    )


def num_steps(trace, example=0):
    """Returns the number of time steps of a trace, which all examples share."""
    return trace["output"].shape[1]


def _height(row):
    panels = [panel for panel in row if panel is not None]
    if heights := [panel.height for panel in panels if panel.height is not None]:
        return max(heights)
    return min(max(0.07 * max(np.shape(x.values)[1] for x in panels), 0.8), 2.2)


def _draw_panel(axes, panel, time, last):
    shown = np.transpose(panel.values).astype(float)
    if time is not None:
        shown[:, time + 1 :] = np.nan
        axes.set_facecolor("0.93")
        axes.axvline(time + 0.5, color="C1", linewidth=1.5)
    _draw_image(axes, panel, shown)
    if panel.path is not None:
        path = np.array(panel.path, float)
        path[len(path) if time is None else time + 1 :] = np.nan
        axes.plot(np.arange(len(path)), path, color="C1", linewidth=1.5)
    axes.tick_params(labelbottom=last)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.yaxis.get_major_locator().set_params(
        integer=True, min_n_ticks=1, nbins=6 if panel.label else 30
    )
    if last:
        axes.set_xlabel("time step", fontsize=9)


def _draw_image(axes, panel, image):
    colors, limits = panel.scale
    num_rows, num_columns = image.shape
    end = panel.first + num_rows / panel.rows_per_number
    axes.imshow(
        image,
        cmap=colors,
        norm=limits,
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, num_columns - 0.5, end - 0.5, panel.first - 0.5),
    )
    axes.set_title(panel.title, fontsize=10, pad=4)
    axes.set_ylabel(panel.label, fontsize=9)
    axes.tick_params(labelsize=8)
    if not panel.label:  # names of rows, which take more room than numbers
        axes.tick_params("y", labelsize=7)
    if panel.name_row is not None:
        axes.yaxis.set_major_formatter(lambda place, _: panel.name_row(round(place)) or "")
