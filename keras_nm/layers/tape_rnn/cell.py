"""One time step of the Tape-RNN (Delétang et al. 2023, arXiv 2207.02098).

Axes: B batch, K tapes, N locations, W width of a location, A moves.
"""

from numbers import Integral

import keras
from keras import ops

from keras_nm.arguments import (
    check_boolean,
    check_choice,
    check_integer,
    check_integers,
    check_pair,
)
from keras_nm.layers.choices import SELECTIONS, select, soft_in_training
from keras_nm.layers.machine import MachineCell, in_form_of
from keras_nm.layers.tape_rnn import tape


@keras.saving.register_keras_serializable(package="keras_nm")
class TapeRNNCell(MachineCell):
    """One time step of a Tape-RNN: a cell for `keras.layers.RNN`.

    A controller sees the input and what is under the heads of K tapes. A small network maps
    its output to the values that it writes there, in place of what it read. Then each tape
    moves under its head: the new tape is a mixture of the tape after each move (Delétang et
    al. 2023, appendix A.2). The output is a linear map of the controller's output.
    `TapeRNN` is the layer around this cell. It is a differentiable relative of the Baby-NTM
    (Suzgun et al. 2019, arXiv 1911.03329).

    A tape is a ring of N locations: what leaves it at one end enters at the other.

    A jump moves a tape by the length of the input, which the cell is told at every step, in
    a channel of its own. As in the benchmark's code, it knows the length before the input
    ends, and the controller does not see it.

    The cell computes in at least float32: under a half precision policy, its tapes stay in
    float32. A controller with its own policy follows that policy.

    Args:
        units: Positive integer, the dimensionality of the output.
        tape_shape: Pair `(num_locations, width)` of positive integers. Defaults to
            `(64, 8)`.
        num_tapes: Positive integer. Defaults to `1`.
        controller: Any Keras RNN cell, or any feed-forward Keras layer from
            `(batch, features)` to `(batch, controller_units)`. Defaults to
            `keras.layers.SimpleRNNCell(100)`.
        moves: Names of the moves, in the order of their logits: two or more of `"stay"`,
            `"left"`, `"right"`, `"jump_left"` and `"jump_right"`. They say where the
            contents of the tape go: after `"left"`, the head is at the location to the
            right. Defaults to the first three. The paper has all five.
        length_channel: The index of the input channel that holds how far a jump leads, a
            number of locations. Needed for jumps. Defaults to `None`: there is no such
            channel. In bfloat16, inputs are exact up to 256.
        actions: How the logits become moves. `"soft"` (default) takes the softmax.
            `"discrete"` takes the softmax in training, and otherwise the most likely move
            alone. `"straight_through"` takes the most likely move always, with the gradient
            of the softmax.
        jumps_write: Boolean, whether a value is also written before a jump, as in the
            benchmark's code. In its paper, jumps do not write. Defaults to `True`.
        write_units: Tuple of positive integers, the hidden ReLU layers between the
            controller's output and the written values. Defaults to `(64, 64)`.
        readout_activation: Activation of the controller's output before the output map.
            Defaults to `None`. The benchmark has `"relu"`.
        activation: Activation of the output. Defaults to `None`: logits.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        inputs: Tensor of shape `(batch, features)`.
        states: List of 2-D tensors `(batch, size)`: the last output, the controller's
            states and the tapes. `named_states` returns them by name, in their own shapes.
        training: Boolean, passed to the controller.

    Raises:
        ValueError: For a size that is not positive, an unknown or repeated move, jumps
            without a `length_channel` or the reverse, an unknown option, or a controller
            that is neither a cell nor a layer.

    Example:

    >>> import numpy as np, keras, keras_nm
    >>> cell = keras_nm.layers.TapeRNNCell(
    ...     8, tape_shape=(20, 4), moves=("left", "right", "jump_left"), length_channel=-1
    ... )
    >>> lengths = np.full((4, 7, 1), 5.0)  # each input has 5 steps, and its answer 2
    >>> x = np.concatenate([np.ones((4, 7, 9)), lengths], axis=-1)
    >>> y = keras.layers.RNN(cell, return_sequences=True)(x)
    >>> tuple(y.shape)
    (4, 7, 8)
    """

    def __init__(
        self,
        units,
        tape_shape=(64, 8),
        num_tapes=1,
        controller=None,
        moves=tuple(tape.STEPS),
        length_channel=None,
        actions="soft",
        jumps_write=True,
        write_units=(64, 64),
        readout_activation=None,
        activation=None,
        **kwargs,
    ):
        super().__init__(controller, **kwargs)
        self.units = self.output_size = check_integer("units", units)
        self.tape_shape = check_pair("tape_shape", tape_shape, ("num_locations", "width"))
        self.num_tapes = check_integer("num_tapes", num_tapes)
        if not isinstance(moves, (list, tuple)):
            raise ValueError(
                f"`moves` must be a list or tuple of names. Received: moves={moves!r}"
            )
        self.moves = tuple(check_choice("moves", move, tape.MOVES) for move in moves)
        if len(self.moves) < 2 or len(set(self.moves)) < len(self.moves):
            raise ValueError(
                "`moves` must be at least two different moves. "
                f"Received: moves={tuple(moves)}"
            )
        is_index = isinstance(length_channel, Integral)
        if length_channel is not None and (
            not is_index or isinstance(length_channel, bool)
        ):
            raise ValueError(
                "`length_channel` must be the index of an input channel, such as -1 for "
                f"the last one, or None. Received: length_channel={length_channel!r}"
            )
        self.length_channel = None if length_channel is None else int(length_channel)
        if self.has_jumps != (length_channel is not None):
            raise ValueError(
                "Jumps need a `length_channel`, the input channel that says how far they "
                "lead, and other moves have no use for it. "
                f"Received: moves={self.moves}, length_channel={length_channel}"
            )
        self.actions = check_choice("actions", actions, SELECTIONS)
        self.jumps_write = check_boolean("jumps_write", jumps_write)
        self.write_units = check_integers("write_units", write_units)
        self.readout_activation = keras.activations.get(readout_activation)
        self.activation = keras.activations.get(activation)

        num_locations, width = self.tape_shape
        self.move_map = self._linear_map("move_map", self.num_tapes * len(self.moves))
        self.write_maps = [
            *(
                self._linear_map(f"write_map_{index}", size, activation="relu")
                for index, size in enumerate(self.write_units)
            ),
            self._linear_map("write_map", self.num_tapes * width),
        ]
        self.output_map = self._linear_map("output_map", self.units)
        self.state_size = [
            self.units,
            *self._controller_state_sizes,
            self.num_tapes * num_locations * width,
        ]

    def default_controller(self):
        return keras.layers.SimpleRNNCell(100, dtype=self.dtype_policy)

    @property
    def num_locations(self):
        """Integer, the number of locations of a tape."""
        return self.tape_shape[0]

    @property
    def has_jumps(self):
        """Boolean, whether one of the moves is a jump."""
        return any(move in tape.JUMPS for move in self.moves)

    @property
    def trace_shapes(self):
        """Dict from the name of each traced tensor to its shape per step."""
        shapes = {
            "output": (self.units,),
            "moves": (self.num_tapes, len(self.moves)),
            "written_values": (self.num_tapes, self.tape_shape[1]),
            "tapes": (self.num_tapes, *self.tape_shape),
        }
        return {**shapes, "jump_length": (1,)} if self.has_jumps else shapes

    @property
    def state_names(self):
        """List of strings, one name per state."""
        return ["output", *self.controller_state_names, "tapes"]

    def build(self, input_shape):
        self._check_step_shape(input_shape)
        batch, features = input_shape
        if self.has_jumps:
            if not -features <= self.length_channel < features:
                raise ValueError(
                    f"`length_channel` must be the index of one of the {features} input "
                    f"channels. Received: length_channel={self.length_channel}"
                )
            features -= 1  # the controller does not see it
        width = self.tape_shape[1]
        units = self._build_controller((batch, features + self.num_tapes * width))
        self.move_map.build((batch, units))
        self.output_map.build((batch, units))
        for part, size in zip(self.write_maps, (units, *self.write_units), strict=True):
            part.build((batch, size))

    def get_initial_state(self, batch_size=None):
        dtype = self.compute_dtype
        return [
            ops.zeros((batch_size, self.units), dtype=dtype),
            *self.initial_controller_states(batch_size),
            ops.zeros((batch_size, self.state_size[-1]), dtype=dtype),
        ]

    def first_controller_inputs(self, step_input):
        size = self.num_tapes * self.tape_shape[1]
        zeros = ops.zeros((ops.shape(step_input)[0], size), self.compute_dtype)
        return ops.concatenate([self._without_length(step_input), zeros], axis=-1)

    def named_states(self, states):
        """Returns states by name, in their own shapes.

        Args:
            states: List of tensors of shape `(B, size)`, as RNN returns and takes them, in
                the order of `state_names`.

        Returns:
            A dict: `"output"` `(B, units)`, one entry per controller state, and `"tapes"`
            `(B, K, N, W)`, from the head on.
        """
        named = super().named_states(states)
        named["tapes"] = self._by_location(named["tapes"])
        return named

    def unflatten_states(self, states):
        """Brings the tapes into the shape that the step computes with, `(B, K, N W)`.

        Args:
            states: List of tensors of shape `(B, size)`, in the order of `state_names`.

        Returns:
            The list. `step` takes both kinds of list, and returns the kind that it was
            given.
        """
        *others, tapes = states
        num_locations, width = self.tape_shape
        return [*others, ops.reshape(tapes, (-1, self.num_tapes, num_locations * width))]

    def _without_length(self, inputs):
        """Returns the inputs `(B, features)` without the channel of the length."""
        if not self.has_jumps:
            return inputs
        channel = self.length_channel % inputs.shape[-1]
        return ops.concatenate([inputs[:, :channel], inputs[:, channel + 1 :]], axis=-1)

    def _by_location(self, tapes):
        return ops.reshape(tapes, (-1, self.num_tapes, *self.tape_shape))

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
        _, *others, tapes = self.unflatten_states(states)
        width = self.tape_shape[1]
        reads = ops.reshape(tapes[..., :width], (-1, self.num_tapes * width))  # (B, K W)
        hidden, controller_states = self._run_controller(  # hidden: (B, controller_units)
            ops.concatenate([self._without_length(inputs), reads], axis=-1),
            others,
            training,
        )
        values = hidden
        for part in self.write_maps:
            values = part(values)
        values = ops.reshape(values, (-1, self.num_tapes, width))  # (B, K, W)
        length = inputs[:, self.length_channel, None] if self.has_jumps else None  # (B, 1)
        moves, tapes = self._move(hidden, tapes, values, length, training)
        output = self.activation(self.output_map(self.readout_activation(hidden)))
        if trace is not None:
            trace.update(
                output=output,
                moves=moves,
                written_values=values,
                tapes=self._by_location(tapes),
            )
            if self.has_jumps:
                trace["jump_length"] = length
        new_states = [output, *controller_states, tapes]
        return output, in_form_of(new_states, states)

    def _move(self, hidden, tapes, values, length, training):
        """Returns the moves `(B, K, A)` and the new tapes `(B, K, N W)`."""
        logits = ops.reshape(self.move_map(hidden), (-1, self.num_tapes, len(self.moves)))
        moves = select(logits, soft_in_training(self.actions, training))  # (B, K, A)
        # Rounded, because a computed length may be a little below an integer.
        lengths = ops.cast(ops.round(length), "int32") if self.has_jumps else None  # (B, 1)
        written = tape.write(tapes, values)
        new = 0.0
        for index, name in enumerate(self.moves):
            before = written if self.jumps_write or name not in tape.JUMPS else tapes
            after = tape.moved(before, name, self.tape_shape[1], lengths)
            new = new + moves[..., index : index + 1] * after  # (B, K, N W)
        return moves, new

    def get_config(self):
        config = {
            "units": self.units,
            "tape_shape": self.tape_shape,
            "num_tapes": self.num_tapes,
            "moves": self.moves,
            "length_channel": self.length_channel,
            "actions": self.actions,
            "jumps_write": self.jumps_write,
            "write_units": self.write_units,
            "readout_activation": keras.activations.serialize(self.readout_activation),
            "activation": keras.activations.serialize(self.activation),
        }
        return {**super().get_config(), **config}
