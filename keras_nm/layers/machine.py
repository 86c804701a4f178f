"""The base of all machines: a cell around a controller, the loop over its steps, a layer.

Axes: B batch, T timesteps.
"""

from numbers import Integral

import keras
from keras import ops

from keras_nm.arguments import check_integer
from keras_nm.keras_internals import (
    AutocastScope,
    inner_layers,
    mask_of,
    takes_training,
)
from keras_nm.layers.inner_dropout import InnerDropout
from keras_nm.layers.quantization import quantization_of, quantize_as
from keras_nm.layers.random_layers import drawn_before_loop
from keras_nm.layers.replicated import Replicated
from keras_nm.layers.tensors import flatten, split
from keras_nm.layers.trace import TraceCell
from keras_nm.layers.weight_gradients import summed_after_loop


class MachineCell(keras.layers.Layer, InnerDropout):
    """A cell that runs a controller at every step.

    A subclass implements

    - `default_controller()`, the layer that stands for `None`;
    - `first_controller_inputs(step_input)`, the controller's input at the first step;
    - `step(inputs, states, training=False, trace=None)`, one time step. It returns the
      output and the new states. If `trace` is a dict, it puts a tensor into it for each
      name in `trace_shapes`;
    - `state_names`, a list with one name per state, and `trace_shapes`, a dict from the
      name of each traced tensor to its shape per step;
    - `unflatten_states(states)`, the states in the shapes that the step computes with, if
      these are not `(B, size)`. `step` takes both kinds, and returns the kind that it was
      given.

    The cell computes in at least float32: under a half precision policy, its own numbers
    stay in float32. A controller with its own policy follows that policy.

    Args:
        controller: A Keras RNN cell or feed-forward layer, or `None`.
        num_replicas: `None`, or a number of independent machines, see `Replicated`. For
            cells with `can_be_replicated`.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    can_be_replicated = False

    def __init__(self, controller, num_replicas=None, **kwargs):
        if num_replicas is not None and not self.can_be_replicated:
            raise ValueError(
                f"{type(self).__name__} does not take `num_replicas`: build a layer per "
                f"machine. Received: num_replicas={num_replicas!r}"
            )
        kwargs["dtype"] = at_least_float32(kwargs.get("dtype"))
        super().__init__(**kwargs)
        if num_replicas is not None:
            num_replicas = check_integer("num_replicas", num_replicas)
        self.num_replicas = num_replicas
        controller = self.default_controller() if controller is None else controller
        self._controller_state_sizes = _state_sizes(controller)
        self.controller = self._part(controller)

    def _part(self, layer):
        """Returns a part of the machine: replicated if it has replicas, frozen if it is."""
        if self.num_replicas is not None:
            layer = Replicated(layer, self.num_replicas)
        if not self.trainable:
            layer.trainable = False
        return layer

    @property
    def has_recurrent_controller(self):
        """Boolean, whether the controller has states."""
        return bool(self._controller_state_sizes)

    @property
    def controller_state_names(self):
        """List of strings, one name per state of the controller."""
        return [f"controller_{i}" for i in range(len(self._controller_state_sizes))]

    def _linear_map(self, name, units, **options):
        """Returns a linear map of the cell's own, of this name."""
        return self._part(
            keras.layers.Dense(units, dtype=self.dtype_policy, name=name, **options)
        )

    def _check_step_shape(self, input_shape):
        """Raises a ValueError unless the inputs are those of a single time step."""
        if len(input_shape) != 2:
            name = type(self).__name__
            raise ValueError(
                f"{name} takes inputs of shape (batch, features), one time step. "
                f"Received: an input of shape {tuple(input_shape)}. For sequences, wrap "
                f"the cell in keras.layers.RNN, or use {name.removesuffix('Cell')}"
            )
        if input_shape[-1] is None:
            raise ValueError(
                "The number of features must be known, as in keras.Input((None, 9)). "
                f"Received: inputs with time steps of shape {tuple(input_shape)}"
            )

    def _build_controller(self, input_shape):
        """Builds the controller and returns the size of its output."""
        if self.has_recurrent_controller:
            if not self.controller.built:
                self.controller.build(input_shape)
            output_size = getattr(self.controller, "output_size", None)
            return output_size or self._controller_state_sizes[0]
        # A symbolic call builds any layer, even one without `build`.
        inputs = keras.KerasTensor(input_shape, dtype=self.compute_dtype)
        outputs = self.controller(inputs)
        if not isinstance(outputs, keras.KerasTensor) or len(outputs.shape) != 2:
            raise ValueError(
                "A feed-forward controller must return one output of shape "
                f"(batch, controller_units). Received: {outputs} from "
                f"controller={self.controller!r}"
            )
        return outputs.shape[-1]

    def initial_controller_states(self, batch_size):
        """Returns the controller's states before the first step: tensors `(B, size)`."""
        if hasattr(self.controller, "get_initial_state"):
            states = self.controller.get_initial_state(batch_size=batch_size)
            return [ops.cast(x, self.compute_dtype) for x in keras.tree.flatten(states)]
        return [
            ops.zeros((batch_size, size), dtype=self.compute_dtype)
            for size in self._controller_state_sizes
        ]

    def _run_controller(self, inputs, states, training):
        """Returns the controller's output, in the cell's dtype, and its new states."""
        arguments = [inputs]
        if self.has_recurrent_controller:
            structure = self.controller.state_size
            if not keras.tree.is_nested(structure):
                structure = [structure]
            # JAX's map over replicas does not know the lists that Keras tracks.
            structure = keras.tree.lists_to_tuples(structure)
            arguments.append(keras.tree.pack_sequence_as(structure, states))
        options = {}
        if takes_training(self.controller):
            options["training"] = training
        result = self.controller(*arguments, **options)
        hidden, states = result if self.has_recurrent_controller else (result, [])
        return ops.cast(hidden, self.compute_dtype), keras.tree.flatten(states)

    def call_inner_cells(self, step_input, training):
        states = self.initial_controller_states(ops.shape(step_input)[0])
        self._run_controller(self.first_controller_inputs(step_input), states, training)

    def call(self, inputs, states, training=False):
        return self.step(inputs, states, training=training)

    def unflatten_states(self, states):
        """Brings the states into the shapes that the step computes with."""
        return list(states)

    def named_states(self, states):
        """Returns states by name, in their own shapes.

        Args:
            states: List of tensors of shape `(B, size)`, as RNN returns and takes them, in
                the order of `state_names`.

        Returns:
            A dict from the names to the states.
        """
        return dict(zip(self.state_names, self.unflatten_states(states), strict=True))

    def flat_states(self, named):
        """Flattens named states for RNN: the inverse of `named_states`.

        Use it to make your own initial state.

        Args:
            named: Dict of tensors, as `named_states` returns it.

        Returns:
            List of tensors of shape `(B, size)`, in the order of `state_names`.
        """
        return [flatten(named[name]) for name in self.state_names]

    def check_states(self, states, batch_size=None):
        """Raises a ValueError unless states have the shapes of `state_size`."""
        if isinstance(states, dict):
            raise ValueError(
                "The states must be a list. `cell.flat_states(states)` makes one of named "
                f"states. Received: a dict with the keys {list(states)}"
            )
        shapes = [tuple(state.shape) for state in keras.tree.flatten(states)]
        sizes = keras.tree.flatten(self.state_size)
        if [shape[1:] for shape in shapes] != [(size,) for size in sizes]:
            expected = ", ".join(
                f"{name} (batch, {size})"
                for name, size in zip(self.state_names, sizes, strict=True)
            )
            raise ValueError(
                f"The states must be {expected}. Received shapes: {shapes}. "
                "Pass the states that a layer with `return_state=True` returns"
            )
        num_rows = {shape[0] for shape in shapes} - {None}
        if batch_size is not None and not num_rows <= {batch_size}:
            raise ValueError(
                "The states must have as many rows as the inputs. Received: inputs of "
                f"{batch_size} rows, states of the shapes {shapes}"
            )

    def get_config(self):
        controller = self.controller
        if self.num_replicas is not None:
            controller = controller.layer
        config = super().get_config()
        config["controller"] = keras.saving.serialize_keras_object(controller)
        quantization = quantization_of(self)
        if quantization:
            config["quantization"] = quantization
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return from_machine_config(cls, config, custom_objects)


