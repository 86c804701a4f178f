"""The plate of a Differentiable Neural Computer: the NTM's, with allocation and links."""

import numpy as np

from keras_nm.plots.panels import (
    VALUES,
    WEIGHTS,
    Diagram,
    Panel,
    draw_panels,
    example_of,
    inputs_and_outputs,
    per_step,
)
from keras_nm.plots.plate import head_rows

# The number of locations shown on each side of those that a head focused on.
_MARGIN = 3
# Weaker weightings and links count as none.
_LEAST = 0.1


def dnc_plate(inputs, outputs, trace, time=None):
    """Draws how a Differentiable Neural Computer used its memory.

    Time runs to the right. The plate shows inputs and outputs, and for each head its
    weightings and the vectors that it writes or reads. Below are the locations that are
    allocated to write heads, the usage of locations, and the gates and read modes. The
    links at the end are drawn as arrows between locations, in the order in which these were
    last written: the paler an arrow, the weaker the link.

    Args:
        inputs: Array of shape `(timesteps, input_size)`, or `None` to leave it out.
        outputs: Array of probabilities of shape `(timesteps, output_size)`.
        trace: Dict of arrays for the same sequence, as `DNC.trace` returns them, without
            the batch axis.
        time: Optional integer, a time step, for one frame of an animation. The frame shows
            everything up to this step, and memory and links after it.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> import keras_nm, numpy as np
    >>> layer = keras_nm.layers.DNC(8, memory_shape=(32, 10))
    >>> inputs = np.ones((1, 7, 9), "float32")
    >>> trace = {name: np.array(x[0]) for name, x in layer.trace(inputs).items()}
    >>> figure = keras_nm.plots.dnc_plate(inputs[0], trace["output"], trace)
    """
    trace = {name: np.asarray(x) for name, x in trace.items()}
    weightings = [trace["write_weightings"], trace["read_weightings"]]
    first, end = _focused_locations(*weightings)
    # One height for all frames of an animation.
    options = {"scale": WEIGHTS, "height": 2.2, "label": "location", "first": first}
    rows = [
        inputs_and_outputs(inputs, outputs),
        *head_rows(
            ("Writes", "Reads"),
            (trace["write_vector"], trace["reads"]),
            {"label": "width", "scale": VALUES},
        ),
        *head_rows(
            ("Write weightings", "Read weightings"),
            [w[..., first:end] for w in weightings],
            options,
        ),
        *head_rows(
            ("Allocation", "Usage"),
            (trace["allocation"][..., first:end], trace["usage"][:, None, first:end]),
            options,
        ),
        (
            _named_rows("Gates", _gates(trace)),
            _named_rows("Read modes", _modes(trace)) if "read_modes" in trace else None,
        ),
    ]
    if "links" in trace:
        rows += _link_rows(trace, time)
    memory = None
    if time is not None:
        memory = Panel(
            title=f"Memory after step {time}",
            values=trace["memory"][time, first:end],
            label="location",
            first=first,
            scale=VALUES,
        )
    return draw_panels(rows, memory, time)


def plate_of_layer(layer, trace, inputs, outputs, example, time, activation):
    """Draws the plate of one example, see `keras_nm.plots.machine_picture`."""
    trace, outputs = example_of(trace, outputs, example, activation)
    return dnc_plate(per_step(inputs, example), outputs, trace, time)


def written_in_order(links, write_weightings):
    """Returns the linked locations in the order in which they were last written.

    Args:
        links: Array `(locations, locations)` of one write head, after the last step.
        write_weightings: Array `(timesteps, locations)` of the same head.

    Returns:
        A list of pairs of a location and the step that last wrote it.
    """
    links = np.asarray(links) > _LEAST
    linked = np.flatnonzero(links.any(axis=0) | links.any(axis=1))
    steps = np.arange(len(write_weightings))[:, None]
    last = np.where(np.asarray(write_weightings) > _LEAST, steps, -1).max(axis=0)
    return sorted(((int(x), int(last[x])) for x in linked), key=lambda pair: pair[::-1])


