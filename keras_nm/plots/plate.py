"""The plate of a Neural Turing Machine: what it reads and writes, and where."""

import keras
import numpy as np
from keras import ops
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

# Vectors: blue below 0, white at 0, red above. Weightings: black at 0, white at 1.
_VECTORS = (colormaps["RdBu_r"], Normalize(-1, 1))
_WEIGHTINGS = (colormaps["gray"], Normalize(0, 1))

# The number of locations shown on each side of those that a head focused on.
_MARGIN = 3

# Inches. They are fixed, because finding a layout takes longer than drawing.
_PANEL_WIDTH, _LEFT, _GAP, _RIGHT = 3.9, 0.65, 0.75, 0.95
_TOP, _BETWEEN, _BOTTOM = 0.35, 0.45, 0.55
_MEMORY_WIDTH = 1.6


def ntm_plate(inputs, outputs, trace, time=None):
    """Draws how a Neural Turing Machine used its memory (Graves et al. 2014, figure 6).

    The plate has two columns. They show inputs and outputs, and for each head its
    weightings and the vectors that it adds or reads. Time runs to the right in all panels.
    The weightings show the locations that any head focused on. The memory is a ring, so
    these locations may continue from the last one to the first.

    Args:
        inputs: Array of shape `(timesteps, input_size)`, or `None` to leave it out.
        outputs: Array of probabilities of shape `(timesteps, output_size)`.
        trace: Dict of arrays for the same sequence, as `NTM.trace` returns them, without
            the batch axis: `"add"` `(timesteps, heads, width)`, `"reads"`
            `(timesteps, heads, width)`, `"write_weightings"` and `"read_weightings"`
            `(timesteps, heads, locations)`, and, if `time` is given, `"memory"`
            `(timesteps, locations, width)`.
        time: Optional integer, a time step, for one frame of an animation. The frame shows
            everything up to this step, and the memory after it.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> import keras_nm, numpy as np
    >>> layer = keras_nm.layers.NTM(8, memory_shape=(32, 10))
    >>> inputs = np.ones((1, 7, 9), "float32")
    >>> trace = {name: np.array(x[0]) for name, x in layer.trace(inputs).items()}
    >>> figure = keras_nm.plots.ntm_plate(inputs[0], trace["output"], trace)
    """
    weightings = [trace["write_weightings"], trace["read_weightings"]]
    locations = focused_locations(*weightings)
    rows = [
        (
            None if inputs is None else ("Inputs", "channel", np.asarray(inputs), _VECTORS),
            ("Outputs", "channel", np.asarray(outputs), _VECTORS),
        ),
        *_head_rows("Adds", "Reads", trace["add"], trace["reads"], "width", _VECTORS),
        *_head_rows(
            "Write weightings",
            "Read weightings",
            *(np.take(w, locations, axis=2, mode="wrap") for w in weightings),
            "location",
            _WEIGHTINGS,
        ),
    ]
    heights = [_height(row) for row in rows]
    width = _LEFT + 2 * _PANEL_WIDTH + _GAP + _RIGHT
    if time is not None:
        width += _MEMORY_WIDTH + _GAP
    height = _TOP + sum(heights) + _BETWEEN * (len(rows) - 1) + _BOTTOM
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
        for column, panel in enumerate(row):
            if panel is None:
                continue
            left = _LEFT + column * (_PANEL_WIDTH + _GAP)
            axes = axes_at(left, top, _PANEL_WIDTH, panel_height)
            last = all(below[column] is None for below in rows[index + 1 :])
            _draw_panel(axes, panel, locations, trace, time, last)
            bars.setdefault(id(panel[3]), (panel[3], top, panel_height))
        top += panel_height + _BETWEEN
    right = _LEFT + 2 * _PANEL_WIDTH + _GAP + 0.2
    for (colors, limits), bar_top, bar_height in bars.values():
        bar = axes_at(right, bar_top, 0.12, bar_height)
        # Vectors may have entries beyond the scale.
        extend = "both" if colors is _VECTORS[0] else "neither"
        figure.colorbar(ScalarMappable(limits, colors), cax=bar, extend=extend)
        bar.set_ylabel("value" if colors is _VECTORS[0] else "weight", fontsize=9)
        bar.tick_params(labelsize=8)
    if time is not None:
        memory_height = height - _TOP - _BOTTOM
        left = width - _MEMORY_WIDTH - 0.2
        memory = axes_at(left, _TOP, _MEMORY_WIDTH, memory_height)
        _draw_memory(memory, trace, time, locations)
    return figure