def in_form_of(new_states, states):
    """Returns the new states in the shapes and dtypes of the old ones, for a loop."""
    return [
        ops.cast(new if len(old.shape) > 2 else flatten(new), old.dtype)
        for new, old in zip(new_states, states, strict=True)
    ]


class MachineLoop(keras.layers.RNN):
    """`keras.layers.RNN` with a faster loop for cells with large states.

    The cell's `unflatten_states(states)` brings the states into shapes other than
    `(B, size)`, and its `step` takes both kinds.
    """

    def inner_loop(self, sequences, initial_state, mask, training=False):
        with drawn_before_loop(self.cell, sequences, training) as sequences:
            return self._loop(sequences, initial_state, mask, training)

    def _loop(self, sequences, initial_state, mask, training):
        # Keras's masks need flat states. Without a mask, the loop carries the states in the
        # shapes of the step, whose arithmetic XLA then vectorizes.
        if mask is None:
            initial_state = self.cell.unflatten_states(initial_state)
        arguments = (initial_state, mask, training)

        # For the backward pass, TensorFlow keeps a copy per time step of everything that is
        # read inside a loop. So the variables are read before it, in their own dtype.
        scope = keras.StatelessScope(collect_losses=True)
        with AutocastScope(None):
            for variable in self.cell.variables:
                scope.add_update((variable, ops.copy(variable)))
        before = dict(scope.state_mapping)
        with scope, summed_after_loop(self.cell, sequences, scope, training) as inputs:
            results = super().inner_loop(inputs, *arguments)
        if scope.losses and not self.unroll:
            raise ValueError(
                "A layer inside a loop cannot add a loss, as those with an "
                f"`activity_regularizer` do. Received: {self.cell}, in which a layer does. "
                "Use `unroll=True`, or give the `activity_regularizer` to the machine"
            )
        after = scope.state_mapping
        if any(after[key] is not before.get(key) for key in after):
            # Something in the loop changes its state, such as the statistics of a batch
            # normalization, which the scope would forget.
            if keras.backend.backend() == "jax" and not self.unroll:
                raise ValueError(
                    "On the JAX backend, no layer inside a loop can change its own state, "
                    "as BatchNormalization does in training. "
                    f"Received: {self.cell}, in which a layer does. Use Dropout, "
                    "GaussianDropout or GaussianNoise, `unroll=True`, or another backend"
                )
            results = super().inner_loop(sequences, *arguments)
        else:
            for loss in scope.losses:
                self.add_loss(loss)

        last_output, outputs, states = results
        return last_output, outputs, [flatten(state) for state in states]


