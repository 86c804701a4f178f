"""The picture of what a machine did, whichever machine it is."""

import keras
import numpy as np
from keras import ops

from keras_nm.layers import NRAM
from keras_nm.plots.execution import execution_picture, num_steps
from keras_nm.plots.plate import ntm_plate
from keras_nm.programs import Program


def machine_picture(
    machine, trace, inputs, outputs, example=0, time=None, from_logits=True
):
    """Draws what a machine did with an example: `ntm_plate` or `execution_picture`.

    Args:
        machine: An `NTM` or `NRAM` layer.
        trace: What its `trace` gives.
        inputs: What its model took. Of sequences it is shown if it is an array
            `(batch, timesteps, features)`.
        outputs: Array, what its model put out, of sequences
            `(batch, timesteps, output_size)`.
        example: Integer, which one of the batch.
        time: Optional integer, as for these two.
        from_logits: Boolean, whether outputs of sequences are logits or probabilities.
            Defaults to `True`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        IndexError: If there is no such example.

    Example:

    >>> import keras_nm, numpy as np
    >>> layer = keras_nm.layers.NRAM(num_registers=2, num_steps=3)
    >>> tape = np.array([[3, 4, 1, 2, 0]])
    >>> trace = layer.trace(tape)
    >>> figure = keras_nm.plots.machine_picture(layer, trace, tape, layer(tape))
    """
    if isinstance(machine, NRAM):
        return execution_picture(trace, _program(machine), example, time)
    trace = {name: ops.convert_to_numpy(values)[example] for name, values in trace.items()}
    outputs = ops.sigmoid(outputs) if from_logits else outputs
    shown = keras.tree.flatten(inputs)[0]
    shown = ops.convert_to_numpy(shown)[example] if np.ndim(shown) == 3 else None
    return ntm_plate(shown, ops.convert_to_numpy(outputs)[example], trace, time)


def num_frames(machine, trace, example=0):
    """How many frames an animation of the steps has: the values of `time`.

    Args:
        machine: As for `machine_picture`.
        trace: As for `machine_picture`.
        example: As for `machine_picture`.

    Returns:
        Positive integer.
    """
    if isinstance(machine, NRAM):
        return num_steps(trace, example) + 1  # the last is the end
    return trace["output"].shape[1]


def _program(machine):
    try:
        return Program.from_layer(machine)
    except ValueError:  # a controller with states has none
        return None