def plate_of_layer(layer, trace, inputs, outputs, example, time, from_logits):
    """Draws the plate of one example, see `keras_nm.plots.machine_picture`."""
    trace = {name: ops.convert_to_numpy(values)[example] for name, values in trace.items()}
    # Some models have inputs that are not vectors, such as tokens, or one output for a
    # whole sequence.
    inputs = _per_step(keras.tree.flatten(inputs)[0], example)
    outputs = _per_step(outputs, example)
    outputs = trace["output"] if outputs is None else outputs
    outputs = ops.convert_to_numpy(ops.sigmoid(outputs)) if from_logits else outputs
    return ntm_plate(inputs, outputs, trace, time)


def _per_step(values, example):
    """Returns one example of an array `(batch, timesteps, size)`, or `None` for others."""
    return ops.convert_to_numpy(values)[example] if np.ndim(values) == 3 else None


def num_steps(trace, example=0):
    """Returns the number of time steps of a trace, which all examples share."""
    return trace["output"].shape[1]


def _head_rows(left, right, left_values, right_values, label, colors):
    """Yields one row of panels per head. A side with fewer heads leaves panels empty."""
    sides = ((left, np.asarray(left_values)), (right, np.asarray(right_values)))
    for head in range(max(values.shape[1] for _, values in sides)):
        row = []
        for title, values in sides:
            heads = values.shape[1]
            if head >= heads:
                row.append(None)
                continue
            name = title if heads == 1 else f"{title}, head {head + 1}"
            row.append((name, label, values[:, head], colors))
        yield tuple(row)


def _height(row):
    panels = [panel for panel in row if panel is not None]
    if panels[0][1] == "location":  # one height for all frames of an animation
        return 2.2
    return min(max(0.07 * max(panel[2].shape[1] for panel in panels), 0.8), 2.2)


def _draw_panel(axes, panel, locations, trace, time, last):
    title, label, values, (colors, limits) = panel
    steps, size = values.shape
    first = locations[0] if label == "location" else 0
    shown = np.transpose(values).astype(float)
    if time is not None:
        shown[:, time + 1 :] = np.nan
        axes.set_facecolor("0.93")
        axes.axvline(time + 0.5, color="C1", linewidth=1.5)
    axes.imshow(
        shown,
        cmap=colors,
        norm=limits,
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, steps - 0.5, first + size - 0.5, first - 0.5),
    )
    axes.set_title(title, fontsize=10, pad=4)
    axes.set_ylabel(label, fontsize=9)
    axes.tick_params(labelsize=8, labelbottom=last)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.yaxis.get_major_locator().set_params(integer=True, nbins=6)
    if last:
        axes.set_xlabel("time step", fontsize=9)
    if label == "location":
        _name_locations(axes, trace)


def _draw_memory(axes, trace, time, locations):
    colors, limits = _VECTORS
    memory = np.take(trace["memory"][time], locations, axis=0, mode="wrap")
    first, width = locations[0], memory.shape[1]
    axes.imshow(
        memory,
        cmap=colors,
        norm=limits,
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, width - 0.5, first + len(memory) - 0.5, first - 0.5),
    )
    axes.set_title(f"Memory after step {time}", fontsize=10, pad=4)
    axes.set_xlabel("width", fontsize=9)
    axes.set_ylabel("location", fontsize=9)
    axes.tick_params(labelsize=8)
    _name_locations(axes, trace)


def _name_locations(axes, trace):
    num_locations = trace["write_weightings"].shape[-1]
    axes.yaxis.set_major_formatter(lambda place, _: f"{place % num_locations:.0f}")


def focused_locations(*weightings):
    """Returns the shortest range on the ring with all locations that are in focus.

    Args:
        *weightings: Arrays `(timesteps, heads, locations)`.

    Returns:
        Array of consecutive integers. Negative ones are locations at the memory's end.
    """
    strongest = np.max([np.max(w, axis=(0, 1)) for w in weightings], axis=0)
    num_locations = strongest.size
    focused = np.flatnonzero(strongest > 0.1)
    if focused.size == 0:
        return np.arange(num_locations)
    gaps = np.diff(focused, append=focused[0] + num_locations)
    before_first = np.argmax(gaps)
    last = focused[before_first]
    first = last + gaps[before_first] - num_locations
    if last - first + 1 + 2 * _MARGIN >= num_locations:
        return np.arange(num_locations)
    return np.arange(first - _MARGIN, last + _MARGIN + 1)
