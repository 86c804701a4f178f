"""What the machines share: a cell around a controller, and the loop over its steps."""

from numbers import Integral

import keras
from keras import ops
from keras.src.backend import AutocastScope

from keras_nm.arguments import check_integer
from keras_nm.layers.dropout import DropoutOfInnerCells
from keras_nm.layers.replicated import Replicated


class MachineCell(keras.layers.Layer, DropoutOfInnerCells):
    """A cell that runs a controller at every step.

    A subclass gives `default_controller()`, the layer to take for `None`, and
    `first_controller_inputs(step_input)`, what the controller sees at the first step.

    The cell computes in float32 at least: under a half precision policy its own numbers
    stay in float32, while a controller with a policy of its own follows that.

    Args:
        controller: A Keras RNN cell or feed-forward layer, or `None`.
        num_replicas: `None`, or a number of independent machines, see `Replicated`.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, controller, num_replicas, **kwargs):
        kwargs["dtype"] = at_least_float32(kwargs.get("dtype"))
        super().__init__(**kwargs)
        if num_replicas is not None:
            num_replicas = check_integer("num_replicas", num_replicas)
        self.num_replicas = num_replicas
        controller = self.default_controller() if controller is None else controller
        self._controller_state_sizes = _state_sizes(controller)
        self.controller = self._replicated(controller)

    def _replicated(self, layer):
        """A part of the machine, once per replica."""
        return layer if self.num_replicas is None else Replicated(layer, self.num_replicas)

    @property
    def has_recurrent_controller(self):
        """Boolean, whether the controller has states."""
        return bool(self._controller_state_sizes)

    def _build_controller(self, input_shape):
        """Builds the controller and gives the size of its output."""
        if self.has_recurrent_controller:
            if not self.controller.built:
                self.controller.build(input_shape)
            output_size = getattr(self.controller, "output_size", None)
            return output_size or self._controller_state_sizes[0]
        # A symbolic call builds any layer, also one without `build`.
        inputs = keras.KerasTensor(input_shape, dtype=self.compute_dtype)
        outputs = self.controller(inputs)
        if not isinstance(outputs, keras.KerasTensor) or len(outputs.shape) != 2:
            raise ValueError(
                "A feed-forward controller must give one output of shape "
                f"(batch, controller_units). Received: {outputs} from "
                f"controller={self.controller!r}"
            )
        return outputs.shape[-1]

    def initial_controller_states(self, batch_size):
        if hasattr(self.controller, "get_initial_state"):
            states = self.controller.get_initial_state(batch_size=batch_size)
            return [ops.cast(x, self.compute_dtype) for x in keras.tree.flatten(states)]
        return [
            ops.zeros((batch_size, size), dtype=self.compute_dtype)
            for size in self._controller_state_sizes
        ]

    def _run_controller(self, inputs, states, training):
        """Gives the controller's output, in the cell's dtype, and its new states."""
        arguments = [inputs]
        if self.has_recurrent_controller:
            structure = self.controller.state_size
            if not keras.tree.is_nested(structure):
                structure = [structure]
            arguments.append(keras.tree.pack_sequence_as(structure, states))
        options = {}
        if self.controller._call_has_training_arg:
            options["training"] = training
        result = self.controller(*arguments, **options)
        hidden, states = result if self.has_recurrent_controller else (result, [])
        return ops.cast(hidden, self.compute_dtype), keras.tree.flatten(states)

    def call_inner_cells(self, step_input):
        states = self.initial_controller_states(ops.shape(step_input)[0])
        self._run_controller(
            self.first_controller_inputs(step_input), states, training=True
        )

    def get_config(self):
        controller = self.controller
        if self.num_replicas is not None:
            controller = controller.layer
        controller = keras.saving.serialize_keras_object(controller)
        return {**super().get_config(), "controller": controller}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**with_controller(config, custom_objects))


class MachineLoop(keras.layers.RNN):
    """`keras.layers.RNN` for cells with large states: a faster loop, nothing else.

    The cell's `unflatten_states(states)` gives the states other shapes than `(B, size)`,
    and its `step` takes them in both.
    """

    def inner_loop(self, sequences, initial_state, mask, training=False):
        # Keras's masks need flat states. Without one, the loop carries the states in the
        # shapes of the step, whose arithmetic XLA then vectorizes.
        if mask is None:
            initial_state = self.cell.unflatten_states(initial_state)
        arguments = (sequences, initial_state, mask, training)

        # TensorFlow keeps a copy per time step of all that is read inside a loop, for
        # the backward pass. Here the variables are read before it, in their own dtype.
        scope = keras.StatelessScope()
        with AutocastScope(None):
            for variable in self.cell.variables:
                scope.add_update((variable, ops.copy(variable)))
        before = dict(scope.state_mapping)
        with scope:
            results = super().inner_loop(*arguments)
        after = scope.state_mapping
        if any(after[key] is not before.get(key) for key in after):
            # Something in the loop changes its state, such as the seed of a dropout
            # layer, which the scope would forget.
            if keras.backend.backend() == "jax" and not self.unroll:
                raise ValueError(
                    "On the JAX backend, no layer inside a loop can change its own state, "
                    "as Dropout, GaussianNoise and BatchNormalization do in training. "
                    f"Received: {self.cell}, in which one does. Use the dropout of "
                    "keras.layers.LSTMCell, `unroll=True`, or another backend"
                )
            results = super().inner_loop(*arguments)

        last_output, outputs, states = results
        return last_output, outputs, [flatten(state) for state in states]


def at_least_float32(dtype):
    """A dtype policy, or float32 where the policy computes in half precision."""
    policy = keras.dtype_policies.get(dtype)
    return "float32" if policy.compute_dtype in ("float16", "bfloat16") else policy


def flatten(x):
    """Brings a tensor to the shape `(B, size)` that Keras asks of a state."""
    return ops.reshape(x, (ops.shape(x)[0], -1)) if len(x.shape) != 2 else x


def with_controller(config, custom_objects):
    """A config whose controller, if it has one, is a layer again."""
    if "controller" not in config:
        return config
    controller = keras.saving.deserialize_keras_object(
        config["controller"], custom_objects=custom_objects
    )
    return {**config, "controller": controller}


def _state_sizes(controller):
    """The flat state sizes of a cell, or an empty list for a feed-forward layer."""
    advice = (
        "`controller` must be a Keras RNN cell, such as keras.layers.LSTMCell(100), or "
        "a feed-forward Keras layer, such as "
        "keras.layers.Dense(100, activation='tanh'). "
    )
    if not isinstance(controller, keras.layers.Layer):
        raise ValueError(f"{advice}Received: controller={controller!r}")
    if isinstance(controller, keras.layers.RNN):
        raise ValueError(
            f"{advice}Received the sequence layer {controller!r}: pass its cell"
        )
    sizes = keras.tree.flatten(getattr(controller, "state_size", []))
    if not all(isinstance(size, Integral) for size in sizes):
        raise ValueError(
            f"{advice}A cell's states must be vectors. "
            f"Received a cell with state_size={controller.state_size!r}"
        )
    return sizes
