"""The layer around the cell of a Stack-RNN.

Axes: B batch, T timesteps, K stacks, A actions.
"""

import keras

from keras_nm.arguments import check_integer
from keras_nm.layers.machine import MachineLayer
from keras_nm.layers.stack_rnn.cell import StackRNNCell


@keras.saving.register_keras_serializable(package="keras_nm")
class StackRNN(MachineLayer):
    """Stack-RNN layer (Joulin and Mikolov 2015).

    Use it wherever you would use `keras.layers.SimpleRNN`.

    Args:
        units: Positive integer, the dimensionality of the output.
        stack_shape: Pair `(depth, width)` of positive integers. Defaults to `(64, 8)`.
        num_stacks: Positive integer. Defaults to `1`.
        controller: A Keras RNN cell or feed-forward layer. Defaults to
            `keras.layers.SimpleRNNCell(100)`.
        return_sequences: Boolean, whether to return every output or the last one.
        return_state: Boolean, whether to return the last states as well.
        go_backwards: Boolean, whether to process the sequence in reverse.
        stateful: Boolean, whether a batch begins with the states in which the batch
            before it ended. `reset_state()` returns to the cell's initial state; call it
            after loading weights.
        unroll: Boolean, whether to unroll the loop over a fixed number of timesteps.
        zero_output_for_mask: Boolean, whether masked steps output zeros instead of the
            output of the step before.
        activity_regularizer: Regularizer of the outputs.
        name: String, the layer's name.
        dtype: The layer's dtype policy. The outputs follow it; the cell computes in at
            least float32.
        trainable: Boolean.
        **cell_options: The other arguments of `StackRNNCell`, which documents them.

    Call arguments:
        sequences: Tensor of shape `(batch, timesteps, features)`.
        initial_state: Optional list of tensors, as `return_state` returns them, also by
            another layer with the same sizes.
        mask: Optional boolean tensor of shape `(batch, timesteps)`. A masked step
            leaves all states unchanged, including the stacks.
        training: Boolean, passed to the controller.

    Output:
        A tensor of shape `(batch, timesteps, units)` with `return_sequences`,
        `(batch, units)` without. With `return_state`, a tuple of this tensor and the
        states, each of shape `(batch, size)`. `cell.named_states` returns them by name.

    Trace:
        `trace(sequences)` returns `"output"` `(B, T, units)`, `"actions"` `(B, T, K, A)` in
        the order PUSH, POP, NO-OP, `"pushed_values"` `(B, T, K, width)`, and `"stacks"`
        `(B, T, K, depth, width)` after the step, the topmost cells first. With
        `memory_order="push_first"`, a step shows the move with which the next one begins.

    Raises:
        ValueError: For arguments that `StackRNNCell` rejects.

    Example:

    >>> import numpy as np, keras_nm
    >>> layer = keras_nm.layers.StackRNN(8, stack_shape=(20, 4), return_sequences=True)
    >>> y = layer(np.ones((4, 7, 9), "float32"))
    >>> tuple(y.shape)
    (4, 7, 8)
    """

    def __init__(
        self,
        units,
        stack_shape=(64, 8),
        num_stacks=1,
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
            StackRNNCell(
                units, stack_shape, num_stacks, controller, dtype=dtype, **cell_options
            ),
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

    def with_depth(self, depth):
        """Returns a copy of this layer, weights included, with stacks of another depth.

        No weight depends on the depth.

        Args:
            depth: Positive integer, at least the read depth.

        Returns:
            A new layer, built if this one is.

        Raises:
            ValueError: For a depth below the read depth.

        Example:

        >>> import keras_nm
        >>> layer = keras_nm.layers.StackRNN(8, stack_shape=(64, 8))
        >>> layer.with_depth(500).cell.stack_shape
        (500, 8)
        """
        depth = check_integer("depth", depth, minimum=self.cell.read_depth)
        return self._with(stack_shape=(depth, self.cell.stack_shape[1]))
