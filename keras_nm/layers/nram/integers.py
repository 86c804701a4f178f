"""The Neural Random-Access Machine on integers: no distributions, every choice by argmax.

Axes: B batch, M size of the tape and of the integers, R registers, S slots. Registers are
`(B, R)` and the tape is `(B, M)`. A gate reads and writes single cells.
"""

from keras import ops

from keras_nm.layers.choices import first_largest
from keras_nm.layers.inner_dropout import forget_masks
from keras_nm.layers.machine import in_form_of
from keras_nm.layers.nram.checks import as_array, check_registers, check_sizes, check_tape


class IntegerMachine:
    """The methods of an `NRAM` layer on integers: a mixin of that class.

    They use the layer's `cell`, and its check of `num_steps`.
    """

    def run_integers(self, tape, num_steps=None):
        """Runs the same weights on integers: every choice by argmax, no distributions.

        A gate reads and writes single cells. Compiled with XLA, a step therefore costs
        the same for any M: `tf.function(layer.run_integers, jit_compile=True)`. Without
        XLA, TensorFlow copies the tape for each write. The loop ends when all machines
        have stopped, at f > 1/2 or after `num_steps`.

        Args:
            tape: Integers `(B, M)`.
            num_steps: As in a call of the layer.

        Returns:
            A dict of int32 tensors: `"tape"` `(B, M)` and `"registers"` `(B, R)` when the
            machine stopped, and `"num_steps"` `(B,)`, the steps it ran.

        Raises:
            ValueError: For a tape that does not hold integers in 0..M-1, or is too small.
                Inside a compiled function, as for a call of the layer, but with -1 in
                place of NaN.

        Example:

        >>> import numpy as np, keras_nm
        >>> layer = keras_nm.layers.NRAM(num_registers=4, num_steps=10)
        >>> tape = np.random.randint(0, 100_000, (1, 100_000))
        >>> tuple(layer.run_integers(tape)["tape"].shape)
        (1, 100000)
        """
        tape, valid = self._checked_integers(tape)
        limit, valid_steps = self._checked_steps(num_steps, tape.shape[0])
        valid = valid & valid_steps
        # Cells that draw masks at inference too cannot do it inside the loop.
        self.cell.get_dropout_mask(ops.zeros_like(tape[:, :1]))
        # Pointers from a wrong tape would fail before its own error is raised.
        result = run_integers(self.cell, ops.where(valid, tape, 0), limit)
        forget_masks(self.cell)
        return {name: ops.where(valid, x, -1) for name, x in result.items()}

    def step_integers(self, tape, registers, controller_states=()):
        """Runs one time step on integers, for callers that hold the states themselves.

        Args:
            tape: Integers `(B, M)`.
            registers: Integers `(B, R)` from 0 to M - 1, all 0 before the first step.
            controller_states: List of tensors, if the controller has states:
                `cell.initial_controller_states(B)` before the first step.

        Returns:
            A pair. The first entry is a dict of int32 tensors: the new `"tape"` `(B, M)`
            and `"registers"` `(B, R)`, the gates' `"outputs"` in this step `(B, S)`, and
            `"stop"` `(B,)`, which is 1 if the machine stops after this step. The second
            entry is the list of the controller's new states.

        Raises:
            ValueError: As for `run_integers`, and likewise for the registers.

        Example:

        >>> import numpy as np
        >>> from keras_nm.layers import NRAM
        >>> from keras_nm.programs import PROGRAMS
        >>> layer = PROGRAMS["access"].into_layer(NRAM(num_registers=2))
        >>> tape, registers = np.array([[3, 4, 1, 2, 0]]), np.array([[0, 0]])
        >>> result, _ = layer.step_integers(tape, registers)
        >>> result["registers"].numpy().tolist()
        [[3, 0]]
        """
        num_states = len(self.cell.controller_state_names)
        if len(controller_states) != num_states:
            raise ValueError(
                f"`controller_states` must be a list of {num_states} tensors: before the "
                "first step, cell.initial_controller_states(batch_size). Received: "
                f"{len(controller_states)} tensors"
            )
        tape, valid = self._checked_integers(tape)
        registers = as_array(registers)
        valid = valid & check_registers(registers, self.cell.num_registers, tape)
        registers = ops.cast(registers, "int32")
        result, states = step_integers(
            self.cell,
            ops.where(valid, tape, 0),
            ops.where(valid, registers, 0),
            list(controller_states),
            running=ops.ones_like(registers[:, 0], dtype="bool"),
        )
        forget_masks(self.cell)
        result["stop"] = ops.cast(result["stop"], "int32")
        return {name: ops.where(valid, x, -1) for name, x in result.items()}, states

    def _checked_integers(self, tape):
        """Returns a tape as int32, and whether it is valid."""
        tape = as_array(tape)
        if not self.built:
            self.build(tape.shape)
        if len(tape.shape) != 2:
            raise ValueError(
                "The integer machine takes integers of shape (batch, M). "
                f"Received shape: {tuple(tape.shape)}"
            )
        valid = check_tape(tape) & check_sizes(tape, self.cell.slots.values())
        return ops.cast(tape, "int32"), valid


