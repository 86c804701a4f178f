"""The layer around the cell of a Neural Programmer-Interpreter.

Axes: B batch, T timesteps, N programs, K key size.
"""

import keras

from keras_nm.layers.machine import MachineLayer
from keras_nm.layers.npi.cell import NPICell


@keras.saving.register_keras_serializable(package="keras_nm")
class NPI(MachineLayer):
    """Neural Programmer-Interpreter layer (Reed and de Freitas 2016).

    A sequence is one call of a program, from its first step to its last. Its steps are
    decisions: which program to call, with which arguments, and whether to end. So the layer
    is trained as any recurrent layer, on padded calls, such as those of
    `keras_nm.tasks.npi`. `keras_nm.programs.npi` runs a trained layer: it executes what the
    layer decides in an environment, and keeps the calls that wait on a stack.

    Args:
        num_programs: Positive integer, the number N of programs.
        argument_sizes: Tuple of positive integers, how many values each argument of a call
            has. Defaults to `()`, no arguments.
        controller: A Keras RNN cell or feed-forward layer. Defaults to two dense layers and
            two LSTMs of 256 units, as in the paper.
        return_sequences: Boolean, whether to return every output or the last one.
        return_state: Boolean, whether to return the last states as well.
        go_backwards: Boolean, whether to process the sequence in reverse.
        stateful: Boolean, whether a batch begins with the states in which the batch
            before it ended. `reset_state()` returns to the cell's initial state.
        unroll: Boolean, whether to unroll the loop over a fixed number of timesteps.
        zero_output_for_mask: Boolean, whether masked steps output zeros instead of the
            output of the step before.
        activity_regularizer: Regularizer of the outputs.
        name: String, the layer's name.
        dtype: The layer's dtype policy. The outputs follow it; the cell computes in at
            least float32.
        trainable: Boolean.
        **cell_options: The other arguments of `NPICell`, which documents them.

    Call arguments:
        sequences: Tensor of shape `(batch, timesteps, features)`: at each step the
            observation, then the arguments and the program of the call, one-hot.
        initial_state: Optional list of tensors, as `return_state` returns them.
        mask: Optional boolean tensor of shape `(batch, timesteps)`. A masked step
            leaves all states unchanged.
        training: Boolean, passed to the controller.

    Output:
        A tensor of logits `(batch, timesteps, units)` with `return_sequences`,
        `(batch, units)` without. `cell.probabilities` takes it apart. With `return_state`,
        a tuple of this tensor and the states, each of shape `(batch, size)`.

    Trace:
        `trace(sequences)` returns `"output"` `(B, T, units)`, the probabilities `"end"`
        `(B, T, 1)`, `"program"` `(B, T, N)` and, for each argument, `"argument_0"`
        `(B, T, size)` and so on, and the `"key"` `(B, T, K)` that the machine looked up.

    Raises:
        ValueError: For arguments that `NPICell` rejects.

    Example:

    >>> import numpy as np, keras_nm
    >>> layer = keras_nm.layers.NPI(5, argument_sizes=(3, 2), return_sequences=True)
    >>> y = layer(np.ones((4, 7, 20), "float32"))
    >>> tuple(layer.cell.probabilities(y)["program"].shape)
    (4, 7, 5)
    """

    def __init__(
        self,
        num_programs,
        argument_sizes=(),
        controller=None,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        zero_output_for_mask=False,
        activity_regularizer=None,
        name=None,
        dtype=None,
        trainable=True,
        **cell_options,
    ):
        super().__init__(
            NPICell(num_programs, argument_sizes, controller, dtype=dtype, **cell_options),
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
            activity_regularizer=activity_regularizer,
            name=name,
            dtype=dtype,
            trainable=trainable,
        )
