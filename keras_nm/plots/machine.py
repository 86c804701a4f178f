"""Draws what a machine did, for any kind of machine."""

import keras
import numpy as np

from keras_nm.machines import machine_of


def machine_picture(
    machine, trace, inputs, outputs=None, example=0, time=None, activation=None
):
    """Draws what a machine did with an example, as its row in `MACHINES` says.

    Args:
        machine: A layer, such as an `NTM` (`ntm_plate`) or an `NRAM`
            (`execution_picture`).
        trace: The result of its `trace`.
        inputs: The inputs of its model. Sequences are shown if they are an array
            `(batch, timesteps, features)`.
        outputs: Array, the outputs of its model, for sequences
            `(batch, timesteps, output_size)`. Defaults to the outputs of the machine.
        example: Integer, the index of the example in the batch.
        time: Optional integer, for one frame of an animation of the time steps.
        activation: Optional Keras activation that makes probabilities of outputs of
            sequences: `"sigmoid"` if each is the logit of a bit, `"softmax"` if those of a
            step are the logits of classes. Of a task, it is
            `keras_nm.tasks.TASKS[name].activation`. Defaults to `None`: outputs are drawn
            as they are.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If there is no picture of such a layer, or for an unknown activation.
        IndexError: If there is no such example.

    Example:

    >>> import keras_nm, numpy as np
    >>> layer = keras_nm.layers.NRAM(num_registers=2, num_steps=3)
    >>> tape = np.array([[3, 4, 1, 2, 0]])
    >>> trace = layer.trace(tape)
    >>> figure = keras_nm.plots.machine_picture(layer, trace, tape, layer(tape))
    """
    picture = machine_of(machine).function("picture")
    activation = keras.activations.get(activation)
    if getattr(machine, "go_backwards", False):  # its trace begins at the end
        inputs = np.asarray(inputs)[:, ::-1]
    return picture(machine, trace, inputs, outputs, example, time, activation)


def num_frames(machine, trace, example=0):
    """Returns the number of frames in an animation of the steps: the values of `time`.

    Args:
        machine: As for `machine_picture`.
        trace: As for `machine_picture`.
        example: As for `machine_picture`.

    Returns:
        Positive integer.

    Raises:
        ValueError: As for `machine_picture`.
    """
    return machine_of(machine).function("num_frames")(trace, example)
