"""Figures of what a machine does, drawn with matplotlib."""

import numpy as np

try:
    from matplotlib import colormaps
    from matplotlib.figure import Figure
except ImportError as error:
    raise ImportError(
        "Figures need matplotlib: install it with `pip install keras_nm[plot]`"
    ) from error

_VECTORS = colormaps["RdBu_r"]
_WEIGHTINGS = colormaps["gray"]

# Locations shown around those that a head focused on.
_MARGIN = 3


def copy_plate(inputs, outputs, trace):
    """Draws how a Neural Turing Machine used its memory (Graves et al. 2014, figure 6).

    Two columns of three: inputs and outputs, add vectors and read vectors, write and
    read weightings. Time runs to the right in all of them. The weightings show the
    locations that any head focused on, around the ring that the memory is.

    Args:
        inputs: Array of shape `(timesteps, input_size)`.
        outputs: Array of probabilities of shape `(timesteps, output_size)`.
        trace: Dict of arrays for the same sequence, as `NTM.trace` gives them, without
            the batch axis: `"add"` `(timesteps, heads, width)`, `"reads"`
            `(timesteps, heads, width)`, `"write_weightings"` and `"read_weightings"`
            `(timesteps, heads, locations)`. The first head of each kind is shown.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    writes, reads = trace["write_weightings"][:, 0], trace["read_weightings"][:, 0]
    locations = _focused_locations(writes, reads)
    num_locations = writes.shape[-1]
    writes, reads = (
        np.take(weightings, locations, axis=1, mode="wrap")
        for weightings in (writes, reads)
    )
    first = locations[0]
    panels = [
        ("Inputs", "channel", inputs, 0, _VECTORS, (-1, 1)),
        ("Outputs", "channel", outputs, 0, _VECTORS, (-1, 1)),
        ("Adds", "width", trace["add"][:, 0], 0, _VECTORS, (-1, 1)),
        ("Reads", "width", trace["reads"][:, 0], 0, _VECTORS, (-1, 1)),
        ("Write weightings", "location", writes, first, _WEIGHTINGS, (0, 1)),
        ("Read weightings", "location", reads, first, _WEIGHTINGS, (0, 1)),
    ]
    figure = Figure(figsize=(10, 7.5), layout="constrained")
    grid = figure.subplots(3, 2, sharex=True, height_ratios=[1, 1.5, 2])
    for axes, (title, label, values, start, colors, limits) in zip(
        grid.flat, panels, strict=True
    ):
        steps, size = values.shape
        image = axes.imshow(
            np.transpose(values),
            cmap=colors,
            vmin=limits[0],
            vmax=limits[1],
            aspect="auto",
            interpolation="nearest",
            extent=(-0.5, steps - 0.5, start + size - 0.5, start - 0.5),
        )
        axes.set_title(title, fontsize=11)
        axes.set_ylabel(label)
        axes.yaxis.get_major_locator().set_params(integer=True)
        if axes in grid[:, 1]:
            figure.colorbar(image, ax=axes)
    for axes in grid[-1]:
        axes.set_xlabel("time step")
        axes.yaxis.set_major_formatter(
            lambda location, _: f"{location % num_locations:.0f}"
        )
    return figure


def _focused_locations(*weightings):
    """The shortest range on the ring of locations with all that a weighting focused on.

    Returns:
        Array of consecutive integers. Those below 0 are locations at the memory's end.
    """
    strongest = np.max(np.concatenate(weightings), axis=0)
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