def run_integers(cell, tape, num_steps):
    """Runs the weights of an `NRAMCell` until all machines have stopped.

    Args:
        cell: A built `NRAMCell`.
        tape: int32 tensor `(B, M)`.
        num_steps: Integer, or integer tensor, a scalar or `(B,)`. A machine that has not
            stopped by itself is stopped after this number of steps.

    Returns:
        A dict of int32 tensors: `"tape"` `(B, M)`, `"registers"` `(B, R)` and
        `"num_steps"` `(B,)`.
    """
    batch_size = ops.shape(tape)[0]
    nothing = ops.zeros((batch_size,), dtype="int32")  # (B,)
    limit = nothing + ops.cast(num_steps, "int32")  # (B,)
    variables = (
        tape,
        ops.zeros((batch_size, cell.num_registers), dtype="int32"),
        nothing,
        nothing < limit,
        *cell.initial_controller_states(batch_size),
    )

    def step(tape, registers, steps, running, *states):
        result, states = step_integers(cell, tape, registers, list(states), running)
        registers = ops.where(running[:, None], result["registers"], registers)
        steps = steps + ops.cast(running, "int32")
        running = running & ~result["stop"] & (steps < limit)
        return (result["tape"], registers, steps, running, *states)

    tape, registers, steps, *_ = ops.while_loop(
        lambda tape, registers, steps, running, *states: ops.any(running), step, variables
    )
    return {"tape": tape, "registers": registers, "num_steps": steps}


def step_integers(cell, tape, registers, controller_states, running):
    """Runs one time step.

    Args:
        cell: A built `NRAMCell`.
        tape: int32 tensor `(B, M)`.
        registers: int32 tensor `(B, R)`.
        controller_states: List of tensors.
        running: Boolean tensor `(B,)`. The tapes of the other machines stay unchanged.

    Returns:
        A dict of the new `"tape"` and `"registers"`, the gates' `"outputs"` `(B, S)` and
        the boolean `"stop"` `(B,)`; and the list of the controller's new states.
    """
    zeros = ops.cast(ops.equal(registers, 0), cell.compute_dtype)  # (B, R)
    logits, states = cell.run_controller(zeros, controller_states)
    states = in_form_of(states, controller_states)
    logits = cell.split_logits(logits)
    registers, outputs, tape = _run_gates(cell, logits, registers, tape, running)
    stop = logits["stop"][:, 0] > 0  # (B,)
    return {"tape": tape, "registers": registers, "outputs": outputs, "stop": stop}, states


def _run_gates(cell, logits, registers, tape, running):
    """Returns the new registers, all outputs, and the tape as running machines leave it."""
    chosen = {name: first_largest(part) for name, part in logits.items() if name != "stop"}
    sources = registers  # (B, R), then one more column per slot
    for index, (name, gates) in enumerate(cell.slots.items()):
        arguments = []
        if name in chosen:
            picked = ops.take_along_axis(sources, chosen[name], axis=1)  # (B, 1 or 2)
            arguments = ops.unstack(picked, axis=1)  # each (B,)
        outputs = [  # each (B,)
            ops.cast(gate.integer(ops, tape, *arguments[: gate.num_arguments]), "int32")
            for gate in gates
        ]
        for choice, gate in enumerate(gates):
            if gate.writes:
                acts = running
                if cell.num_slots is not None:
                    acts = running & ops.equal(chosen["gates"][:, index], choice)
                tape = _write(tape, acts, *arguments)
        output = outputs[0][:, None]  # (B, 1)
        if cell.num_slots is not None:
            output = ops.take_along_axis(
                ops.stack(outputs, axis=1), chosen["gates"][:, index, None], axis=1
            )
        sources = ops.concatenate([sources, output], axis=1)
    new_registers = ops.take_along_axis(sources, chosen["registers"], axis=1)  # (B, R)
    return new_registers, sources[:, cell.num_registers :], tape


def _write(tape, acts, pointer, value):
    """Writes values `(B,)` at pointers `(B,)` to those tapes `(B, M)` that are to act."""
    old = ops.take_along_axis(tape, pointer[:, None], axis=1)[:, 0]  # (B,)
    rows = ops.arange(ops.shape(tape)[0], dtype="int32")  # (B,)
    cells = ops.stack([rows, pointer], axis=1)  # (B, 2)
    return ops.scatter_update(tape, cells, ops.where(acts, value, old))