def _focused_locations(*weightings):
    """Returns the range with all locations that are in focus: its first one and its end."""
    strongest = np.max([np.max(w, axis=(0, 1)) for w in weightings], axis=0)
    focused = np.flatnonzero(strongest > _LEAST)
    if focused.size == 0:
        return 0, strongest.size
    return max(focused[0] - _MARGIN, 0), min(focused[-1] + _MARGIN + 1, strongest.size)


def _gates(trace):
    """Returns a dict from the name of each gate to its values `(timesteps,)`."""
    gates = {"write": "write_gate", "allocate": "allocation_gate", "free": "free_gate"}
    return {
        word + _number(head, trace[name]): trace[name][:, head, 0]
        for word, name in gates.items()
        for head in range(trace[name].shape[1])
    }


def _modes(trace):
    """Returns a dict from the name of each read mode to its shares `(timesteps,)`."""
    modes = trace["read_modes"]  # (T, R, 1 + 2 V)
    links = trace["write_weightings"]
    named = {}
    for head in range(modes.shape[1]):
        for mode in range(modes.shape[2]):
            num_links = modes.shape[2] // 2
            word = "content"
            if mode < num_links:
                word = "backward" + _number(mode, links)
            elif mode > num_links:
                word = "forward" + _number(mode - num_links - 1, links)
            reader = f"{head + 1}: " if modes.shape[1] > 1 else ""
            named[f"{reader}{word}"] = modes[:, head, mode]
    return named


def _number(head, values):
    """Returns the number of a head, or nothing if it is the only one."""
    return f" {head + 1}" if values.shape[1] > 1 else ""


def _named_rows(title, named):
    names = list(named)
    return Panel(
        title=title,
        label="",
        values=np.stack(list(named.values()), axis=1),
        scale=WEIGHTS,
        height=max(0.18 * len(names), 0.8),
        name_row=lambda row: names[row] if 0 <= row < len(names) else None,
    )


def _link_rows(trace, time):
    """Yields rows of diagrams, two write heads in each."""
    last = len(trace["links"]) - 1 if time is None else time
    num_heads = trace["links"].shape[1]
    diagrams = []
    for head in range(num_heads):
        links = trace["links"][last, head]
        written = written_in_order(links, trace["write_weightings"][: last + 1, head])
        name = "" if num_heads == 1 else f", head {head + 1}"
        diagrams.append(
            Diagram(
                title=f"Links{name} after step {last}",
                draw=lambda axes, links=links, written=written: _draw_links(
                    axes, links, written
                ),
                height=0.9,
            )
        )
    if num_heads % 2:
        diagrams.append(None)
    return list(zip(diagrams[::2], diagrams[1::2], strict=True))


def _draw_links(axes, links, written):
    """Draws locations side by side, and arrows that lead to what was written next."""
    places = {location: place for place, (location, _) in enumerate(written)}
    span = max(len(places), 1) + 1
    for after, place in places.items():
        for before, origin in places.items():
            weight = float(links[after, before])
            if weight > _LEAST:
                # A long arrow is flatter, so that it stays inside.
                bend = min(
                    0.5 if place > origin else 0.3, 0.18 * span / abs(place - origin)
                )
                axes.annotate(
                    "",
                    xy=(place, 0),
                    xytext=(origin, 0),
                    arrowprops={
                        "arrowstyle": "-|>",
                        "color": "C0",
                        "alpha": min(weight, 1.0),
                        "shrinkA": 3,
                        "shrinkB": 3,
                        # An arrow against the order of writing passes below.
                        "connectionstyle": f"arc3,rad={-bend}",
                    },
                )
    axes.plot(list(places.values()), [0] * len(places), "o", color="0.3", markersize=3)
    if not places:
        axes.text(0, 0, f"none above {_LEAST}", ha="center", va="center", fontsize=9)
    axes.set_xlim(-1, span - 1)
    axes.set_ylim(-1, 1)
    axes.set_yticks([])
    step = max(len(places) // 16, 1)
    axes.set_xticks(range(0, len(places), step), list(places)[::step])
    axes.set_xlabel("location, in the order of writing", fontsize=9)
