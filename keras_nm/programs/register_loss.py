"""A loss on a machine's registers, for machines that learn from a given program."""

import json

import keras
from keras import ops

from keras_nm.arguments import check_choice, check_epsilon, check_positive
from keras_nm.layers import NRAM
from keras_nm.layers.nram.checks import check_sizes, is_integer_tape
from keras_nm.layers.nram.integers import step_integers
from keras_nm.programs import PROGRAMS, Program
from keras_nm.programs.circuit import register_names


@keras.saving.register_keras_serializable(package="keras_nm")
class RegisterTraceLoss:
    """Teaches a machine a program's registers: the `register_loss` of an `NRAM`.

    An answer only says what the final tape should hold. The machine is free to find its own
    way there. This loss also asks the machine for the values that some registers of a
    program hold after each step. Each value costs `-log((p + epsilon) / (1 + epsilon))`,
    where p is the probability that a register of the machine holds it. The loss is the sum
    over steps and registers, averaged over the batch. The machine's first registers should
    hold these values, in the given order. The machine is free in its other registers, in
    its gates and in when to stop. Steps after the program has stopped do not count.

    The weight of a step is the product of these probabilities at all earlier steps. No
    gradient passes through this weight: a machine should not learn its next step from a
    state that it should not be in.

    Args:
        program: A `keras_nm.programs.Program`, or the name of one in `PROGRAMS`.
        registers: List of distinct names of the program's registers that count, such as
            `["r1"]`. Defaults to `None`, which means all of them.
        weight: Positive float, a factor of the loss. Defaults to `1.0`.
        epsilon: Float of at least 1.2e-38. No gradient of a probability is larger than
            `weight / epsilon`, so values that seem impossible do not drown out all others.
            Defaults to `0.1`.

    Raises:
        ValueError: For an unknown program or register, for registers that are not a list
            of distinct names, and for numbers that are not positive.

    Example, a machine that holds the right values:

    >>> import keras_nm, numpy as np
    >>> trace_loss = keras_nm.training.RegisterTraceLoss("access", ["r1"])
    >>> layer = keras_nm.layers.NRAM(2, num_steps=2, register_loss=trace_loss)
    >>> layer = keras_nm.programs.PROGRAMS["access"].into_layer(layer)
    >>> outputs = layer(np.array([[3, 1, 2, 0]]), training=True)
    >>> abs(float(layer.losses[0])) < 1e-6
    True
    """

    def __init__(self, program, registers=None, weight=1.0, epsilon=0.1):
        self.program = program
        if not isinstance(program, Program):
            # Your own program is an object, not a name.
            program = PROGRAMS[check_choice("program", program, PROGRAMS)]
        names = register_names(program.num_registers)
        registers = names if registers is None else registers
        if not isinstance(registers, list | tuple) or not registers:
            raise ValueError(
                f"`registers` must be a list of names. Received: registers={registers!r}"
            )
        for name in registers:
            check_choice("registers", name, names)
        if len(set(registers)) < len(registers):
            raise ValueError(
                f"`registers` must have distinct names. Received: registers={registers!r}"
            )
        self.registers = list(registers)
        self.weight = check_positive("weight", weight)
        self.epsilon = check_epsilon(epsilon)
        self._indices = [names.index(name) for name in self.registers]
        units = len(program.rules())
        machine = NRAM(
            program.num_registers,
            controller=keras.layers.Dense(units, activation="relu"),
            gates=program.gates,
            gate_repeats=program.gate_repeats,
            num_slots=program.num_slots,
        )
        self._cell = program.into_layer(machine).cell

    def __call__(self, tape, registers):
        """Computes the loss of a machine.

        Args:
            tape: Integers `(B, M)`, the initial tape.
            registers: Distributions `(B, T, R, M)` after each step.

        Returns:
            A scalar.

        Raises:
            ValueError: For a tape of distributions, a tape that is too small for the
                program's gates, too few registers, and a T that is not known in advance.
        """
        num_steps, num_registers = registers.shape[1:3]
        if not is_integer_tape(tape):
            raise ValueError(
                "A program runs on tapes of integers (batch, M). "
                f"Received: a tape of shape {tuple(tape.shape)}"
            )
        check_sizes(tape, self._cell.slots.values())
        if num_registers < len(self._indices):
            raise ValueError(
                f"The machine needs a register for each of {self.registers}. "
                f"Received: num_registers={num_registers}"
            )
        if num_steps is None:
            raise ValueError(
                "The number of steps must be known in advance. "
                f"Received: registers of shape {tuple(registers.shape)}"
            )
        tape = ops.cast(tape, "int32")
        rows = ops.zeros_like(tape[:, 0])
        current = ops.stack([rows] * self._cell.num_registers, axis=1)
        running = ops.equal(rows, 0)
        right = ops.ones_like(registers[:, 0, 0, 0])
        cells = ops.arange(ops.shape(tape)[1], dtype="int32")
        log_likelihood = 0.0
        for step in range(num_steps):
            result, _ = step_integers(self._cell, tape, current, [], running)
            tape, current = result["tape"], result["registers"]
            wanted = ops.stack([current[:, i] for i in self._indices], axis=1)
            shown = registers[:, step, : len(self._indices)]
            found = ops.sum(ops.where(wanted[:, :, None] == cells, shown, 0), axis=-1)
            ratio = (found + self.epsilon) / (1 + self.epsilon)
            logs = right * ops.sum(ops.log(ratio), axis=-1)
            log_likelihood += ops.mean(ops.where(running, logs, 0))
            right = ops.stop_gradient(right * ops.prod(found, axis=-1))
            running = running & ~result["stop"]
        return -self.weight * log_likelihood

    def get_config(self):
        program = self.program
        if isinstance(program, Program):
            program = json.loads(program.to_json())
        return {
            "program": program,
            "registers": self.registers,
            "weight": self.weight,
            "epsilon": self.epsilon,
        }

    @classmethod
    def from_config(cls, config):
        program = config["program"]
        if isinstance(program, dict):
            program = Program.from_json(json.dumps(program))
        return cls(**{**config, "program": program})
