"""Records what machines do at every step, without a second implementation of them."""

import inspect

import keras
from keras import ops

from keras_nm.keras_internals import first_call
from keras_nm.layers.inner_dropout import InnerDropout
from keras_nm.layers.tensors import joined, total_size


@keras.saving.register_keras_serializable(package="keras_nm")
class TraceCell(keras.layers.Layer, InnerDropout):
    """Runs another cell and outputs everything that it traces, concatenated.

    Keras's RNN takes one output vector per step. This cell therefore joins all traced
    tensors in that vector, and `keras_nm.layers.tensors.split` splits it again. Masks, XLA,
    export and every backend then work for traces as they do for outputs.

    Args:
        cell: A `MachineCell`.
        shapes: Dict from the names of the tensors to trace to their shapes, without the
            batch.
        step_options: Dict of further arguments of the cell's `step`. Defaults to none.
    """

    def __init__(self, cell, shapes, step_options=None, **kwargs):
        super().__init__(**{"dtype": cell.dtype_policy, **kwargs})
        self.cell = cell
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        self.step_options = dict(step_options or {})
        self.output_size = total_size(self.shapes)
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
        trace = {}
        _, new_states = self.cell.step(
            inputs, states[1:], training=training, trace=trace, **self.step_options
        )
        output = joined(trace, self.shapes)
        return output, [output, *new_states]

    def call_inner_cells(self, step_input, training):
        self.cell.call_inner_cells(step_input, training)

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


class Tracer(keras.Model):
    """A model whose outputs are the traces of the machines inside another model.

    It shares the weights of the other model and has none of its own, so it shows what
    that model does at any moment of its training. `Tracer(model)(inputs)` runs it.
    `Tracer(model).predict_on_batch(inputs)` compiles it at the first call.

    Args:
        model: A functional or `Sequential` `keras.Model` in which at least one layer has a
            `trace`, as all machines of `keras_nm.layers` do. If a layer is called several
            times, its first call is traced.

    Call arguments:
        inputs: The inputs of the model. Tapes must have a known size.

    Output:
        A dict from the names of these layers to the results of their `trace`.

    Raises:
        ValueError: For a model without such layers, with stateful layers, or of another
            kind.

    Example:

    >>> import keras, keras_nm, numpy as np
    >>> x = keras.Input((None, 9))
    >>> y = keras_nm.layers.NTM(16, return_sequences=True, name="machine")(x)
    >>> model = keras.Model(x, keras.layers.Dense(8)(y))
    >>> traces = keras_nm.layers.Tracer(model)(np.ones((1, 5, 9), "float32"))
    >>> tuple(traces["machine"]["write_weightings"].shape)
    (1, 5, 1, 128)
    """

    def __init__(self, model):
        super().__init__(autocast=False)  # like a functional model
        if not getattr(model, "inputs", None):
            raise ValueError(
                "A Tracer takes a functional or Sequential keras.Model that is built. "
                f"Received: {model!r}"
            )
        self.machines = [layer for layer in model.layers if hasattr(layer, "trace")]
        if not self.machines:
            raise ValueError(
                "A Tracer takes a model that contains a machine, which is a layer with a "
                "`trace`, such as keras_nm.layers.NTM. Received: a model with the layers "
                f"{[layer.name for layer in model.layers]}"
            )
        stateful = [x.name for x in model.layers if getattr(x, "stateful", False)]
        if stateful:
            raise ValueError(
                "A Tracer shows sequences from their beginning, and to run it would change "
                "the states of stateful layers. Build the model without `stateful`. "
                f"Received: a model with the stateful layers {stateful}"
            )
        # The first argument of each machine's call, and the others that `trace` also takes.
        calls = {each.name: traced_arguments(each, model) for each in self.machines}
        self._options = {name: options for name, (_, options) in calls.items()}
        self.feed = keras.Model(
            getattr(model, "_functional", model).input,
            {
                name: {
                    "inputs": inputs,
                    **{k: v for k, v in options.items() if _is_symbolic(v)},
                }
                for name, (inputs, options) in calls.items()
            },
        )

    def call(self, inputs):
        fed = self.feed(inputs)
        traces = {}
        for machine in self.machines:
            options = {**self._options[machine.name], **fed[machine.name]}
            traces[machine.name] = machine.trace(options.pop("inputs"), **options)
        return traces

    def options_of(self, machine):
        """Returns the arguments of a machine's call in the model, except for the first."""
        return self._options[machine.name]


def traced_arguments(machine, model):
    """Returns the first argument of a layer's call, and a dict of those `trace` takes.

    The call is the layer's first one in a functional or `Sequential` model.
    """
    call = first_call(machine, model)
    _, *names = inspect.signature(machine.trace).parameters
    signature, arguments = inspect.signature(machine.call), call.arguments
    given = signature.bind(*arguments.args, **arguments.kwargs).arguments
    return call.input_tensors[0], {name: given[name] for name in names if name in given}


def _is_symbolic(value):
    return any(isinstance(x, keras.KerasTensor) for x in keras.tree.flatten(value))
