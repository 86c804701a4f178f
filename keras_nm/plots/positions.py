"""Pictures of a Neural GPU: its state and its answer at every position and step.

Positions run to the right, and time runs downward, as in pictures of cellular automata.
"""

import math

import keras
import numpy as np
from keras import ops
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from keras_nm.plots.panels import VALUES, WEIGHTS

# The number of panels: of all classes, and of the maps that change most.
_NUM_PANELS, _COLUMNS = 16, 4

# Inches. They are fixed, because finding a layout takes longer than drawing.
_SIZE, _GAP, _TITLE = 1.75, 0.22, 0.3
_LEFT, _TOP, _RIGHT, _BOTTOM = 0.6, 0.1, 0.95, 0.5
_INPUTS = 0.55


def state_picture(inputs, outputs, state, time=None):
    """Draws what a Neural GPU did with a sequence.

    Positions run to the right, and time runs downward. Above are the inputs. Of each class,
    a panel shows its probability if the answer were read after so many steps. The other
    panels show the maps of the state that change most.

    Args:
        inputs: Array of shape `(length, symbols)`, or `None` to leave it out. Positions at
            its end that are zeros are padding, and are left out of all panels.
        outputs: Array of probabilities of shape `(steps + 1, length, classes)`: before the
            first step and after each.
        state: Array of shape `(steps + 1, length, width, maps)`.
        time: Optional integer, a number of steps, for one frame of an animation: everything
            after them is left out.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> import keras, keras_nm, numpy as np
    >>> layer = keras_nm.layers.NeuralGPU(2, num_maps=24)
    >>> inputs = np.eye(3, dtype="float32")[[[0, 1, 2, 1, 1]]]
    >>> trace = layer.trace(inputs)
    >>> outputs = keras.ops.softmax(trace["output"])
    >>> state = trace["state"]
    >>> figure = keras_nm.plots.state_picture(inputs[0], outputs[0], state[0])
    """
    outputs, state = (ops.convert_to_numpy(x) for x in (outputs, state))
    if inputs is not None:
        length = np.flatnonzero([True, *np.any(inputs, axis=1)])[-1]
        inputs = np.asarray(inputs)[:length]
        outputs, state = outputs[: length + 1, :length], state[: length + 1, :length]
    panels = [
        (f"class {index}", outputs[..., index], WEIGHTS)
        for index in range(outputs.shape[-1])
    ]
    panels += _liveliest_maps(state, max(_NUM_PANELS - len(panels), 0))

    rows = math.ceil(len(panels) / _COLUMNS)
    top = _TOP if inputs is None else _TOP + _TITLE + _INPUTS
    width = _LEFT + _COLUMNS * _SIZE + (_COLUMNS - 1) * _GAP + _RIGHT
    height = top + rows * (_TITLE + _SIZE) + _BOTTOM
    figure = Figure(figsize=(width, height))

    def axes_at(left, top, width_of, height_of):
        # From the top left corner.
        bottom = 1 - (top + height_of) / height
        return figure.add_axes((left / width, bottom, width_of / width, height_of / height))

    if inputs is not None:
        axes = axes_at(_LEFT, _TOP + _TITLE, _SIZE, _INPUTS)
        _draw(axes, inputs.T, VALUES)
        axes.set_title("inputs", fontsize=9, pad=3)
        axes.set_ylabel("channel", fontsize=8)
        axes.tick_params(labelbottom=False)
    for index, (title, values, scale) in enumerate(panels):
        row, column = divmod(index, _COLUMNS)
        axes = axes_at(
            _LEFT + column * (_SIZE + _GAP),
            top + _TITLE + row * (_TITLE + _SIZE),
            _SIZE,
            _SIZE,
        )
        shown = np.array(values, float)
        if time is not None:
            shown[time + 1 :] = np.nan
            axes.set_facecolor("0.93")
        _draw(axes, shown, scale)
        axes.set_title(title, fontsize=9, pad=3)
        axes.tick_params(labelleft=column == 0, labelbottom=index + _COLUMNS >= len(panels))
        if column == 0:
            axes.set_ylabel("steps", fontsize=8)
        if index + _COLUMNS >= len(panels):
            axes.set_xlabel("position", fontsize=8)
    left = _LEFT + _COLUMNS * _SIZE + (_COLUMNS - 1) * _GAP + 0.15
    # One above the other, also beside a single row of panels.
    bar_size = _SIZE if rows > 1 else (_SIZE - 0.25) / 2
    for index, (label, (colors, limits)) in enumerate(
        {"probability": WEIGHTS, "value": VALUES}.items()
    ):
        bar_top = top + _TITLE + index * (bar_size + 0.25)
        bar = axes_at(left, bar_top, 0.12, bar_size)
        figure.colorbar(ScalarMappable(limits, colors), cax=bar)
        bar.set_ylabel(label, fontsize=8)
        bar.tick_params(labelsize=7)
    return figure


def _liveliest_maps(state, number):
    """Returns panels of the maps with the largest changes from step to step, in order."""
    steps, length, width, maps = state.shape
    flat = np.reshape(state, (steps, length, width * maps))
    change = np.abs(np.diff(flat, axis=0)).sum(axis=(0, 1))
    chosen = np.sort(np.argsort(-change, kind="stable")[:number])
    return [
        (
            f"map {index % maps}" + (f", column {index // maps}" if width > 1 else ""),
            flat[..., index],
            VALUES,
        )
        for index in chosen
    ]


def _draw(axes, image, scale):
    colors, limits = scale
    axes.imshow(image, cmap=colors, norm=limits, aspect="auto", interpolation="nearest")
    axes.tick_params(labelsize=7)
    axes.xaxis.get_major_locator().set_params(integer=True, nbins=5)
    axes.yaxis.get_major_locator().set_params(integer=True, nbins=5)


def picture_of_layer(layer, trace, inputs, outputs, example, time, activation):
    """Draws one example, see `keras_nm.plots.machine_picture`."""
    first, *_ = keras.tree.flatten(inputs)  # before a mask
    inputs = ops.convert_to_numpy(first)[example]
    if np.ndim(inputs) == 1 and layer.num_symbols is None:
        inputs = None  # tokens of a layer before this one
    elif np.ndim(inputs) == 1:
        tokens = np.arange(1, layer.num_symbols)
        inputs = np.pad(1.0 * (inputs[:, None] == tokens), [(0, 0), (1, 0)])
    answers = activation(trace["output"][example])
    return state_picture(inputs, answers, trace["state"][example], time)


def num_frames(trace, example=0):
    """Returns the number of frames of an animation: one before each step, and the end."""
    return trace["output"].shape[1]
