"""The layer around the cell of a Differentiable Neural Computer.

Axes: B batch, T timesteps, N memory locations, W width of a location, R read heads,
V write heads.
"""

import keras

from keras_nm.layers.dnc.cell import DNCCell
from keras_nm.layers.machine import MachineLayer


@keras.saving.register_keras_serializable(package="keras_nm")
class DNC(MachineLayer):
    """Differentiable Neural Computer layer (Graves et al. 2016).

    Use it wherever you would use `keras.layers.LSTM`. `DNCCell` describes a step and the
    published variants.

    Args:
        units: Positive integer, the dimensionality of the output.
        memory_shape: Tuple `(num_locations, width)`. Defaults to `(128, 20)`.
        controller: A Keras RNN cell or feed-forward layer. Defaults to
            `keras.layers.LSTMCell(100)`.
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
        **cell_options: The other arguments of `DNCCell`, which documents them.

    Call arguments:
        sequences: Tensor of shape `(batch, timesteps, features)`.
        initial_state: Optional list of tensors, as `return_state` returns them, also by
            another layer with the same sizes.
        mask: Optional boolean tensor of shape `(batch, timesteps)`. A masked step
            leaves all states unchanged, including the memory.
        training: Boolean, passed to the controller.

    Output:
        A tensor of shape `(batch, timesteps, units)` with `return_sequences`,
        `(batch, units)` without. With `return_state`, a tuple of this tensor and the
        states, each of shape `(batch, size)`. `cell.named_states` returns them by name.

    Trace:
        `trace(sequences)` returns `"output"` `(B, T, units)`, `"reads"` `(B, T, R, W)`, and
        after each step `"read_weightings"` `(B, T, R, N)`, `"write_weightings"`
        `(B, T, V, N)`, `"usage"` `(B, T, N)`, `"precedence"` `(B, T, V, N)`, `"links"`
        `(B, T, V, N, N)` and `"memory"` `(B, T, N, W)`. The entry `(i, j)` of the links is
        1 if location i was written right after location j. `"allocation"` `(B, T, V, N)`
        says where each write head finds room. Further entries are the heads' parameters:
        `"read_key"` `(B, T, R, W)`, `"read_strength"` and `"free_gate"` `(B, T, R, 1)`,
        `"read_modes"` `(B, T, R, 1 + 2 V)` in the order backward, by content, forward;
        `"write_key"`, `"erase"` and `"write_vector"` `(B, T, V, W)`, `"write_strength"`,
        `"allocation_gate"` and `"write_gate"` `(B, T, V, 1)`. Without temporal links,
        `"precedence"`, `"links"` and `"read_modes"` are missing. `content_mask` adds
        `"read_mask"` `(B, T, R, W)` and `"write_mask"` `(B, T, V, W)`, `link_sharpening`
        adds `"link_sharpening"` `(B, T, R, 2 V)`.

    Raises:
        ValueError: For arguments that `DNCCell` rejects.

    Example:

    >>> import numpy as np, keras_nm
    >>> layer = keras_nm.layers.DNC(8, memory_shape=(32, 10), return_sequences=True)
    >>> y = layer(np.ones((4, 7, 9), "float32"))
    >>> tuple(y.shape)
    (4, 7, 8)
    """

    def __init__(
        self,
        units,
        memory_shape=(128, 20),
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
            DNCCell(units, memory_shape, controller, dtype=dtype, **cell_options),
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
        """Returns a copy of this layer, weights included, with another memory size.

        No weight depends on the number of locations.

        Args:
            num_locations: Positive integer.

        Returns:
            A new layer, built if this one is.

        Raises:
            ValueError: For a number that is not positive.

        Example:

        >>> import keras_nm
        >>> layer = keras_nm.layers.DNC(8, memory_shape=(128, 20))
        >>> layer.with_num_locations(256).cell.memory_shape
        (256, 20)
        """
        return self._with(memory_shape=(num_locations, self.cell.memory_shape[1]))
