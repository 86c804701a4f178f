"""The layer around the cell of a Tape-RNN.

Axes: B batch, T timesteps, K tapes, A moves.
"""

import keras

from keras_nm.layers.machine import MachineLayer
from keras_nm.layers.tape_rnn.cell import TapeRNNCell


@keras.saving.register_keras_serializable(package="keras_nm")
class TapeRNN(MachineLayer):
    """Tape-RNN layer (Delétang et al. 2023).

    Use it wherever you would use `keras.layers.SimpleRNN`.

    Args:
        units: Positive integer, the dimensionality of the output.
        tape_shape: Pair `(num_locations, width)` of positive integers. Defaults to
            `(64, 8)`.
        num_tapes: Positive integer. Defaults to `1`.
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
        **cell_options: The other arguments of `TapeRNNCell`, which documents them.

    Call arguments:
        sequences: Tensor of shape `(batch, timesteps, features)`.
        initial_state: Optional list of tensors, as `return_state` returns them, also by
            another layer with the same sizes.
        mask: Optional boolean tensor of shape `(batch, timesteps)`. A masked step
            leaves all states unchanged, including the tapes.
        training: Boolean, passed to the controller.

    Output:
        A tensor of shape `(batch, timesteps, units)` with `return_sequences`,
        `(batch, units)` without. With `return_state`, a tuple of this tensor and the
        states, each of shape `(batch, size)`. `cell.named_states` returns them by name.

    Trace:
        `trace(sequences)` returns `"output"` `(B, T, units)`, `"moves"` `(B, T, K, A)` in
        the order of the cell's `moves`, `"written_values"` `(B, T, K, width)`, and
        `"tapes"` `(B, T, K, num_locations, width)` after the step, from the head on. If
        there are jumps, `"jump_length"` `(B, T, 1)` is how far one leads.

    Raises:
        ValueError: For arguments that `TapeRNNCell` rejects.

    Example:

    >>> import numpy as np, keras_nm
    >>> layer = keras_nm.layers.TapeRNN(8, tape_shape=(20, 4), return_sequences=True)
    >>> y = layer(np.ones((4, 7, 9), "float32"))
    >>> tuple(y.shape)
    (4, 7, 8)
    """

    def __init__(
        self,
        units,
        tape_shape=(64, 8),
        num_tapes=1,
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
            TapeRNNCell(
                units, tape_shape, num_tapes, controller, dtype=dtype, **cell_options
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

    def with_num_locations(self, num_locations):
        """Returns a copy of this layer, weights included, with tapes of another size.

        No weight depends on the number of locations.

        Args:
            num_locations: Positive integer.

        Returns:
            A new layer, built if this one is.

        Raises:
            ValueError: For a size that is not positive.

        Example:

        >>> import keras_nm
        >>> layer = keras_nm.layers.TapeRNN(8, tape_shape=(64, 8))
        >>> layer.with_num_locations(500).cell.tape_shape
        (500, 8)
        """
        return self._with(tape_shape=(num_locations, self.cell.tape_shape[1]))
