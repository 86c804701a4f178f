"""One time step of the Neural Programmer-Interpreter (Reed and de Freitas 2016).

Axes: B batch, N programs, K key size, P embedding size.
"""

import keras
from keras import ops

from keras_nm.arguments import check_integer, check_integers
from keras_nm.layers.chained_cell import ChainedCell
from keras_nm.layers.choices import softmax
from keras_nm.layers.machine import MachineCell, in_form_of
from keras_nm.layers.tensors import joined, split, total_size


@keras.saving.register_keras_serializable(package="keras_nm")
class NPICell(MachineCell):
    """One time step of a Neural Programmer-Interpreter: a cell for `keras.layers.RNN`.

    The machine is in a call of a program. At each step it sees an observation of its
    environment, the arguments of the call, and which program was called. It decides which
    program to call next, with which arguments, and whether its own call ends with that.
    A call begins with the initial state, so that sequences are calls. `NPI` is the layer
    around this cell, and `keras_nm.programs.npi` runs it: with an environment, and with a
    stack for the calls that wait.

    The equations (Reed and de Freitas 2016, arXiv 1511.06279, section 3.1). The encoder
    makes a state `s` of the observation and the arguments. The controller sees `s` and the
    embedding `p` of the program. Its output `h` gives the logit of the end, a key `k`, and
    the logits of the arguments. The logit of program i is `M_key[i] . k`, a plain dot
    product. Keys and embeddings are the program memory. They are learned.

    The paper does not state the sizes of its encoder, embeddings and keys, nor of the dense
    layers before its LSTM. The ones here are ours.

    Args:
        num_programs: Positive integer, the number N of programs, primitive ones included.
        argument_sizes: Tuple of positive integers, how many values each argument of a call
            has. Defaults to `()`, no arguments.
        controller: Any Keras RNN cell, or any feed-forward Keras layer from
            `(batch, features)` to `(batch, controller_units)`. Defaults to the paper's:
            two dense layers of 256 units, of which the first is a ReLU layer and the second
            linear, and two `LSTMCell(256)`.
        program_size: Positive integer, the size P of an embedding. Defaults to `32`.
        key_size: Positive integer, the size K of a key. Defaults to `16`.
        encoder_units: Tuple of positive integers, the units of the encoder's ReLU layers.
            Defaults to `(64,)`. With `()`, the controller sees observation and arguments
            themselves.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        inputs: Tensor of shape `(batch, features)`: the observation, of any size, then the
            arguments and the program, all one-hot.
        states: List of 2-D tensors `(batch, size)`: the last output and the controller's
            states. `named_states` returns them by name.
        training: Boolean, passed to the controller.

    Output:
        A tensor of shape `(batch, units)` of logits. `output_shapes` says what is where:
        `"end"`, `"program"`, and for each argument `"argument_0"` and so on.

    Raises:
        ValueError: For sizes that are not positive integers, inputs without an observation,
            or a controller that is neither a cell nor a layer.

    Example:

    >>> import numpy as np, keras, keras_nm
    >>> cell = keras_nm.layers.NPICell(num_programs=5, argument_sizes=(3, 2))
    >>> y = keras.layers.RNN(cell, return_sequences=True)(np.ones((4, 7, 20), "float32"))
    >>> tuple(y.shape)
    (4, 7, 11)
    """

    def __init__(
        self,
        num_programs,
        argument_sizes=(),
        controller=None,
        program_size=32,
        key_size=16,
        encoder_units=(64,),
        **kwargs,
    ):
        super().__init__(controller, **kwargs)
        self.num_programs = check_integer("num_programs", num_programs)
        self.argument_sizes = check_integers("argument_sizes", argument_sizes)
        self.program_size = check_integer("program_size", program_size)
        self.key_size = check_integer("key_size", key_size)
        self.encoder_units = check_integers("encoder_units", encoder_units)

        self.encoder_maps = [
            self._linear_map(f"encoder_map_{index}", size, activation="relu")
            for index, size in enumerate(self.encoder_units)
        ]
        self.end_map = self._linear_map("end_map", 1)
        self.key_map = self._linear_map("key_map", self.key_size)
        self.argument_maps = [
            self._linear_map(f"argument_map_{index}", size)
            for index, size in enumerate(self.argument_sizes)
        ]
        self.units = self.output_size = total_size(self.output_shapes)
        self.state_size = [self.units, *self._controller_state_sizes]

    def default_controller(self):
        dense, cell = keras.layers.Dense, keras.layers.LSTMCell
        dtype = self.dtype_policy
        return ChainedCell(
            [
                dense(256, activation="relu", dtype=dtype),
                dense(256, dtype=dtype),
                cell(256, dtype=dtype),
                cell(256, dtype=dtype),
            ],
            dtype=dtype,
        )

    @property
    def output_shapes(self):
        """Dict from the parts of an output, in their order, to their shapes per step."""
        return {
            "end": (1,),
            "program": (self.num_programs,),
            **{f"argument_{i}": (size,) for i, size in enumerate(self.argument_sizes)},
        }

    @property
    def trace_shapes(self):
        """Dict from the name of each traced tensor to its shape per step."""
        return {"output": (self.units,), "key": (self.key_size,), **self.output_shapes}

    @property
    def state_names(self):
        """List of strings, one name per state."""
        return ["output", *self.controller_state_names]

    def build(self, input_shape):
        self._check_step_shape(input_shape)
        batch, features = input_shape
        self.observation_size = features - sum(self.argument_sizes) - self.num_programs
        if self.observation_size < 1:
            raise ValueError(
                "The inputs must be an observation, then the arguments and the program, "
                f"one-hot: {sum(self.argument_sizes)} and {self.num_programs} channels. "
                f"Received: inputs with {features} channels"
            )
        for name, size in (
            ("program_embeddings", self.program_size),
            ("program_keys", self.key_size),
        ):
            weight = self.add_weight(
                shape=(self.num_programs, size), initializer="glorot_uniform", name=name
            )
            setattr(self, name, weight)
        size = features - self.num_programs
        for part in self.encoder_maps:
            part.build((batch, size))
            size = part.units
        units = self._build_controller((batch, size + self.program_size))
        for part in (self.end_map, self.key_map, *self.argument_maps):
            part.build((batch, units))

    def get_initial_state(self, batch_size=None):
        return [
            ops.zeros((batch_size, self.units), dtype=self.compute_dtype),
            *self.initial_controller_states(batch_size),
        ]

    def first_controller_inputs(self, step_input):
        state = step_input[:, : -self.num_programs]
        for part in self.encoder_maps:
            state = part(state)
        # Of a one-hot program, this is its row.
        program = ops.matmul(step_input[:, -self.num_programs :], self.program_embeddings)
        return ops.concatenate([state, program], axis=-1)

    def step(self, inputs, states, training=False, trace=None):
        """Runs one time step.

        Args:
            inputs: Tensor of shape `(B, features)`.
            states: List of tensors of shape `(B, size)`.
            training: Boolean.
            trace: Optional dict. The step puts a tensor into it for each of `trace_shapes`.

        Returns:
            The output `(B, units)`, and the list of new states.
        """
        _, *controller_states = states
        hidden, controller_states = self._run_controller(  # hidden: (B, controller_units)
            self.first_controller_inputs(inputs), controller_states, training
        )
        key = self.key_map(hidden)  # (B, K)
        logits = {
            "end": self.end_map(hidden),
            "program": ops.matmul(key, ops.transpose(self.program_keys)),  # (B, N)
            **{f"argument_{i}": part(hidden) for i, part in enumerate(self.argument_maps)},
        }
        output = joined(logits, self.output_shapes)
        if trace is not None:
            trace.update(output=output, key=key, **self.probabilities(output))
        return output, in_form_of([output, *controller_states], states)

    def probabilities(self, outputs):
        """Returns the probabilities of the end, of the programs and of the arguments.

        Args:
            outputs: Tensor of logits `(B, units)` or `(B, T, units)`.

        Returns:
            A dict of tensors, by the names of `output_shapes`.
        """
        return {
            name: ops.sigmoid(logits) if name == "end" else softmax(logits)
            for name, logits in split(outputs, self.output_shapes).items()
        }

    def get_config(self):
        config = {
            "num_programs": self.num_programs,
            "argument_sizes": self.argument_sizes,
            "program_size": self.program_size,
            "key_size": self.key_size,
            "encoder_units": self.encoder_units,
        }
        return {**super().get_config(), **config}
