"""Pictures of a Tape-RNN: how it moves its tapes, what it writes, and what they hold."""

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

# The number of locations shown on each side of those that a head visited.
_MARGIN = 1


def tape_picture(inputs, outputs, trace, moves, time=None):
    """Draws what a Tape-RNN did with its tapes.

    Time runs to the right. Of each tape, the picture shows the moves, the values that the
    controller writes, and the contents after each step, with the head as a line. The tape
    lies still in the picture and the head moves, where the most likely moves lead it. If a
    location has several values, they stand one below the other.

    Args:
        inputs: Array of shape `(timesteps, input_size)`, or `None` to leave it out.
        outputs: Array of probabilities of shape `(timesteps, output_size)`.
        trace: Dict of arrays for the same sequence, as `TapeRNN.trace` returns them,
            without the batch axis: `"moves"` `(timesteps, tapes, moves)`,
            `"written_values"` `(timesteps, tapes, width)`, `"tapes"`
            `(timesteps, tapes, locations, width)`, and with jumps `"jump_length"`
            `(timesteps, 1)`.
        moves: The names of the moves, the cell's `moves`.
        time: Optional integer, a time step, for one frame of an animation. The frame shows
            everything up to this step, and the first tape after it.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> import keras_nm, numpy as np
    >>> layer = keras_nm.layers.TapeRNN(8, tape_shape=(20, 1))
    >>> inputs = np.ones((1, 7, 9), "float32")
    >>> trace = {name: np.array(x[0]) for name, x in layer.trace(inputs).items()}
    >>> moves = layer.cell.moves
    >>> figure = keras_nm.plots.tape_picture(inputs[0], trace["output"], trace, moves)
    """
    rows = [inputs_and_outputs(inputs, outputs)]
    names = {i: name.replace("_", " ") for i, name in enumerate(moves)}
    memory = None
    num_tapes = np.shape(trace["tapes"])[1]
    for index in range(num_tapes):
        name = "" if num_tapes == 1 else f", tape {index + 1}"
        tape = np.asarray(trace["tapes"])[:, index]  # (T, N, W)
        num_locations, width = tape.shape[1:]
        heads = head_positions(trace, moves, index)
        first, last = min(0, *heads) - _MARGIN, max(0, *heads) + _MARGIN
        if last - first >= num_locations:  # the head has been around the ring
            first, last = 0, num_locations - 1
            heads = [head % num_locations for head in heads]
        still = np.stack(  # (T, locations, W)
            [
                np.take(row, np.arange(first, last + 1) - head, axis=0, mode="wrap")
                for row, head in zip(tape, heads, strict=True)
            ]
        )
        rows.append(
            (
                Panel(
                    title=f"Moves{name}",
                    label="",
                    values=np.asarray(trace["moves"])[:, index],
                    scale=WEIGHTS,
                    name_row=names.get,
                ),
                Panel(
                    title=f"Written values{name}",
                    label="width",
                    values=np.asarray(trace["written_values"])[:, index],
                    scale=VALUES,
                ),
            )
        )
        locations = {
            "label": "location",
            "scale": VALUES,
            "first": first,
            # One height for all frames of an animation.
            "height": min(max(0.07 * (last - first + 1) * width, 1.2), 4.0),
        }
        rows.append(
            (
                Panel(
                    title=f"Contents{name}",
                    values=np.reshape(still, (len(still), -1)),
                    rows_per_number=width,
                    path=heads,
                    **locations,
                ),
                None,
            )
        )
        if time is not None and memory is None:
            memory = Panel(title=f"Tape after step {time}", values=still[time], **locations)
    return draw_panels(rows, memory, time)


def head_positions(trace, moves, index):
    """Returns where the most likely moves lead the head of a tape, after each step.

    Args:
        trace: As for `tape_picture`.
        moves: As for `tape_picture`.
        index: Integer, the index of the tape.

    Returns:
        List of integers, relative to the first position. A tape that moves to the left
        takes the head to the right.
    """
    position, positions = 0, []
    for time, weights in enumerate(np.asarray(trace["moves"])[:, index]):
        name = moves[int(np.argmax(weights))]
        direction = {"left": 1, "right": -1}.get(name.removeprefix("jump_"), 0)
        # The cell rounds it as well.
        jump = round(float(trace["jump_length"][time][0])) if name.startswith("jump") else 1
        if not _is_masked(trace, time):
            position += direction * jump
        positions.append(position)
    return positions


def _is_masked(trace, time):
    """Returns whether a step looks masked: all zeros, or the step before it again."""
    before = {name: x[time - 1] if time else 0 * x[0] for name, x in trace.items()}
    return all(np.array_equal(x[time], before[name]) for name, x in trace.items())


def picture_of_layer(layer, trace, inputs, outputs, example, time, activation):
    """Draws one example, see `keras_nm.plots.machine_picture`."""
    trace, outputs = example_of(trace, outputs, example, activation)
    return tape_picture(per_step(inputs, example), outputs, trace, layer.cell.moves, time)
