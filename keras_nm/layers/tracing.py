"""Shows what a cell does at every step, without a second implementation of it."""

import math

import keras
from keras import ops

from keras_nm.layers.dropout import DropoutOfInnerCells


@keras.saving.register_keras_serializable(package="keras_nm")
class TraceCell(keras.layers.Layer, DropoutOfInnerCells):
    """Runs another cell and outputs all that it shows, concatenated.

    Keras's RNN takes one output vector per step. Everything worth seeing is therefore
    flattened into that vector, and `split_trace` takes it apart again, so that masks,
    XLA, export and every backend work for traces as they do for outputs.

    Args:
        cell: A `MachineCell` with `step(inputs, states, training, **options)`, which
            returns a dict of tensors and the new states.
        shapes: Dict from the names of what to put out to their shapes, without the batch.
        step_options: Dict of further arguments of `step`. Defaults to none.
    """

    def __init__(self, cell, shapes, step_options=None, **kwargs):
        super().__init__(**{"dtype": cell.dtype_policy, **kwargs})
        self.cell = cell
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        self.step_options = dict(step_options or {})
        self.output_size = sum(math.prod(shape) for shape in self.shapes.values())
        # Some backends take the output of a masked step from the first state.
        self.state_size = [self.output_size, *cell.state_size]

    def build(self, input_shape):
        if not self.cell.built:
            self.cell.build(input_shape)

    def get_initial_state(self, batch_size=None):
        trace = ops.zeros((batch_size, self.output_size), dtype=self.compute_dtype)
        return [trace, *self.cell.get_initial_state(batch_size)]

    def unflatten_states(self, states):
        return [states[0], *self.cell.unflatten_states(states[1:])]

    def call(self, inputs, states, training=False):
        shown, new_states = self.cell.step(
            inputs, states[1:], training=training, **self.step_options
        )
        trace = ops.concatenate(
            [
                ops.reshape(shown[name], (-1, math.prod(shape)))
                for name, shape in self.shapes.items()
            ],
            axis=-1,
        )
        return trace, [trace, *new_states]

    def call_inner_cells(self, step_input):
        self.cell.call_inner_cells(step_input)

    def get_config(self):
        config = {
            "cell": keras.saving.serialize_keras_object(self.cell),
            "shapes": self.shapes,
            "step_options": self.step_options,
        }
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        cell = keras.saving.deserialize_keras_object(config["cell"], custom_objects)
        return cls(**{**config, "cell": cell})


def split_trace(trace, shapes):
    """Splits the output of a `TraceCell` into named tensors.

    Args:
        trace: Tensor of shape `(batch, timesteps, output_size)`.
        shapes: The table of names and shapes that the cell was given.

    Returns:
        A dict from name to tensor of shape `(batch, timesteps, *shape)`.
    """
    named = {}
    start = 0
    for name, shape in shapes.items():
        size = math.prod(shape)
        # The layer, because it also takes symbolic tensors of unknown length.
        unflatten = keras.layers.Reshape((-1, *shape), dtype=trace.dtype)
        named[name] = unflatten(trace[:, :, start : start + size])
        start += size
    return named
