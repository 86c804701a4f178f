"""Pictures of a Stack-RNN: what it does with its stacks, and what they hold."""

import numpy as np

from keras_nm.layers.stack_rnn.stack import ACTIONS
from keras_nm.plots.panels import (
    VALUES,
    WEIGHTS,
    Panel,
    draw_panels,
    example_of,
    inputs_and_outputs,
    per_step,
)

# The number of cells shown below the last one that ever held a value.
_MARGIN = 1


def stack_picture(inputs, outputs, trace, empty_value=0.0, time=None):
    """Draws what a Stack-RNN did (as table 3 of Joulin and Mikolov 2015 tells it).

    Time runs to the right. Of each stack, the picture shows the actions, the values that
    the controller offers to push, and the contents after each step, with the top above. If
    a cell has several values, they stand one below the other.

    Args:
        inputs: Array of shape `(timesteps, input_size)`, or `None` to leave it out.
        outputs: Array of probabilities of shape `(timesteps, output_size)`.
        trace: Dict of arrays for the same sequence, as `StackRNN.trace` returns them,
            without the batch axis: `"actions"` `(timesteps, stacks, actions)`,
            `"pushed_values"` `(timesteps, stacks, width)` and `"stacks"`
            `(timesteps, stacks, depth, width)`.
        empty_value: Float, the content of an empty cell. Cells that are always empty are
            left out.
        time: Optional integer, a time step, for one frame of an animation. The frame shows
            everything up to this step, and the first stack after it.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> import keras_nm, numpy as np
    >>> layer = keras_nm.layers.StackRNN(8, stack_shape=(20, 1))
    >>> inputs = np.ones((1, 7, 9), "float32")
    >>> trace = {name: np.array(x[0]) for name, x in layer.trace(inputs).items()}
    >>> figure = keras_nm.plots.stack_picture(inputs[0], trace["output"], trace)
    """
    actions, values, stacks = (
        np.asarray(trace[name]) for name in ("actions", "pushed_values", "stacks")
    )
    num_stacks, depth, width = stacks.shape[1:]
    used = np.any(np.abs(stacks - empty_value) > 0.01, axis=(0, 1, 3))  # (depth,)
    shown = min(np.flatnonzero([True, *used])[-1] + _MARGIN, depth)
    cells = {
        "label": "cell, from the top",
        "scale": VALUES,
        # One height for all frames of an animation.
        "height": min(max(0.07 * shown * width, 1.2), 4.0),
    }
    rows = [inputs_and_outputs(inputs, outputs)]
    names = {i: name.upper().replace("_", "-") for i, name in enumerate(ACTIONS)}
    contents = []
    for index in range(num_stacks):
        name = "" if num_stacks == 1 else f", stack {index + 1}"
        rows.append(
            (
                Panel(
                    title=f"Actions{name}",
                    label="",
                    values=actions[:, index],
                    scale=WEIGHTS,
                    name_row=names.get,
                ),
                Panel(
                    title=f"Values to push{name}",
                    label="width",
                    values=values[:, index],
                    scale=VALUES,
                ),
            )
        )
        contents.append(
            Panel(
                title=f"Contents{name}",
                values=np.reshape(stacks[:, index, :shown], (len(stacks), -1)),
                rows_per_number=width,
                **cells,
            )
        )
    rows += [(*pair, None)[:2] for pair in _pairs(contents)]
    memory = None
    if time is not None:
        memory = Panel(
            title=f"Stack after step {time}", values=stacks[time, 0, :shown], **cells
        )
    return draw_panels(rows, memory, time)


def picture_of_layer(layer, trace, inputs, outputs, example, time, activation):
    """Draws one example, see `keras_nm.plots.machine_picture`."""
    trace, outputs = example_of(trace, outputs, example, activation)
    inputs = per_step(inputs, example)
    return stack_picture(inputs, outputs, trace, layer.cell.empty_value, time)


def _pairs(panels):
    return [panels[i : i + 2] for i in range(0, len(panels), 2)]
