"""One time step of the Stack-RNN (Joulin and Mikolov 2015, arXiv 1503.01007).

Axes: B batch, K stacks, P depth, W width of a cell, A actions.
"""

import keras
from keras import ops

from keras_nm.arguments import (
    check_boolean,
    check_choice,
    check_finite,
    check_integer,
    check_pair,
)
from keras_nm.keras_internals import in_training_call
from keras_nm.layers.choices import SELECTIONS, select, soft_in_training
from keras_nm.layers.machine import MachineCell, in_form_of
from keras_nm.layers.stack_rnn import stack
from keras_nm.layers.tensors import flatten

MEMORY_ORDERS = ("push_last", "push_first")
PUSHED_VALUES = ("mapped", "controller_output")


@keras.saving.register_keras_serializable(package="keras_nm")
class StackRNNCell(MachineCell):
    """One time step of a Stack-RNN: a cell for `keras.layers.RNN`.

    A controller sees the input and the tops of K stacks. From its output, linear maps
    decide what each stack does, PUSH, POP or NO-OP, and which value it pushes. An action is
    a share of each: the new stack is the mixture of the stack pushed, popped and left alone
    (Joulin and Mikolov 2015, section 3.2). The output is a linear map of the controller's
    output. `StackRNN` is the layer around this cell.

    Published implementations settle differently what the paper leaves open. These arguments
    give them:

    ======================  ===========  ====================================
    implementation          stack_shape  further arguments
    ======================  ===========  ====================================
    the paper's code        (200, 1)     `num_stacks=10`, `no_op=False`,
                                         `read_depth=2`, `empty_value=-1.0`,
                                         `use_bias=False`
    Chomsky benchmark       (128, 8)     `push_activation="linear"`
    DuSell and Chiang 2020  any          none, or
                                         `pushed_value="controller_output"`,
                                         `push_activation="linear"`
    Suzgun et al. 2019      (104, 5)     `no_op=False`
    ReLeaSE 2018            (200, 1500)  `push_activation="tanh"`,
                                         `memory_order="push_first"`
    ======================  ===========  ====================================

    Their controllers are, in this order: `Dense(40, "sigmoid", use_bias=False)`, or an
    Elman cell for recurrence beside the stacks; `SimpleRNNCell(256, "relu")`, or
    `LSTMCell(256)` with `readout_activation="relu"`; `LSTMCell`; `SimpleRNNCell(8)`; and
    `GRUCell(1500)`. The benchmark is that of Delétang et al. (2023). Its code mixes up the
    actions of several stacks, so it has one. DuSell and Chiang's stacks may have different
    widths, and grow with the sequence. Here they are alike, and have a fixed depth.

    Outputs are logits. The paper's code applies `activation="softmax"` to them, and Suzgun
    et al. `"sigmoid"`.

    The read enters the controller next to the input. In an Elman cell, this is the same as
    to add a linear map of it to the pre-activation.

    The cell computes in at least float32: under a half precision policy, its stacks stay in
    float32. A controller with its own policy follows that policy.

    Args:
        units: Positive integer, the dimensionality of the output.
        stack_shape: Pair `(depth, width)` of positive integers. Defaults to `(64, 8)`. A
            value that is pushed beyond the depth is lost.
        num_stacks: Positive integer. Defaults to `1`.
        controller: Any Keras RNN cell, or any feed-forward Keras layer from
            `(batch, features)` to `(batch, controller_units)`. Defaults to
            `keras.layers.SimpleRNNCell(100)`.
        read_depth: Positive integer, the number of topmost cells that the controller sees.
            Defaults to `1`.
        no_op: Boolean, whether NO-OP is one of the actions. Defaults to `True`.
        actions: How the logits become actions. `"soft"` (default) takes the softmax.
            `"discrete"` is the paper's rounding: the softmax in training, and otherwise the
            most likely action alone. `"straight_through"` takes the most likely action
            always, with the gradient of the softmax.
        pushed_value: `"mapped"` (default), a linear map of the controller's output, or
            `"controller_output"`, that output without a map. The width must then be its
            size.
        push_activation: Activation of the pushed values. Defaults to `"sigmoid"`.
        empty_value: Float, the content of an empty cell. Defaults to `0.0`.
        memory_order: `"push_last"` (default): the stacks move at the end of a step, after
            the controller has seen them. `"push_first"`: they move at the start of a step,
            as the controller's last output says, and then the controller sees them. Before
            the first step, this output is all zeros. So the two differ by one action at
            the start.
        readout_activation: Activation of the controller's output before the output map.
            Defaults to `None`.
        activation: Activation of the output. Defaults to `None`: logits.
        use_bias: Boolean, whether the cell's linear maps have biases. Defaults to `True`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        inputs: Tensor of shape `(batch, features)`.
        states: List of 2-D tensors `(batch, size)`: the last output, the controller's
            states, and the stacks. `named_states` returns them by name, in their own
            shapes.
        training: Boolean, passed to the controller.

    Raises:
        ValueError: For a size that is not positive, a `read_depth` beyond the depth, an
            unknown option, or a controller that is neither a cell nor a layer.

    Example:

    >>> import numpy as np, keras, keras_nm
    >>> cell = keras_nm.layers.StackRNNCell(8, stack_shape=(20, 4), num_stacks=2)
    >>> y = keras.layers.RNN(cell, return_sequences=True)(np.ones((4, 7, 9), "float32"))
    >>> tuple(y.shape)
    (4, 7, 8)
    """

    def __init__(
        self,
        units,
        stack_shape=(64, 8),
        num_stacks=1,
        controller=None,
        read_depth=1,
        no_op=True,
        actions="soft",
        pushed_value="mapped",
        push_activation="sigmoid",
        empty_value=0.0,
        memory_order="push_last",
        readout_activation=None,
        activation=None,
        use_bias=True,
        **kwargs,
    ):
        super().__init__(controller, **kwargs)
        self.units = self.output_size = check_integer("units", units)
        self.stack_shape = check_pair("stack_shape", stack_shape, ("depth", "width"))
        self.num_stacks = check_integer("num_stacks", num_stacks)
        self.read_depth = check_integer("read_depth", read_depth)
        if self.read_depth > self.depth:
            raise ValueError(
                "`read_depth` must be at most the depth of the stacks. Received: "
                f"read_depth={read_depth}, stack_shape={self.stack_shape}"
            )
        self.no_op = check_boolean("no_op", no_op)
        self.actions = check_choice("actions", actions, SELECTIONS)
        self.pushed_value = check_choice("pushed_value", pushed_value, PUSHED_VALUES)
        self.push_activation = keras.activations.get(push_activation)
        self.empty_value = check_finite("empty_value", empty_value)
        self.memory_order = check_choice("memory_order", memory_order, MEMORY_ORDERS)
        self.readout_activation = keras.activations.get(readout_activation)
        self.activation = keras.activations.get(activation)
        self.use_bias = check_boolean("use_bias", use_bias)

        depth, width = self.stack_shape
        self.num_actions = len(stack.ACTIONS) if self.no_op else len(stack.ACTIONS) - 1
        bias = {"use_bias": self.use_bias}
        self.action_map = self._linear_map(
            "action_map", self.num_stacks * self.num_actions, **bias
        )
        self.push_map = None
        if self.pushed_value == "mapped":
            self.push_map = self._linear_map("push_map", self.num_stacks * width, **bias)
        self.output_map = self._linear_map("output_map", self.units, **bias)
        self.state_size = [
            self.units,
            *self._controller_state_sizes,
            self.num_stacks * depth * width,
        ]

    def default_controller(self):
        return keras.layers.SimpleRNNCell(100, dtype=self.dtype_policy)

    @property
    def depth(self):
        """Integer, the number of cells of a stack."""
        return self.stack_shape[0]

    @property
    def _read_size(self):
        return self.num_stacks * self.read_depth * self.stack_shape[1]

    @property
    def trace_shapes(self):
        """Dict from the name of each traced tensor to its shape per step."""
        return {
            "output": (self.units,),
            "actions": (self.num_stacks, self.num_actions),
            "pushed_values": (self.num_stacks, self.stack_shape[1]),
            "stacks": (self.num_stacks, *self.stack_shape),
        }

    @property
    def state_names(self):
        """List of strings, one name per state."""
        return ["output", *self.controller_state_names, "stacks"]

    def build(self, input_shape):
        self._check_step_shape(input_shape)
        batch, features = input_shape
        units = self._build_controller((batch, features + self._read_size))
        if self.push_map is None and units != self.stack_shape[1]:
            raise ValueError(
                "With pushed_value='controller_output', the width of the stacks must be "
                "the size of the controller's output. Received: a width of "
                f"{self.stack_shape[1]}, and a controller with an output of size {units}"
            )
        for part in (self.action_map, self.push_map, self.output_map):
            if part is not None:
                part.build((batch, units))
        self._controller_units = units

    def get_initial_state(self, batch_size=None):
        dtype = self.compute_dtype
        stacks = ops.full((batch_size, self.state_size[-1]), self.empty_value, dtype=dtype)
        if self.memory_order == "push_first":
            if not self.built:
                raise ValueError(
                    "With memory_order='push_first', the initial state needs the weights: "
                    "build the layer, or call it, before you ask for the initial state"
                )
            nothing = ops.zeros((batch_size, self._controller_units), dtype=dtype)
            stacks = self._unflattened(stacks)
            _, _, stacks = self._move(nothing, stacks, in_training_call())
        return [
            ops.zeros((batch_size, self.units), dtype=dtype),
            *self.initial_controller_states(batch_size),
            flatten(stacks),
        ]

    def first_controller_inputs(self, step_input):
        empty = ops.full(
            (ops.shape(step_input)[0], self._read_size),
            self.empty_value,
            self.compute_dtype,
        )
        return ops.concatenate([step_input, empty], axis=-1)

    def named_states(self, states):
        """Returns states by name, in their own shapes.

        Args:
            states: List of tensors of shape `(B, size)`, as RNN returns and takes them, in
                the order of `state_names`.

        Returns:
            A dict: `"output"` `(B, units)`, one entry per controller state, and `"stacks"`
            `(B, K, P, W)`, the topmost cells first.
        """
        named = super().named_states(states)
        named["stacks"] = self._by_cell(named["stacks"])
        return named

    def unflatten_states(self, states):
        """Brings the stacks into the shape that the step computes with, `(B, K, P W)`.

        Args:
            states: List of tensors of shape `(B, size)`, in the order of `state_names`.

        Returns:
            The list. `step` takes both kinds of list, and returns the kind that it was
            given.
        """
        *others, stacks = states
        return [*others, self._unflattened(stacks)]

    def _unflattened(self, stacks):
        depth, width = self.stack_shape
        return ops.reshape(stacks, (-1, self.num_stacks, depth * width))

    def _by_cell(self, stacks):
        return ops.reshape(stacks, (-1, self.num_stacks, *self.stack_shape))

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
        _, *controller_states, stacks = self.unflatten_states(states)
        reads = stack.read(stacks, self.read_depth * self.stack_shape[1])
        hidden, controller_states = self._run_controller(  # hidden: (B, controller_units)
            ops.concatenate([inputs, reads], axis=-1), controller_states, training
        )
        actions, values, stacks = self._move(hidden, stacks, training)
        output = self.activation(self.output_map(self.readout_activation(hidden)))
        if trace is not None:
            trace.update(
                output=output,
                actions=actions,
                pushed_values=values,
                stacks=self._by_cell(stacks),
            )
        new_states = [output, *controller_states, stacks]
        return output, in_form_of(new_states, states)

    def _move(self, hidden, stacks, training):
        """Returns actions `(B, K, A)`, pushed values `(B, K, W)` and the new stacks."""
        logits = ops.reshape(
            self.action_map(hidden), (-1, self.num_stacks, self.num_actions)
        )
        actions = select(logits, soft_in_training(self.actions, training))  # (B, K, A)
        if self.push_map is None:
            values = ops.repeat(hidden[:, None], self.num_stacks, axis=1)  # (B, K, W)
        else:
            values = ops.reshape(  # (B, K, W)
                self.push_map(hidden), (-1, self.num_stacks, self.stack_shape[1])
            )
        values = self.push_activation(values)
        return actions, values, stack.move(stacks, actions, values, self.empty_value)

    def get_config(self):
        config = {
            "units": self.units,
            "stack_shape": self.stack_shape,
            "num_stacks": self.num_stacks,
            "read_depth": self.read_depth,
            "no_op": self.no_op,
            "actions": self.actions,
            "pushed_value": self.pushed_value,
            "push_activation": keras.activations.serialize(self.push_activation),
            "empty_value": self.empty_value,
            "memory_order": self.memory_order,
            "readout_activation": keras.activations.serialize(self.readout_activation),
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
        }
        return {**super().get_config(), **config}
