"""A small machine of the tests' own: it adds up what its controller says, and leaks."""

import keras
import numpy as np
from keras import ops
from matplotlib.figure import Figure

from keras_nm.layers.machine import MachineCell, MachineLayer, in_form_of
from keras_nm.machines import Machine
from keras_nm.metrics import Measure


@keras.saving.register_keras_serializable(package="tests")
class ToyCell(MachineCell):
    """`total <- leak * total + map(controller(input, total))`; the total is the output."""

    def __init__(self, units, leak=0.5, controller=None, **kwargs):
        super().__init__(controller, **kwargs)
        self.units = self.output_size = units
        self.leak = leak
        self.total_map = self._linear_map("total_map", units)
        self.state_size = [units]

    def default_controller(self):
        return keras.layers.Dense(6, activation="tanh", dtype=self.dtype_policy)

    def first_controller_inputs(self, step_input):
        zeros = ops.zeros((ops.shape(step_input)[0], self.units), self.compute_dtype)
        return ops.concatenate([step_input, zeros], axis=-1)

    state_names = ("total",)

    @property
    def trace_shapes(self):
        return {"output": (self.units,), "added": (self.units,)}

    def build(self, input_shape):
        self._check_step_shape(input_shape)
        batch, features = input_shape
        controller_units = self._build_controller((batch, features + self.units))
        self.total_map.build((batch, controller_units))

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype)]

    def step(self, inputs, states, training=False, trace=None):
        (total,) = states
        controller_inputs = ops.concatenate([inputs, total], axis=-1)
        hidden, _ = self._run_controller(controller_inputs, [], training)
        added = self.total_map(hidden)
        total = self.leak * total + added
        if trace is not None:
            trace.update(output=total, added=added)
        return total, in_form_of([total], states)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "leak": self.leak}


@keras.saving.register_keras_serializable(package="tests")
class ToyMachine(MachineLayer):
    """The layer around `ToyCell`."""

    def __init__(
        self,
        units,
        leak=0.5,
        controller=None,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        zero_output_for_mask=False,
        activity_regularizer=None,
        **options,
    ):
        super().__init__(
            ToyCell(units, leak, controller, dtype=options.get("dtype")),
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
            activity_regularizer=activity_regularizer,
            **options,
        )


def look(layer, trace, examples):
    return {"largest_addition": np.abs(trace["added"]).max(), "leak": str(layer.cell.leak)}


def picture(layer, trace, inputs, outputs, example, time, activation):
    figure = Figure()
    end = None if time is None else time + 1
    figure.subplots().imshow(np.asarray(trace["added"])[example, :end])
    return figure


ROW = Machine(
    layer=ToyMachine,
    words="toy machine",
    arguments={"return_sequences": True},
    task_arguments={"units": "output_size"},
    measures=(
        Measure(
            name="leaked",
            words="share that leaks",
            of_layer=lambda layer, call_options: lambda data: 1 - layer.cell.leak,
        ),
    ),
    task_change=lambda layer, trained, task: {
        "leak": layer.cell.leak * trained.max_length / task.max_length
    },
    look=look,
    picture=picture,
    num_frames=lambda trace, example: trace["added"].shape[1],
    facts=lambda layer: {"leak": layer.cell.leak},
    page="keras_nm.page.sequences:describe",
)