class MachineLayer(MachineLoop):
    """A layer from sequences to sequences around a machine's cell.

    Use it wherever you would use `keras.layers.LSTM`. Its configuration combines its own
    and that of the cell, so a subclass takes both kinds of arguments.

    Args:
        cell: A `MachineCell`.
        **options: Arguments of `keras.layers.RNN`.
    """

    def __init__(self, cell, **options):
        super().__init__(cell, **options)
        if not self.trainable:
            cell.trainable = False
        self.supports_masking = True
        self.input_spec = keras.InputSpec(ndim=3)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        # Keras finds the mask of a layer before by itself only without `initial_state`.
        mask = mask_of(sequences) if mask is None else mask
        given = self.states if initial_state is None else initial_state
        if given is not None:
            self.cell.check_states(given, sequences.shape[0])
        if training and given is not None:
            given = keras.tree.flatten(given)
            # The weights of the cell's own initial state get a gradient of 0. Keras warns
            # of weights without a gradient.
            unused = self.cell.get_initial_state(ops.shape(sequences)[0])
            initial_state = [
                state + ops.cast(0 * other, state.dtype)
                for state, other in zip(given, unused, strict=True)
            ]
        return super().call(sequences, initial_state, mask, training)

    def reset_state(self):
        """Sets the states of a stateful layer to the cell's initial state."""
        if self.states is not None:
            initial = self.get_initial_state(self.states[0].shape[0])
            for state, value in zip(self.states, initial, strict=True):
                state.assign(value)

    def _with(self, **changes):
        """Returns a copy of this layer, weights included, with another configuration."""
        layer = type(self).from_config({**self.get_config(), **changes})
        if self.built:
            layer.build_from_config(self.get_build_config())
            layer.set_weights(self.get_weights())
            # Parts may have been frozen by themselves.
            for part, own in zip(inner_layers(layer), inner_layers(self), strict=True):
                part.trainable = own.trainable
        return layer

    def trace(self, sequences, initial_state=None, mask=None):
        """Runs the layer and returns a record of everything it does at every step.

        Args:
            sequences: Tensor of shape `(B, T, features)`, or a `keras.KerasTensor` to
                make the trace part of a model. If the model also calls the layer, it can
                save its weights, but be neither saved as a whole nor cloned. Use
                `keras_nm.layers.Tracer` beside such a model.
            initial_state: Optional list of states. Defaults to the cell's initial state.
            mask: Optional boolean tensor of shape `(B, T)`.

        Returns:
            A dict of tensors `(B, T, *shape)`, with the names and shapes of
            `cell.trace_shapes`, which the class documents. A masked step repeats the step
            before it, and is all zeros at the start. With `go_backwards`, the first entry
            is the last time step, as in the layer's output.

        Raises:
            ValueError: For inputs that are not sequences.

        Example:

        >>> import numpy as np, keras_nm
        >>> layer = keras_nm.layers.NTM(8, memory_shape=(32, 10))
        >>> trace = layer.trace(np.ones((4, 7, 9), "float32"))
        >>> tuple(trace["write_weightings"].shape)
        (4, 7, 1, 32)
        """
        if len(sequences.shape) != 3:
            raise ValueError(
                "`trace` takes sequences of shape (batch, timesteps, features). "
                f"Received shape: {tuple(sequences.shape)}"
            )
        if not self.built:
            self.build(sequences.shape)
        tracer = keras.layers.RNN(
            TraceCell(self.cell, self.cell.trace_shapes),
            return_sequences=True,
            go_backwards=self.go_backwards,
            dtype=self.cell.dtype_policy,
        )
        if initial_state is not None:
            self.cell.check_states(initial_state, sequences.shape[0])
            first = ops.zeros_like(sequences[:, 0, :1])
            first = ops.repeat(first, tracer.cell.output_size, axis=-1)
            initial_state = [first, *initial_state]
        mask = mask_of(sequences) if mask is None else mask
        # A call of the layer rounds like this.
        sequences, initial_state = keras.tree.map_structure(
            lambda x: self.dtype_policy.convert_input(x, self.autocast, self.input_dtype),
            (sequences, initial_state),
        )
        trace = tracer(sequences, initial_state=initial_state, mask=mask)
        return split(trace, self.cell.trace_shapes)

    def get_config(self):
        config = super().get_config()
        del config["cell"]
        config["activity_regularizer"] = keras.regularizers.serialize(
            self.activity_regularizer
        )
        return {**self.cell.get_config(), **config}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return from_machine_config(cls, config, custom_objects)


