"""A recurrent cell made of layers and cells."""

import keras
from keras import ops

from keras_nm.keras_internals import takes_training
from keras_nm.layers.inner_dropout import InnerDropout


@keras.saving.register_keras_serializable(package="keras_nm")
class ChainedCell(keras.layers.Layer, InnerDropout):
    """Runs feed-forward layers and RNN cells one after the other, as one RNN cell.

    It does for layers and cells what `keras.layers.StackedRNNCells` does for cells alone.
    An LSTM with a hidden layer before it, the recurrent controller of Kurach et al. (2016,
    section 4), is `ChainedCell([keras.layers.Dense(32, activation="relu"),
    keras.layers.LSTMCell(32)])`.

    Unless you give a `dtype`, it computes in the widest one of its parts. So under a half
    precision policy, the memory of a machine's cell among them stays in float32.

    If you use masks, end with a cell: on the JAX backend, Keras takes the output of a
    masked step from the last cell's state.

    Args:
        layers: List of Keras layers from `(batch, features)` to `(batch, units)` and of
            Keras RNN cells, with at least one cell.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If the list has no cell, or anything other than layers and cells.

    Example:

    >>> import numpy as np, keras, keras_nm
    >>> cell = keras_nm.layers.ChainedCell(
    ...     [keras.layers.Dense(6, activation="relu"), keras.layers.LSTMCell(5)]
    ... )
    >>> tuple(keras.layers.RNN(cell)(np.ones((2, 7, 3), "float32")).shape)
    (2, 5)
    """

    def __init__(self, layers, dtype=None, **kwargs):
        layers = list(layers)
        fitting = [
            isinstance(layer, keras.layers.Layer)
            and not isinstance(layer, keras.layers.RNN)
            for layer in layers
        ]
        if not all(fitting) or not any(_is_cell(layer) for layer in layers):
            raise ValueError(
                "`layers` must be Keras layers without time steps, at least one of them an "
                "RNN cell. Use keras.layers.LSTMCell instead of keras.layers.LSTM, and "
                f"keras.Sequential if there is no cell. Received: layers={layers}"
            )
        widest = keras.backend.result_type(*(layer.compute_dtype for layer in layers))
        super().__init__(dtype=dtype or widest, **kwargs)
        self.layers = layers
        if not self.trainable:
            for layer in layers:
                layer.trainable = False
        self.state_size = [layer.state_size for layer in layers if _is_cell(layer)]
        last = layers[-1]
        # Not all layers tell before they are built.
        self.output_size = getattr(last, "output_size", getattr(last, "units", None))

    def build(self, input_shape):
        shape = tuple(input_shape)
        for layer in self.layers:
            if not _is_cell(layer):
                shape = layer(keras.KerasTensor(shape, dtype=self.compute_dtype)).shape
                continue
            if not layer.built:
                layer.build(shape)
            sizes = keras.tree.flatten(layer.state_size)
            shape = (shape[0], getattr(layer, "output_size", None) or sizes[0])
        self.output_size = shape[-1]

    def get_initial_state(self, batch_size=None):
        def zeros(size):
            return ops.zeros((batch_size, size), dtype=self.compute_dtype)

        return [
            layer.get_initial_state(batch_size=batch_size)
            if hasattr(layer, "get_initial_state")
            else keras.tree.map_structure(zeros, layer.state_size)
            for layer in self.layers
            if _is_cell(layer)
        ]

    def call(self, inputs, states, training=False):
        x = inputs
        states = iter(states)
        new_states = []
        for layer in self.layers:
            options = {"training": training} if takes_training(layer) else {}
            if _is_cell(layer):
                state = next(states)
                # A cell gets a list, even of a single state.
                given = state if keras.tree.is_nested(state) else [state]
                x, new = layer(x, given, **options)
                # A cell of half precision has states of its own dtype.
                pairs = zip(keras.tree.flatten(new), keras.tree.flatten(state), strict=True)
                new = [ops.cast(new, old.dtype) for new, old in pairs]
                new_states.append(keras.tree.pack_sequence_as(state, new))
            else:
                x = layer(x, **options)
        return x, new_states

    def call_inner_cells(self, step_input, training):
        states = self.get_initial_state(ops.shape(step_input)[0])
        self.call(step_input, states, training)

    def get_config(self):
        layers = [keras.saving.serialize_keras_object(layer) for layer in self.layers]
        return {**super().get_config(), "layers": layers}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        layers = [
            keras.saving.deserialize_keras_object(layer, custom_objects=custom_objects)
            for layer in config["layers"]
        ]
        return cls(**{**config, "layers": layers})


def _is_cell(layer):
    return hasattr(layer, "state_size")
