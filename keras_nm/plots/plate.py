"""The plate of a Neural Turing Machine: what it reads and writes, and where."""

import numpy as np

from keras_nm.plots.panels import (
    VALUES,
    WEIGHTS,
    Panel,
    draw_panels,
    example_of,
    inputs_and_outputs,
    per_step,
)

# The number of locations shown on each side of those that a head focused on.
_MARGIN = 3


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
    num_locations = np.shape(weightings[0])[-1]
    # One height for all frames of an animation.
    ring = {
        "label": "location",
        "first": locations[0],
        "name_row": lambda number: f"{number % num_locations}",
    }
    rows = [
        inputs_and_outputs(inputs, outputs),
        *head_rows(
            ("Adds", "Reads"),
            (trace["add"], trace["reads"]),
            {"label": "width", "scale": VALUES},
        ),
        *head_rows(
            ("Write weightings", "Read weightings"),
            [np.take(w, locations, axis=2, mode="wrap") for w in weightings],
            {"scale": WEIGHTS, "height": 2.2, **ring},
        ),
    ]
    memory = None
    if time is not None:
        memory = Panel(
            title=f"Memory after step {time}",
            values=np.take(trace["memory"][time], locations, axis=0, mode="wrap"),
            scale=VALUES,
            **ring,
        )
    return draw_panels(rows, memory, time)


def plate_of_layer(layer, trace, inputs, outputs, example, time, activation):
    """Draws the plate of one example, see `keras_nm.plots.machine_picture`."""
    trace, outputs = example_of(trace, outputs, example, activation)
    return ntm_plate(per_step(inputs, example), outputs, trace, time)


def head_rows(titles, values, options):
    """Yields one row of panels per head. A side with fewer heads leaves panels empty."""
    values = [np.asarray(x) for x in values]
    for head in range(max(x.shape[1] for x in values)):
        row = []
        for title, x in zip(titles, values, strict=True):
            num_heads = x.shape[1]
            if head >= num_heads:
                row.append(None)
                continue
            name = title if num_heads == 1 else f"{title}, head {head + 1}"
            row.append(Panel(title=name, values=x[:, head], **options))
        yield tuple(row)


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