def at_least_float32(dtype):
    """Returns a dtype policy, or float32 if the policy computes in half precision."""
    policy = keras.dtype_policies.get(dtype)
    return "float32" if policy.compute_dtype in ("float16", "bfloat16") else policy


def from_machine_config(cls, config, custom_objects):
    """Returns the cell or layer of a class that has this configuration."""
    config = {**config}
    quantization = config.pop("quantization", {})
    if "controller" in config:
        config["controller"] = keras.saving.deserialize_keras_object(
            config["controller"], custom_objects=custom_objects
        )
    machine = cls(**config)
    quantize_as(getattr(machine, "cell", machine), quantization)
    return machine


def _state_sizes(controller):
    """Returns the flat state sizes of a cell, or an empty list for a feed-forward layer."""
    advice = (
        "`controller` must be a Keras RNN cell, such as keras.layers.LSTMCell(100), or "
        "a feed-forward Keras layer, such as "
        "keras.layers.Dense(100, activation='tanh'). "
    )
    if not isinstance(controller, keras.layers.Layer):
        raise ValueError(f"{advice}Received: controller={controller!r}")
    if isinstance(controller, keras.layers.RNN):
        raise ValueError(
            f"{advice}Received: the sequence layer {controller!r}. Instead, pass its cell"
        )
    sizes = keras.tree.flatten(getattr(controller, "state_size", []))
    if not all(isinstance(size, Integral) for size in sizes):
        raise ValueError(
            f"{advice}A cell's states must be vectors. "
            f"Received: a cell with state_size={controller.state_size!r}"
        )
    return sizes
