"""Shows what a cell does at every step, without a second implementation of it."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_nm")
class TraceCell(keras.layers.Layer):
    """Runs another cell and outputs all that it shows, concatenated.

    Keras's RNN takes one output vector per step. Everything worth seeing is therefore
    flattened into that vector, and `split_trace` takes it apart again, so that masks,
    XLA, export and every backend work for traces as they do for outputs.

    Args:
        cell: A cell with `step(inputs, states)`, which returns a dict of tensors and
            the new states, and with `trace_shapes`, the table of the dict's names and
            shapes (without the batch).
    """

    def __init__(self, cell, **kwargs):
        super().__init__(**{"dtype": cell.dtype_policy, **kwargs})
        self.cell = cell
        self.output_size = sum(math.prod(s) for s in cell.trace_shapes.values())
        # Some backends take the output of a masked step from the first state.
        self.state_size = [self.output_size, *cell.state_size]

    def build(self, input_shape):
        if not self.cell.built:
            self.cell.build(input_shape)

    def get_initial_state(self, batch_size=None):
        trace = ops.zeros((batch_size, self.output_size), dtype=self.compute_dtype)
        return [trace, *self.cell.get_initial_state(batch_size)]

    def call(self, inputs, states):
        shown, new_states = self.cell.step(inputs, states[1:])
        trace = ops.concatenate(
            [
                ops.reshape(shown[name], (-1, math.prod(shape)))
                for name, shape in self.cell.trace_shapes.items()
            ],
            axis=-1,
        )
        return trace, [trace, *new_states]

    def get_config(self):
        cell = keras.saving.serialize_keras_object(self.cell)
        return {**super().get_config(), "cell": cell}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        cell = keras.saving.deserialize_keras_object(config["cell"], custom_objects)
        return cls(**{**config, "cell": cell})


def split_trace(trace, trace_shapes):
    """Splits the output of a `TraceCell` into named tensors.

    Args:
        trace: Tensor of shape `(batch, timesteps, output_size)`.
        trace_shapes: The cell's table of names and shapes.

    Returns:
        A dict from name to tensor of shape `(batch, timesteps, *shape)`.
    """
    named = {}
    start = 0
    for name, shape in trace_shapes.items():
        size = math.prod(shape)
        # The layer, because it also takes symbolic tensors of unknown length.
        unflatten = keras.layers.Reshape((-1, *shape), dtype=trace.dtype)
        named[name] = unflatten(trace[:, :, start : start + size])
        start += size
    return named
