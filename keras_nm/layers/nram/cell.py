"""One time step of the Neural Random-Access Machine (Kurach, Andrychowicz and Sutskever
2016, arXiv 1511.06392).

Axes: B batch, M size of the tape and of the integers, R registers, S slots
(one per gate of a time step; the paper's Q), G gates to choose from.
"""

import keras
from keras import ops

from keras_nm.arguments import (
    check_boolean,
    check_choice,
    check_epsilon,
    check_finite,
    check_integer,
    check_positive,
)
from keras_nm.layers.choices import SELECTIONS
from keras_nm.layers.eager import in_graph
from keras_nm.layers.gradients import clip_gradient
from keras_nm.layers.machine import MachineCell, in_form_of
from keras_nm.layers.nram.checks import check_sizes, check_tape, fuzzy_tape, poison
from keras_nm.layers.nram.choices import ZerosAndLast, mean_entropy, select
from keras_nm.layers.nram.gates import DEFAULT_GATES, run_gate, run_mixture, slots_of
from keras_nm.layers.tensors import flatten, split, total_size


@keras.saving.register_keras_serializable(package="keras_nm")
class NRAMCell(MachineCell):
    """One time step of a Neural Random-Access Machine: a cell for `keras.layers.RNN`.

    Each of the R registers holds a distribution over the integers 0 to M - 1, and so does
    each of the M cells of the tape. A controller sees only the probabilities that the
    registers are 0. It chooses the sources of each gate among the registers and the
    outputs of earlier gates. It then chooses the next content of each register, and
    whether to stop (Kurach et al. 2016, section 3). No weight depends on M. `NRAM` is the
    layer around this cell.

    The cell computes in at least float32, whatever the dtype policy.

    Args:
        num_registers: Positive integer, the number of registers R.
        controller: Any Keras RNN cell, or any feed-forward Keras layer. Defaults to the
            paper's two hidden ReLU layers, with 32 units each. The paper's other
            controller, an LSTM with a hidden layer before it, is
            `keras_nm.layers.ChainedCell([keras.layers.Dense(32, activation="relu"),
            keras.layers.LSTMCell(32)])`.
        gates: Names of the gates of a time step, in order. Defaults to the paper's 14,
            `keras_nm.layers.gates.DEFAULT_GATES`. `gates.register_gate` adds others.
        gate_repeats: Positive integer, the number of times that a step runs the list.
            Defaults to 1.
        num_slots: `None` (default): each gate runs in its place, as in the paper. An
            integer S: the controller also chooses the gate that runs in each of S slots,
            by a softmax over the outputs of all gates. `gate_repeats` must then be 1.
        selection: How the controller's logits become choices. `"soft"` (default) takes
            the softmax; `"discrete"` takes the one-hot argmax, without a gradient;
            `"straight_through"` has the values of `"discrete"` and the gradient of
            `"soft"`. With the last two, stopping is also all or nothing, at f > 1/2. A
            wrong cell then gives the answer a probability of exactly 0, where the
            logarithm in a loss has no gradient: use them late in training.
        activation_gradient_clip: Positive float or `None`. In training, the gradients of
            logits, gate outputs, registers and tape are clipped to plus or minus this
            number where they pass through the machine. Defaults to `1.0`.
        renormalize: Boolean, whether to divide registers and tape by their sums after
            each step. Gradients ignore the division. Without it, gates multiply rounding
            errors, and a soft machine breaks down after about twenty steps. Defaults to
            `True`.
        epsilon: Float of at least 1.2e-38. Logarithms of the tape are
            `log(max(x, epsilon))`. Defaults to `1e-10`.
        stop_bias: Float, the initial bias of the stopping logit. At -4, a machine at first
            stops with a probability of 0.02. Writing nonsense costs more than stopping at
            once, and a machine that has learned to stop at once learns nothing else.
            Defaults to `0.0`.
        num_replicas: `None` (default), or the number K of independent machines with these
            settings, each with its own weights, see `Replicated`. The first `batch / K`
            tapes belong to the first machine, and so on, so call `fit` with
            `shuffle=False`. The loss must be a mean over the batch:
            `activation_gradient_clip` then applies to each machine's own loss.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        inputs: Tensor of shape `(batch, 1)`: 1 where the machine must stop after this
            step, otherwise 0.
        states: List of 2-D tensors `(batch, size)`, before the first step
            `initial_states(tape)`: the last output, the controller's states, the
            probability of still running, the expected number of steps, the registers, the
            tape, the expected tape and the expected log-tape. `named_states` returns them
            by name, in their own shapes.
        training: Boolean, passed to the controller.

    Output:
        The stopping mass `(batch, 1)`: the probability p_t of stopping after this step.

    Raises:
        ValueError: For a size that is not positive, an unknown option or gate, or a
            controller that is neither a cell nor a layer.

    Example:

    >>> import numpy as np, keras, keras_nm
    >>> cell = keras_nm.layers.NRAMCell(num_registers=4)
    >>> must_stop = np.array([[[0.0], [0.0], [1.0]]], "float32")  # (1, 3, 1)
    >>> states = cell.initial_states(np.array([[3, 1, 4, 1, 5, 0]]))
    >>> layer = keras.layers.RNN(cell, return_sequences=True)
    >>> stopping_mass = layer(must_stop, initial_state=states)
    >>> round(float(keras.ops.sum(stopping_mass)), 5)
    1.0
    """

    can_be_replicated = True

    def __init__(
        self,
        num_registers,
        controller=None,
        gates=DEFAULT_GATES,
        gate_repeats=1,
        num_slots=None,
        selection="soft",
        activation_gradient_clip=1.0,
        renormalize=True,
        epsilon=1e-10,
        stop_bias=0.0,
        num_replicas=None,
        **kwargs,
    ):
        super().__init__(controller, num_replicas, **kwargs)
        self.num_registers = check_integer("num_registers", num_registers)
        self.slots = slots_of(gates, gate_repeats, num_slots)
        self.gates = tuple(gates)
        self.gate_repeats = int(gate_repeats)
        self.num_slots = None if num_slots is None else int(num_slots)
        self.selection = check_choice("selection", selection, SELECTIONS)
        if activation_gradient_clip is not None:
            activation_gradient_clip = check_positive(
                "activation_gradient_clip", activation_gradient_clip
            )
        self.activation_gradient_clip = activation_gradient_clip
        self.renormalize = check_boolean("renormalize", renormalize)
        self.epsilon = check_epsilon(epsilon)
        self.stop_bias = check_finite("stop_bias", stop_bias)

        self.circuit_map = self._linear_map(
            "circuit_map",
            total_size(self.circuit_shapes),
            # Stopping is the last of the choices.
            bias_initializer=ZerosAndLast(self.stop_bias),
        )
        self._advance_in_graph = in_graph(self._advance)
        self.output_size = 1
        # The sizes that depend on M are known only once there is a tape.
        self.state_size = [1, *self._controller_state_sizes, 1, 1, None, None, None, None]

    def default_controller(self):
        return keras.Sequential(
            [
                keras.layers.Dense(32, activation="relu", dtype=self.dtype_policy)
                for _ in range(2)
            ]
        )

    @property
    def circuit_shapes(self):
        """Dict from each of the controller's choices to the shape of its logits.

        The last axis runs over the options: registers and earlier outputs for the
        arguments of a slot, registers and all outputs for `"registers"`, gates for
        `"gates"`. `"stop"` is a single logit.
        """
        shapes = {}
        for index, (name, gates) in enumerate(self.slots.items()):
            num_arguments = max(gate.num_arguments for gate in gates)
            if num_arguments:
                shapes[name] = (num_arguments, self.num_registers + index)
        if self.num_slots is not None:
            shapes["gates"] = (self.num_slots, len(self.gates))
        shapes["registers"] = (self.num_registers, self.num_registers + len(self.slots))
        shapes["stop"] = (1,)
        return shapes

    def trace_shapes(self, size):
        """Returns a dict from each traced tensor's name to its shape per step, at M."""
        num_slots = len(self.slots)
        num_sources = self.num_registers + num_slots
        shapes = {
            "tape": (size, size),
            "registers": (self.num_registers, size),
            "arguments": (num_slots, 2, size),
            "outputs": (num_slots, size),
            "argument_selection": (num_slots, 2, num_sources),
            "register_selection": (self.num_registers, num_sources),
            "stop": (1,),
            "stopping_mass": (1,),
        }
        if self.num_slots is not None:
            shapes["gate_selection"] = (num_slots, len(self.gates))
        return shapes

    @property
    def state_names(self):
        """List of strings, one name per state."""
        return [
            "stopping_mass",
            *self.controller_state_names,
            "running",
            "num_steps",
            "registers",
            "tape",
            "expected_tape",
            "expected_log_tape",
        ]

    def build(self, input_shape):
        if len(input_shape) != 2 or input_shape[-1] != 1:
            raise ValueError(
                "NRAMCell takes inputs of shape (batch, 1), which say whether the machine "
                f"must stop. Received: an input of shape {tuple(input_shape)}. For whole "
                "runs, use keras_nm.layers.NRAM"
            )
        units = self._build_controller((None, self.num_registers))
        self.circuit_map.build((None, units))

    def initial_states(self, tape):
        """Returns the states before the first step: this tape, and 0 in all registers.

        Args:
            tape: Integers `(B, M)` or distributions `(B, M, M)`.

        Returns:
            List of tensors `(B, size)`, in the order of `state_names`.

        Raises:
            ValueError: For an invalid tape, or one that is too small for the gates.
        """
        valid = check_tape(tape) & check_sizes(tape, self.slots.values())
        tape = poison(fuzzy_tape(tape, self.compute_dtype), valid)  # (B, M, M)
        batch_size, size = ops.shape(tape)[0], ops.shape(tape)[1]
        ones = ops.ones((batch_size, 1), dtype=tape.dtype)  # (B, 1)
        nothing = flatten(ops.zeros_like(tape))  # (B, M * M)
        zero = ops.cast(ops.arange(size) == 0, tape.dtype)  # (M,)
        return [
            ops.zeros_like(ones),
            *self.initial_controller_states(batch_size),
            poison(ones, valid),
            ops.zeros_like(ones),
            ones * ops.tile(zero, (self.num_registers,)),  # (B, R * M)
            flatten(tape),
            nothing,
            nothing,
        ]

    def get_initial_state(self, batch_size=None):
        raise ValueError(
            "The tape is one of this cell's states: pass "
            "initial_state=cell.initial_states(tape) to keras.layers.RNN, or use "
            "keras_nm.layers.NRAM"
        )

    def first_controller_inputs(self, step_input):
        # All registers hold 0 before the first step.
        return ops.ones((ops.shape(step_input)[0], self.num_registers), self.compute_dtype)

    def unflatten_states(self, states):
        """Brings the states into the shapes that the step computes with.

        Args:
            states: List of tensors of shape `(B, size)`, in the order of `state_names`.

        Returns:
            The list, with registers `(B, R, M)` and the three tapes `(B, M, M)`. `step`
            takes both kinds of list, and returns the kind that it was given.
        """
        *others, registers, tape, expected, expected_log = states
        if len(registers.shape) == 2:
            batch_size, flat_size = ops.shape(registers)
            size = flat_size // self.num_registers
            registers = ops.reshape(registers, (batch_size, self.num_registers, size))
            tape, expected, expected_log = (
                ops.reshape(x, (batch_size, size, size))
                for x in (tape, expected, expected_log)
            )
        return [*others, registers, tape, expected, expected_log]

    def step(self, inputs, states, training=False, trace=None, selection=None):
        """Runs one time step.

        Args:
            inputs: Tensor of shape `(B, 1)`, 1 where the machine must stop.
            states: List of tensors, as from `initial_states` or `unflatten_states`.
            training: Boolean.
            trace: Optional dict. The step puts a tensor into it for each of `trace_shapes`.
                Training does not keep what happens between gates: there, the tensors are
                the tape, the registers, `"stop"`, the stopping mass and the choices'
                `"entropy"`.
            selection: `None`, or a selection to use instead of the cell's own.

        Returns:
            The stopping mass `(B, 1)`, and the list of new states, of the kind of `states`.
        """
        selection = self.selection if selection is None else selection
        (
            _,
            *controller_states,
            running,
            num_steps,
            registers,
            tape,
            expected,
            expected_log,
        ) = self.unflatten_states(states)
        logits, controller_states = self.run_controller(
            registers[:, :, 0], controller_states, training
        )
        stopping_mass, new_states, acts = self._advance_in_graph(
            logits,
            inputs,
            [running, num_steps, registers, tape, expected, expected_log],
            selection,
            training,
        )
        if trace is not None:
            trace.update(acts)
        new_states = [stopping_mass, *controller_states, *new_states]
        return stopping_mass, in_form_of(new_states, states)

    def _advance(self, logits, must_stop, states, selection, training):
        """Runs the rest of a step, after the controller.

        Args:
            logits: Tensor `(B, size)`, in the layout of `circuit_shapes`.
            must_stop: Tensor `(B, 1)`.
            states: List of the states that are not the controller's, in their own shapes.
            selection: One of `SELECTIONS`.
            training: Boolean.

        Returns:
            The stopping mass, the list of new states, and a dict of what to trace.
        """
        running, num_steps, registers, tape, expected, expected_log = states
        logits = self._guard(logits, training)

        def act(logits, registers, tape):
            choices, stop = select(logits, self.circuit_shapes, selection)
            return self._act(choices, registers, tape, training), stop

        # The backward pass recomputes the tapes of a step instead of storing them. It also
        # recomputes the choices: XLA reads what enters a recomputation slowly.
        act = keras.remat(act) if training else act
        (registers, tape, acts), stop = act(logits, registers, tape)

        # p_t = f_t prod_{i<t} (1 - f_i), with f_T = 1 at the last step.
        stop = stop + (1 - stop) * must_stop  # (B, 1)
        stopping_mass = stop * running  # (B, 1)

        acts.update(tape=tape, registers=registers, stop=stop, stopping_mass=stopping_mass)
        if training:
            acts["entropy"] = mean_entropy(logits, self.circuit_shapes, self.epsilon)
        mass = stopping_mass[:, :, None]  # (B, 1, 1)
        log_tape = ops.log(ops.maximum(tape, self.epsilon))  # (B, M, M)
        new_states = [
            running * (1 - stop),  # (B, 1)
            num_steps + running,  # (B, 1)
            registers,  # (B, R, M)
            tape,  # (B, M, M)
            expected + mass * tape,  # (B, M, M)
            expected_log + mass * log_tape,  # (B, M, M)
        ]
        return stopping_mass, new_states, acts

    def _act(self, choices, registers, tape, training):
        """Runs the gates and sets the registers, as the controller chose.

        Args:
            choices: Dict of tensors, as `select` returns it.
            registers: Tensor `(B, R, M)`.
            tape: Tensor `(B, M, M)`.
            training: Boolean.

        Returns:
            The new registers, the new tape, and a dict of the gates' arguments, outputs and
            choices. In training, the dict is empty.
        """
        arguments, sources, tape = self._run_gates(choices, registers, tape, training)
        registers = ops.matmul(choices["registers"], sources)  # (B, R, M)
        acts = {}
        if not training:
            acts = {
                "arguments": _in_pairs(arguments, like=sources[:, 0]),
                "outputs": sources[:, self.num_registers :],
                "argument_selection": self._argument_selection(choices),
                "register_selection": choices["registers"],
            }
            if self.num_slots is not None:
                acts["gate_selection"] = choices["gates"]
        registers = self._guard(self._renormalized(registers), training)
        tape = self._guard(self._renormalized(tape), training)
        return registers, tape, acts

    def run_controller(self, zeros, states, training=False):
        """Runs the controller on the registers and maps its output to logits.

        Args:
            zeros: Tensor `(B, R)`, the probabilities that the registers are 0.
            states: List of tensors, the controller's states.
            training: Boolean.

        Returns:
            The logits of all choices `(B, size)`, and the list of new states.
        """
        hidden, states = self._run_controller(zeros, states, training)
        return self.circuit_map(hidden), states

    def split_logits(self, logits):
        """Splits logits `(B, size)` into a dict, as `circuit_shapes` has it."""
        return split(logits, self.circuit_shapes)

    def _run_gates(self, choices, registers, tape, training):
        """Returns the arguments per slot, all sources `(B, R + S, M)`, and the tape."""
        sources = registers  # (B, R, M), then one more row per slot
        all_arguments = []
        for index, (name, gates) in enumerate(self.slots.items()):
            arguments = []  # each (B, M)
            if name in choices:
                mixed = ops.matmul(choices[name], sources)  # (B, 1 or 2, M)
                arguments = ops.unstack(mixed, axis=1)
            if self.num_slots is None:
                output, tape = run_gate(gates[0], tape, arguments)
            else:
                weights = choices["gates"][:, index]  # (B, G)
                output, tape = run_mixture(gates, weights, tape, arguments)
            output = self._guard(output, training)
            output = ops.expand_dims(output, axis=1)  # (B, 1, M)
            sources = ops.concatenate([sources, output], axis=1)
            all_arguments.append(arguments)
        return all_arguments, sources, tape

    def _argument_selection(self, choices):
        """Stacks the choices of all slots, padded with zeros: `(B, S, 2, R + S)`."""
        like = choices["registers"][:, 0]  # (B, R + S)
        chosen = []
        for name in self.slots:
            rows = ops.unstack(choices[name], axis=1) if name in choices else []
            chosen.append([_padded(row, like.shape[1]) for row in rows])
        return _in_pairs(chosen, like)

    def _renormalized(self, distributions):
        if not self.renormalize:
            return distributions
        exact = distributions / ops.sum(distributions, axis=-1, keepdims=True)
        return distributions + ops.stop_gradient(exact - distributions)

    def _guard(self, x, training):
        # Outside of training, gradients stay exact.
        if not training or self.activation_gradient_clip is None:
            return x
        # The loss is a mean over K replicas, so each has only 1 / K of its gradient.
        return clip_gradient(x, self.activation_gradient_clip / (self.num_replicas or 1))

    def get_config(self):
        config = {
            "num_registers": self.num_registers,
            "gates": self.gates,
            "gate_repeats": self.gate_repeats,
            "num_slots": self.num_slots,
            "selection": self.selection,
            "activation_gradient_clip": self.activation_gradient_clip,
            "renormalize": self.renormalize,
            "epsilon": self.epsilon,
            "stop_bias": self.stop_bias,
            "num_replicas": self.num_replicas,
        }
        return {**super().get_config(), **config}


def _in_pairs(arguments, like):
    """Stacks the arguments of all slots, and zeros where there is none: `(B, S, 2, M)`."""
    zeros = ops.zeros_like(like)  # (B, M)
    pairs = [[*slot, zeros, zeros][:2] for slot in arguments]
    return ops.stack([ops.stack(pair, axis=1) for pair in pairs], axis=1)


def _padded(x, size):
    """Pads a tensor with zeros at the end of its last axis, up to a size."""
    return ops.pad(x, [[0, 0], [0, size - x.shape[1]]])
