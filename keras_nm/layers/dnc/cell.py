"""One time step of the Differentiable Neural Computer (Graves et al. 2016,
doi 10.1038/nature20101).

Axes: B batch, N memory locations, W width of a location, R read heads, V write heads.
"""

import keras
from keras import ops

from keras_nm.arguments import (
    check_boolean,
    check_choice,
    check_fraction,
    check_integer,
    check_pair,
    check_positive,
)
from keras_nm.layers.choices import softmax
from keras_nm.layers.dnc.memory_access import access_memory
from keras_nm.layers.machine import MachineCell, in_form_of
from keras_nm.layers.tensors import flatten, split, total_size

KEY_STRENGTHS = ("oneplus", "softplus")
INITIAL_MEMORIES = ("zeros", "constant")

_CONSTANT_MEMORY = 1e-6


@keras.saving.register_keras_serializable(package="keras_nm")
class DNCCell(MachineCell):
    """One time step of a Differentiable Neural Computer: a cell for `keras.layers.RNN`.

    A controller sees the input and the vectors that the heads read one step before. A
    linear map of its output drives the heads. Write heads write to locations that they find
    by content, or to the least used ones. Read heads find locations by content, or follow
    the links between locations that were written one after the other. They can also free
    what they have read. Each step writes first and then reads. The output is a linear map
    of the controller's output and of the new read vectors (Graves et al. 2016, doi
    10.1038/nature20101, methods). `DNC` is the layer around this cell.

    By default, the cell computes the paper's equations, with clipped parameters. Locations
    whose usages differ by less than about 1 in 4,000 may count as used alike, and then the
    first of them is allocated before the others.

    Published implementations differ. These arguments give the main differences:

    =======================  ==============================================================
    implementation           arguments
    =======================  ==============================================================
    Graves et al. 2016       `parameter_clip=None`
    google-deepmind/dnc      `key_strength_activation="softplus"`, `parameter_clip=None`
    Csordás and Schmidhuber  any of `content_mask=True`, `deallocate_content=True` and
    2019                     `link_sharpening=True`. Their code has `mask_minimum=0.0`
                             but for one task
    ixaxaar/pytorch-dnc      `key_strength_activation="softplus"`,
                             `key_activation="tanh"`, `write_activation="tanh"`,
                             `usage_gradient=True`, `parameter_clip=None`
    Mostafa-Samir/DNC        `usage_gradient=True`, `initial_memory="constant"`,
                             `parameter_clip=None`
    rsDNC                    `temporal_links=False`
    =======================  ==============================================================

    The paper clips nothing. Google's code clips the controller's output and states, and the
    cell's output. Mostafa-Samir's begins with weightings and read vectors of 1e-6 as well.
    The order of the read modes is the paper's, also where an implementation has another.

    The cell computes in at least float32: under a half precision policy, its memory,
    weightings and links stay in float32. A controller with its own policy follows that
    policy.

    Args:
        units: Positive integer, the dimensionality of the output.
        memory_shape: Tuple `(num_locations, width)` of positive integers. Defaults to
            `(128, 20)`.
        controller: Any Keras RNN cell, or any feed-forward Keras layer from
            `(batch, features)` to `(batch, controller_units)`. Defaults to
            `keras.layers.LSTMCell(100)`.
        num_read_heads: Positive integer. Defaults to `1`.
        num_write_heads: Positive integer. Each write head has its own links, and each read
            head can follow all of them. Defaults to `1`.
        temporal_links: Boolean, whether read heads can follow links. Their memory and time
            grow with the square of the number of locations. Defaults to `True`.
        content_mask: Boolean, whether each head takes values out of its comparison of key
            and locations (Csordás and Schmidhuber 2019, section 3.1). Defaults to `False`.
        mask_minimum: Float in [0, 1), the least that a mask leaves of a value. Defaults to
            `0.1`.
        deallocate_content: Boolean, whether a location is also erased when it is freed
            (section 3.2 there). Otherwise, look-ups by content still find its content.
            Defaults to `False`.
        link_sharpening: Boolean, whether each read head sharpens what it finds by links
            (section 3.3 there). Defaults to `False`.
        key_strength_activation: `"oneplus"` (default), which is 1 plus the softplus, or
            `"softplus"`.
        key_activation: Activation of the keys. Defaults to `None`.
        write_activation: Activation of the write vectors. Defaults to `None`.
        usage_gradient: Boolean, whether gradients flow from the usage of locations to the
            write weightings that caused it. Defaults to `False`.
        initial_memory: `"zeros"` (default) or `"constant"` (1e-6 everywhere).
        parameter_clip: Positive float or `None`. The heads' raw parameters are clipped
            to plus or minus this number before their activations. Defaults to `20.0`.
        activation: Activation of the output. Defaults to `None`: logits.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        inputs: Tensor of shape `(batch, features)`.
        states: List of 2-D tensors `(batch, size)`: the last output, the controller's
            states, the read vectors, the weightings of the heads, the usage, the precedence
            and the links of each write head, and the memory. `named_states` returns them by
            name, in their own shapes. If you pass your own states, each weighting, each
            precedence and each row and column of links must sum to at most 1, and usages
            must be from 0 to 1: nothing normalizes them again.
        training: Boolean, passed to the controller.

    Raises:
        ValueError: For a number out of range, an unknown option, sharpening without links,
            or a controller that is neither a cell nor a layer.

    Example:

    >>> import numpy as np, keras, keras_nm
    >>> cell = keras_nm.layers.DNCCell(8, memory_shape=(32, 10), num_read_heads=2)
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
        temporal_links=True,
        content_mask=False,
        mask_minimum=0.1,
        deallocate_content=False,
        link_sharpening=False,
        key_strength_activation="oneplus",
        key_activation=None,
        write_activation=None,
        usage_gradient=False,
        initial_memory="zeros",
        parameter_clip=20.0,
        activation=None,
        **kwargs,
    ):
        super().__init__(controller, **kwargs)
        self.units = self.output_size = check_integer("units", units)
        self.memory_shape = check_pair(
            "memory_shape", memory_shape, ("num_locations", "width")
        )
        self.num_read_heads = check_integer("num_read_heads", num_read_heads)
        self.num_write_heads = check_integer("num_write_heads", num_write_heads)
        self.temporal_links = check_boolean("temporal_links", temporal_links)
        self.content_mask = check_boolean("content_mask", content_mask)
        self.mask_minimum = check_fraction("mask_minimum", mask_minimum)
        self.deallocate_content = check_boolean("deallocate_content", deallocate_content)
        self.link_sharpening = check_boolean("link_sharpening", link_sharpening)
        if self.link_sharpening and not self.temporal_links:
            raise ValueError(
                "Without links, there is nothing to sharpen. Received: "
                "link_sharpening=True, temporal_links=False. Use temporal_links=True, or "
                "link_sharpening=False"
            )
        self.key_strength_activation = check_choice(
            "key_strength_activation", key_strength_activation, KEY_STRENGTHS
        )
        self.key_activation = keras.activations.get(key_activation)
        self.write_activation = keras.activations.get(write_activation)
        self.usage_gradient = check_boolean("usage_gradient", usage_gradient)
        self.initial_memory = check_choice(
            "initial_memory", initial_memory, INITIAL_MEMORIES
        )
        if parameter_clip is not None:
            parameter_clip = check_positive("parameter_clip", parameter_clip)
        self.parameter_clip = parameter_clip
        self.activation = keras.activations.get(activation)

        self.interface_map = self._linear_map(
            "interface_map", total_size(self.interface_shapes)
        )
        self.output_map = self._linear_map("output_map", self.units)
        self.state_size = [
            self.units,
            *self._controller_state_sizes,
            self.num_read_heads * self.memory_shape[1],
            *(total_size({name: shape}) for name, shape in self._memory_shapes.items()),
        ]

    def default_controller(self):
        return keras.layers.LSTMCell(100, dtype=self.dtype_policy)

    @property
    def num_locations(self):
        """Integer, the number of memory locations."""
        return self.memory_shape[0]

    @property
    def interface_shapes(self):
        """Dict from each parameter of the heads to its shape, in the order of the map."""
        _, width = self.memory_shape
        num_read, num_write = self.num_read_heads, self.num_write_heads
        shapes = {
            "read_key": (num_read, width),
            "read_strength": (num_read, 1),
            "write_key": (num_write, width),
            "write_strength": (num_write, 1),
            "erase": (num_write, width),
            "write_vector": (num_write, width),
            "free_gate": (num_read, 1),
            "allocation_gate": (num_write, 1),
            "write_gate": (num_write, 1),
        }
        if self.temporal_links:
            # Backward along the links of each write head, by content, and forward.
            shapes["read_modes"] = (num_read, 1 + 2 * num_write)
        if self.content_mask:
            shapes["read_mask"] = (num_read, width)
            shapes["write_mask"] = (num_write, width)
        if self.link_sharpening:
            shapes["link_sharpening"] = (num_read, 2 * num_write)
        return shapes

    @property
    def _memory_shapes(self):
        """Dict from each state around the memory to the shape that the step takes."""
        num_locations, width = self.memory_shape
        num_write = self.num_write_heads
        shapes = {
            "read_weightings": (self.num_read_heads, num_locations),
            "write_weightings": (num_write, num_locations),
            "usage": (num_locations,),
        }
        if self.temporal_links:
            shapes["precedence"] = (num_write, num_locations)
            shapes["links"] = (num_write, num_locations, num_locations)
        return {**shapes, "memory": (width, num_locations)}

    @property
    def trace_shapes(self):
        """Dict from the name of each traced tensor to its shape per step."""
        return {
            "output": (self.units,),
            "reads": (self.num_read_heads, self.memory_shape[1]),
            **self._memory_shapes,
            "memory": self.memory_shape,
            "allocation": (self.num_write_heads, self.num_locations),
            **self.interface_shapes,
        }

    @property
    def state_names(self):
        """List of strings, one name per state."""
        return ["output", *self.controller_state_names, "reads", *self._memory_shapes]

    def build(self, input_shape):
        self._check_step_shape(input_shape)
        batch, features = input_shape
        reads_size = self.num_read_heads * self.memory_shape[1]
        controller_units = self._build_controller((batch, features + reads_size))
        self.interface_map.build((batch, controller_units))
        self.output_map.build((batch, controller_units + reads_size))

    def get_initial_state(self, batch_size=None):
        def full(size, value=0.0):
            return ops.full((batch_size, size), value, dtype=self.compute_dtype)

        memory = _CONSTANT_MEMORY if self.initial_memory == "constant" else 0.0
        first_of_memory = 1 + len(self._controller_state_sizes)
        return [
            full(self.units),
            *self.initial_controller_states(batch_size),
            *(full(size) for size in self.state_size[first_of_memory:-1]),
            full(self.state_size[-1], memory),
        ]

    def first_controller_inputs(self, step_input):
        size = self.num_read_heads * self.memory_shape[1]
        reads = ops.zeros((ops.shape(step_input)[0], size), dtype=self.compute_dtype)
        return ops.concatenate([step_input, reads], axis=-1)

    def named_states(self, states):
        """Returns states by name, in their own shapes.

        Args:
            states: List of tensors of shape `(B, size)`, as RNN returns and takes them, in
                the order of `state_names`.

        Returns:
            A dict: `"output"` `(B, units)`, one entry per controller state, `"reads"`
            `(B, R, W)`, `"read_weightings"` `(B, R, N)`, `"write_weightings"` `(B, V, N)`,
            `"usage"` `(B, N)`, with temporal links `"precedence"` `(B, V, N)` and `"links"`
            `(B, V, N, N)`, and `"memory"` `(B, N, W)`.
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
        """Brings the states around the memory into the shapes that the step computes with.

        Args:
            states: List of tensors of shape `(B, size)`, in the order of `state_names`.

        Returns:
            The list, with a memory `(B, W, N)` and the others as `named_states` documents
            them. `step` takes both kinds of list, and returns the kind that it was given.
        """
        num_others = len(states) - len(self._memory_shapes)
        shapes = self._memory_shapes.values()
        return [
            *states[:num_others],
            *(
                ops.reshape(state, (-1, *shape))
                for state, shape in zip(states[num_others:], shapes, strict=True)
            ),
        ]

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
        named = dict(zip(self.state_names, self.unflatten_states(states), strict=True))
        memory_states = {name: named[name] for name in self._memory_shapes}

        hidden, controller_states = self._run_controller(  # hidden: (B, controller_units)
            ops.concatenate([inputs, named["reads"]], axis=-1),
            [named[name] for name in self.controller_state_names],
            training,
        )
        parameters = self._head_parameters(self.interface_map(hidden))
        reads, memory_states, allocation = access_memory(
            memory_states,
            parameters,
            self.deallocate_content,
            self.usage_gradient,
            training,
        )

        flat_reads = flatten(reads)  # (B, R W)
        output = self.output_map(ops.concatenate([hidden, flat_reads], axis=-1))
        output = self.activation(output)  # (B, units)

        if trace is not None:
            trace.update(output=output, reads=reads, allocation=allocation)
            trace.update(parameters | memory_states)
            trace["memory"] = ops.transpose(trace["memory"], (0, 2, 1))  # (B, N, W)
        new_states = [output, *controller_states, flat_reads, *memory_states.values()]
        return output, in_form_of(new_states, states)

    def _head_parameters(self, raw_parameters):
        """Splits the linear map's output and maps each part into its range."""
        if self.parameter_clip is not None:
            raw_parameters = ops.clip(
                raw_parameters, -self.parameter_clip, self.parameter_clip
            )
        gate = keras.activations.sigmoid
        strength = _oneplus if self.key_strength_activation == "oneplus" else ops.softplus
        activations = {
            "read_key": self.key_activation,
            "read_strength": strength,
            "write_key": self.key_activation,
            "write_strength": strength,
            "erase": gate,
            "write_vector": self.write_activation,
            "free_gate": gate,
            "allocation_gate": gate,
            "write_gate": gate,
            "read_modes": softmax,
            "read_mask": self._mask,
            "write_mask": self._mask,
            "link_sharpening": _oneplus,
        }
        return {
            name: activations[name](part)
            for name, part in split(raw_parameters, self.interface_shapes).items()
        }

    def _mask(self, x):
        return self.mask_minimum + (1 - self.mask_minimum) * ops.sigmoid(x)

    def get_config(self):
        config = {
            "units": self.units,
            "memory_shape": self.memory_shape,
            "num_read_heads": self.num_read_heads,
            "num_write_heads": self.num_write_heads,
            "temporal_links": self.temporal_links,
            "content_mask": self.content_mask,
            "mask_minimum": self.mask_minimum,
            "deallocate_content": self.deallocate_content,
            "link_sharpening": self.link_sharpening,
            "key_strength_activation": self.key_strength_activation,
            "key_activation": keras.activations.serialize(self.key_activation),
            "write_activation": keras.activations.serialize(self.write_activation),
            "usage_gradient": self.usage_gradient,
            "initial_memory": self.initial_memory,
            "parameter_clip": self.parameter_clip,
            "activation": keras.activations.serialize(self.activation),
        }
        return {**super().get_config(), **config}


def _oneplus(x):
    return 1 + ops.softplus(x)
