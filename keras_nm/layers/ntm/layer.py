"""The layer around the cell of a Neural Turing Machine.

Axes: B batch, T timesteps, N memory locations, W width of a location, R read heads,
H all heads.
"""

import keras

from keras_nm.layers.machine import MachineLayer
from keras_nm.layers.ntm.cell import NTMCell


@keras.saving.register_keras_serializable(package="keras_nm")
class NTM(MachineLayer):
    """Neural Turing Machine layer (Graves et al. 2014).

    Use it wherever you would use `keras.layers.LSTM`.

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
            after loading weights. To learn an initial state, train without `stateful`.
        unroll: Boolean, whether to unroll the loop over a fixed number of timesteps.
        zero_output_for_mask: Boolean, whether masked steps output zeros instead of the
            output of the step before.
        activity_regularizer: Regularizer of the outputs.
        name: String, the layer's name.
        dtype: The layer's dtype policy. The outputs follow it; the cell computes in at
            least float32.
        trainable: Boolean.
        **cell_options: The other arguments of `NTMCell`, which documents them.

    Call arguments:
        sequences: Tensor of shape `(batch, timesteps, features)`.
        initial_state: Optional list of tensors, as `return_state` returns them, also by
            another layer with the same sizes. The weights of the layer's own initial state
            are not used then.
        mask: Optional boolean tensor of shape `(batch, timesteps)`. A masked step
            leaves all states unchanged, including the memory.
        training: Boolean, passed to the controller.

    Output:
        A tensor of shape `(batch, timesteps, units)` with `return_sequences`,
        `(batch, units)` without. With `return_state`, a tuple of this tensor and the
        states, each of shape `(batch, size)`. `cell.named_states` returns them by name.

    Trace:
        `trace(sequences)` returns `"output"` `(B, T, units)`, `"reads"` `(B, T, R, W)`,
        `"read_weightings"` `(B, T, R, N)`, `"write_weightings"` `(B, T, H - R, N)`,
        `"memory"` `(B, T, N, W)` after the step's writes, and the heads' parameters:
        `"key"` `(B, T, H, W)`, `"key_strength"`, `"gate"` and `"sharpening"`
        `(B, T, H, 1)`, `"shift"` `(B, T, H, 2 * shift_range + 1)`, `"erase"` and `"add"`
        `(B, T, H - R, W)`. Gate, shift and sharpening are missing if addressing is by
        content alone.

    Raises:
        ValueError: For arguments that `NTMCell` rejects.

    Example:

    >>> import numpy as np, keras, keras_nm
    >>> layer = keras_nm.layers.NTM(8, memory_shape=(32, 10), return_sequences=True)
    >>> y = layer(np.ones((4, 7, 9), "float32"))
    >>> tuple(y.shape)
    (4, 7, 8)

    An encoder and a decoder, which begins with the memory that the encoder wrote:

    >>> source, target = keras.Input((None, 9)), keras.Input((None, 5))
    >>> _, *states = keras_nm.layers.NTM(8, return_state=True)(source)
    >>> decoder = keras_nm.layers.NTM(8, return_sequences=True)
    >>> y = decoder(target, initial_state=states)
    >>> model = keras.Model([source, target], keras.layers.Dense(5)(y))
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
            NTMCell(units, memory_shape, controller, dtype=dtype, **cell_options),
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

        A machine whose initial memory is constant or drawn, and whose initial weighting is
        not learned, has no weight whose shape depends on the number of locations.

        Args:
            num_locations: Positive integer.

        Returns:
            A new layer, built if this one is.

        Raises:
            ValueError: If the initial memory or weighting ties the weights to the
                number of locations, or for a number that is too small for the shifts.

        Example, for a layer and for a whole model:

        >>> import keras, keras_nm
        >>> layer = keras_nm.layers.NTM(8, memory_shape=(128, 20))
        >>> layer.with_num_locations(1024).cell.memory_shape
        (1024, 20)
        >>> x = keras.Input((None, 9))
        >>> model = keras.Model(x, keras.layers.Dense(3)(layer(x)))
        >>> def resize(layer):
        ...     if isinstance(layer, keras_nm.layers.NTM):
        ...         return layer.with_num_locations(1024)
        ...     return type(layer).from_config(layer.get_config())
        >>> large = keras.models.clone_model(model, clone_function=resize)
        >>> large.set_weights(model.get_weights())
        """
        cell = self.cell
        own_memory = cell.initial_memory in ("random", "learned")
        if own_memory or cell.initial_weighting == "learned":
            raise ValueError(
                "The number of locations can change only with initial_memory='constant' or "
                "'drawn', and initial_weighting='focused' or 'uniform'. Otherwise, weights "
                "depend on it. "
                f"Received: initial_memory={cell.initial_memory!r}, "
                f"initial_weighting={cell.initial_weighting!r}"
            )
        return self._with(memory_shape=(num_locations, cell.memory_shape[1]))
