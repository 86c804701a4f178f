"""One time step of the Neural Turing Machine (Graves, Wayne and Danihelka 2014,
arXiv 1410.5401).

Axes: B batch, N memory locations, W width of a location, R read heads,
H all heads (the read heads first, then the write heads).
"""

import keras
from keras import ops

from keras_nm.arguments import (
    check_choice,
    check_finite,
    check_fraction,
    check_integer,
    check_pair,
    check_positive,
)
from keras_nm.keras_internals import in_training_call
from keras_nm.layers.choices import softmax
from keras_nm.layers.eager import in_graph
from keras_nm.layers.machine import MachineCell, in_form_of
from keras_nm.layers.ntm import addressing
from keras_nm.layers.ntm.initial_state import (
    INITIAL_MEMORIES,
    INITIAL_READS,
    INITIAL_WEIGHTINGS,
    add_initial_weights,
    check_locations_differ,
    drawn_memories,
    initial_memory,
    initial_weightings,
)
from keras_nm.layers.ntm.memory_access import access_memory
from keras_nm.layers.tensors import flatten, split, total_size

ADDRESSING_MODES = ("content_and_location", "content")
STEP_ORDERS = ("read_first", "write_first")


@keras.saving.register_keras_serializable(package="keras_nm")
class NTMCell(MachineCell):
    """One time step of a Neural Turing Machine: a cell for `keras.layers.RNN`.

    A controller sees the input and the vectors that the heads read one step before. A
    linear map of its output drives read and write heads, which address a memory of N
    locations by content and by location (Graves et al. 2014, section 3). The output is a
    linear map of the controller's output and of the new read vectors. `NTM` is the layer
    around this cell.

    The cell computes in at least float32: under a half precision policy, its memory,
    weightings and norms stay in float32. A controller with its own policy follows that
    policy.

    Args:
        units: Positive integer, the dimensionality of the output.
        memory_shape: Tuple `(num_locations, width)` of positive integers. Defaults to
            `(128, 20)`, the paper's size.
        controller: Any Keras RNN cell, or any feed-forward Keras layer from
            `(batch, features)` to `(batch, controller_units)`. Defaults to
            `keras.layers.LSTMCell(100)`. The paper's feed-forward controller is
            `keras.layers.Dense(100, activation="tanh")`.
        num_read_heads: Positive integer. Defaults to `1`.
        num_write_heads: Positive integer. Each write head has its own erase and add
            vectors. Defaults to `1`.
        shift_range: Non-negative integer. A head shifts its focus by -shift_range to
            +shift_range locations in one step. Defaults to `1`.
        addressing: `"content_and_location"` (default), or `"content"`, which stops
            after equation 5: no gate, no shift, no sharpening.
        step_order: `"read_first"` (default) reads the memory of the step before;
            `"write_first"` reads the memory that this step wrote. In both, all heads
            address the memory of the step before.
        initial_memory: `"constant"` (1e-6 everywhere, default), `"drawn"`, `"random"`
            (drawn once, not trained) or `"learned"`. `"drawn"` makes locations differ, so
            that content can choose one, without weights that depend on their number. In
            training it draws a memory anew for each sequence, uniformly within
            1/sqrt(width). Otherwise every sequence begins with the same random memory, and
            outputs do not depend on the batch.
        initial_weighting: Where the heads start: `"focused"` on location 0 (default),
            `"uniform"`, or `"learned"`, which ties the weights to the number of
            locations.
        initial_read: The read vectors that the controller sees at the first step:
            `"learned"` (default) or `"zeros"`.
        key_activation: Activation of the key vectors. Defaults to `"tanh"`.
        add_activation: Activation of the add vectors. Defaults to `"tanh"`.
        key_strength_activation: A positive activation for the key strength. Defaults to
            `"softplus"`; `"exponential"` is the other common choice.
        key_strength_bias: Float, added to the clipped raw key strength before its
            activation. With softplus, training begins with a key strength of about 0.7 by
            default, at which a head attends to all locations nearly alike. With `4.0` it
            begins with about 4, and heads choose locations by content from the start.
            Defaults to `0.0`.
        activation: Activation of the output. Defaults to `None`: logits.
        parameter_clip: Positive float or `None`. The heads' raw parameters are clipped
            to plus or minus this number before their activations. Defaults to `20.0`.
        gradient_clip: Positive float. In training, the gradient of each element of the read
            vectors, weightings and memory is clipped to plus or minus this number in every
            step (Graves 2013, arXiv 1308.0850, section 2.1). Where sharpening makes a
            machine chaotic, gradients grow exponentially with the number of steps. The
            default, `1e6`, only keeps them finite. With about `1.0`, gradients from
            distant steps no longer drown those from near ones.
        sigmoid_epsilon: Float in [0, 1). Each sigmoid of the heads and of the output
            becomes `epsilon / 2 + (1 - epsilon) * sigmoid(x)`, which keeps it away from
            0, for logarithms. Defaults to `0.0`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        inputs: Tensor of shape `(batch, features)`.
        states: List of 2-D tensors `(batch, size)`: the last output, the controller's
            states, the read vectors, the weightings and the memory. `named_states`
            returns them by name, in their own shapes.
        training: Boolean, passed to the controller. If it is true, and the backend is
            TensorFlow or JAX, the heads have a hand-written gradient. It is faster than
            the automatic one, and obeys `gradient_clip`.

    Raises:
        ValueError: For a size that is not positive, an unknown option, a controller
            that is neither a cell nor a layer, or options under which all locations
            would stay alike forever.

    Example:

    >>> import numpy as np, keras, keras_nm
    >>> cell = keras_nm.layers.NTMCell(8, memory_shape=(32, 10), num_read_heads=2)
    >>> y = keras.layers.RNN(cell, return_sequences=True)(np.ones((4, 7, 9), "float32"))
    >>> tuple(y.shape)
    (4, 7, 8)
    """

    def __init__(
        self,
        units,
        memory_shape=(128, 20),
        controller=None,
        num_read_heads=1,
        num_write_heads=1,
        shift_range=1,
        addressing="content_and_location",
        step_order="read_first",
        initial_memory="constant",
        initial_weighting="focused",
        initial_read="learned",
        key_activation="tanh",
        add_activation="tanh",
        key_strength_activation="softplus",
        key_strength_bias=0.0,
        activation=None,
        parameter_clip=20.0,
        gradient_clip=1e6,
        sigmoid_epsilon=0.0,
        **kwargs,
    ):
        super().__init__(controller, **kwargs)
        self.units = check_integer("units", units)
        self.memory_shape = check_pair(
            "memory_shape", memory_shape, ("num_locations", "width")
        )
        self.num_read_heads = check_integer("num_read_heads", num_read_heads)
        self.num_write_heads = check_integer("num_write_heads", num_write_heads)
        self.shift_range = check_integer("shift_range", shift_range, minimum=0)
        self.addressing = check_choice("addressing", addressing, ADDRESSING_MODES)
        self.step_order = check_choice("step_order", step_order, STEP_ORDERS)
        self.initial_memory = check_choice(
            "initial_memory", initial_memory, INITIAL_MEMORIES
        )
        self.initial_weighting = check_choice(
            "initial_weighting", initial_weighting, INITIAL_WEIGHTINGS
        )
        self.initial_read = check_choice("initial_read", initial_read, INITIAL_READS)
        self.key_activation = keras.activations.get(key_activation)
        self.add_activation = keras.activations.get(add_activation)
        self.key_strength_activation = keras.activations.get(key_strength_activation)
        self.key_strength_bias = check_finite("key_strength_bias", key_strength_bias)
        self.activation = keras.activations.get(activation)
        if parameter_clip is not None:
            parameter_clip = check_positive("parameter_clip", parameter_clip)
        self.parameter_clip = parameter_clip
        self.gradient_clip = check_positive("gradient_clip", gradient_clip)
        self.sigmoid_epsilon = check_fraction("sigmoid_epsilon", sigmoid_epsilon)
        self._check_locations()
        if initial_memory == "drawn":
            self.seed_generator = keras.random.SeedGenerator()

        self.head_map = self._linear_map("head_map", total_size(self.head_shapes))
        self.output_map = self._linear_map("output_map", self.units)
        self._access_in_graph = in_graph(self._access)

        num_locations, width = self.memory_shape
        self.output_size = self.units
        self.state_size = [
            self.units,
            *self._controller_state_sizes,
            self.num_read_heads * width,
            self.num_heads * num_locations,
            width * num_locations,
        ]

    def default_controller(self):
        return keras.layers.LSTMCell(100, dtype=self.dtype_policy)

    def _check_locations(self):
        num_locations, _ = self.memory_shape
        by_location = self.addressing == "content_and_location"
        if by_location and 2 * self.shift_range + 1 > num_locations:
            raise ValueError(
                "`memory_shape` must have at least 2 * shift_range + 1 locations. "
                f"Received: shift_range={self.shift_range} with {num_locations} locations"
            )
        check_locations_differ(self.initial_memory, self.initial_weighting, self.addressing)

    @property
    def num_locations(self):
        """Integer, the number of memory locations."""
        return self.memory_shape[0]

    @property
    def num_heads(self):
        """Integer, the number of read and write heads."""
        return self.num_read_heads + self.num_write_heads

    @property
    def head_shapes(self):
        """Dict from each head parameter to its shape, in the order of the linear map."""
        _, width = self.memory_shape
        shapes = {"key": (self.num_heads, width), "key_strength": (self.num_heads, 1)}
        if self.addressing == "content_and_location":
            shapes["gate"] = (self.num_heads, 1)
            shapes["shift"] = (self.num_heads, 2 * self.shift_range + 1)
            shapes["sharpening"] = (self.num_heads, 1)
        shapes["erase"] = (self.num_write_heads, width)
        shapes["add"] = (self.num_write_heads, width)
        return shapes

    @property
    def trace_shapes(self):
        """Dict from the name of each traced tensor to its shape per step."""
        num_locations, width = self.memory_shape
        return {
            "output": (self.units,),
            "reads": (self.num_read_heads, width),
            "read_weightings": (self.num_read_heads, num_locations),
            "write_weightings": (self.num_write_heads, num_locations),
            "memory": (num_locations, width),
            **self.head_shapes,
        }

    @property
    def state_names(self):
        """List of strings, one name per state."""
        return ["output", *self.controller_state_names, "reads", "weightings", "memory"]

    def build(self, input_shape):
        self._check_step_shape(input_shape)
        batch, features = input_shape
        reads_size = self.num_read_heads * self.memory_shape[1]

        controller_units = self._build_controller((batch, features + reads_size))
        self.head_map.build((batch, controller_units))
        self.output_map.build((batch, controller_units + reads_size))
        self._initial_reads, self._initial_memory, self._initial_logits = (
            add_initial_weights(self)
        )

    def get_initial_state(self, batch_size=None):
        if not self.built:
            raise ValueError(
                "The initial state needs the weights: build the layer, or call it, before "
                "you ask for the initial state"
            )
        dtype = self.compute_dtype

        def repeat(row):
            row = ops.cast(ops.reshape(row, (1, -1)), dtype)
            return ops.ones((batch_size, 1), dtype=dtype) * row

        weightings = initial_weightings(  # (H, N)
            self.initial_weighting,
            self.num_heads,
            self.num_locations,
            self._initial_logits,
            dtype,
        )
        if self.initial_memory == "drawn" and in_training_call():
            memory = ops.cast(  # (B, W N)
                drawn_memories(batch_size, self.memory_shape, self.seed_generator), dtype
            )
        else:
            kind, weights = self.initial_memory, self._initial_memory
            memory = repeat(initial_memory(kind, self.memory_shape, weights, dtype))
        return [
            ops.zeros((batch_size, self.units), dtype=dtype),
            *self.initial_controller_states(batch_size),
            self._initial_read_states(batch_size),
            repeat(weightings),
            memory,
        ]

    def _initial_read_states(self, batch_size):
        size = self.num_read_heads * self.memory_shape[1]
        reads = ops.zeros((batch_size, size), dtype=self.compute_dtype)
        if self.initial_read == "learned":
            reads = reads + ops.cast(self._initial_reads, self.compute_dtype)
        return reads

    def first_controller_inputs(self, step_input):
        reads = self._initial_read_states(ops.shape(step_input)[0])
        return ops.concatenate([step_input, reads], axis=-1)

    def named_states(self, states):
        """Returns states by name, in their own shapes.

        Args:
            states: List of tensors of shape `(B, size)`, as RNN returns and takes them, in
                the order of `state_names`.

        Returns:
            A dict: `"output"` `(B, units)`, one entry per controller state, `"reads"`
            `(B, R, W)`, `"weightings"` `(B, H, N)` and `"memory"` `(B, N, W)`.
        """
        _, width = self.memory_shape
        named = super().named_states(states)
        named["reads"] = ops.reshape(named["reads"], (-1, self.num_read_heads, width))
        named["memory"] = ops.transpose(named["memory"], (0, 2, 1))
        return named

    def flat_states(self, named):
        memory = ops.transpose(named["memory"], (0, 2, 1))
        return super().flat_states({**named, "memory": memory})

    def unflatten_states(self, states):
        """Brings weightings and memory into the shapes that the step computes with.

        Args:
            states: List of tensors of shape `(B, size)`, in the order of `state_names`.

        Returns:
            The list, with weightings `(B, H, N)` and memory `(B, W, N)`. `step` takes
            both kinds of list, and returns the kind that it was given.
        """
        *others, weightings, memory = states
        num_locations, width = self.memory_shape
        weightings = ops.reshape(weightings, (-1, self.num_heads, num_locations))
        memory = ops.reshape(memory, (-1, width, num_locations))  # (B, W, N)
        return [*others, weightings, memory]

    def step(self, inputs, states, training=False, trace=None):
        """Runs one time step.

        Args:
            inputs: Tensor of shape `(B, features)`.
            states: List of tensors, flat or as `unflatten_states` returns them.
            training: Boolean.
            trace: Optional dict. The step puts a tensor into it for each of `trace_shapes`.

        Returns:
            The output `(B, units)`, and the list of new states, of the kind of `states`.
        """
        unflattened = self.unflatten_states(states)
        _, *controller_states, reads, weightings, memory = unflattened

        controller_inputs = ops.concatenate([inputs, reads], axis=-1)  # (B, features + R W)
        hidden, controller_states = self._run_controller(  # hidden: (B, controller_units)
            controller_inputs, controller_states, training
        )
        parameters, (reads, weightings, memory) = self._access_in_graph(
            self.head_map(hidden), memory, weightings, training
        )

        flat_reads = flatten(reads)  # (B, R W)
        output = self.output_map(ops.concatenate([hidden, flat_reads], axis=-1))
        output = self._activate(self.activation, output)  # (B, units)

        if trace is not None:
            trace.update(
                output=output,
                reads=reads,
                read_weightings=weightings[:, : self.num_read_heads],  # (B, R, N)
                write_weightings=weightings[:, self.num_read_heads :],  # (B, H - R, N)
                memory=ops.transpose(memory, (0, 2, 1)),  # (B, N, W)
                **parameters,
            )
        new_states = [output, *controller_states, flat_reads, weightings, memory]
        return output, in_form_of(new_states, states)

    def _access(self, raw_parameters, memory, weightings, training):
        """Returns the parameters of the heads, and what `access_memory` returns."""
        parameters = self._head_parameters(raw_parameters)
        return parameters, access_memory(
            memory,
            weightings,
            parameters,
            self.step_order,
            self.gradient_clip,
            training,
        )

    def _head_parameters(self, raw_parameters):
        """Splits the linear map's output and maps each part into its range."""
        if self.parameter_clip is not None:
            raw_parameters = ops.clip(
                raw_parameters, -self.parameter_clip, self.parameter_clip
            )
        activations = {
            "key": self.key_activation,
            "key_strength": lambda x: addressing.key_strength(
                self.key_strength_activation, x + self.key_strength_bias
            ),
            "gate": keras.activations.sigmoid,
            "shift": softmax,
            "sharpening": lambda x: 1 + ops.softplus(x),
            "erase": keras.activations.sigmoid,
            "add": self.add_activation,
        }
        return {
            name: self._activate(activations[name], part)
            for name, part in split(raw_parameters, self.head_shapes).items()
        }

    def _activate(self, activation, x):
        if activation is keras.activations.sigmoid and self.sigmoid_epsilon:
            return addressing.squeezed_sigmoid(x, self.sigmoid_epsilon)
        return activation(x)

    def get_config(self):
        config = {
            "units": self.units,
            "memory_shape": self.memory_shape,
            "num_read_heads": self.num_read_heads,
            "num_write_heads": self.num_write_heads,
            "shift_range": self.shift_range,
            "addressing": self.addressing,
            "step_order": self.step_order,
            "initial_memory": self.initial_memory,
            "initial_weighting": self.initial_weighting,
            "initial_read": self.initial_read,
            "key_activation": keras.activations.serialize(self.key_activation),
            "add_activation": keras.activations.serialize(self.add_activation),
            "key_strength_activation": keras.activations.serialize(
                self.key_strength_activation
            ),
            "key_strength_bias": self.key_strength_bias,
            "activation": keras.activations.serialize(self.activation),
            "parameter_clip": self.parameter_clip,
            "gradient_clip": self.gradient_clip,
            "sigmoid_epsilon": self.sigmoid_epsilon,
        }
        return {**super().get_config(), **config}
