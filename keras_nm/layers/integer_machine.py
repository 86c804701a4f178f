"""The Neural Random-Access Machine on integers: no distributions, every choice by argmax.

Registers are `(B, R)` and the tape is `(B, M)`. A gate reads and writes single cells.
"""

from keras import ops


def run_integers(cell, tape, num_steps):
    """Runs the weights of an `NRAMCell` until all machines have stopped.

    Args:
        cell: A built `NRAMCell`.
        tape: int32 tensor `(B, M)`.
        num_steps: Integer, or integer tensor, a scalar or `(B,)`: after how many steps a
            machine is stopped that has not stopped by itself.

    Returns:
        A dict of int32 tensors: `"tape"` `(B, M)`, `"registers"` `(B, R)` and
        `"num_steps"` `(B,)`.
    """
    batch_size = ops.shape(tape)[0]
    nothing = ops.zeros((batch_size,), dtype="int32")
    limit = nothing + ops.cast(num_steps, "int32")
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
        running: Boolean tensor `(B,)`: the tapes of the others stay as they are.

    Returns:
        A dict of the new `"tape"` and `"registers"`, of `"outputs"` `(B, S)`, what each
        gate put out, and of the boolean `"stop"` `(B,)`; and the controller's new states.
    """
    zeros = ops.cast(ops.equal(registers, 0), cell.compute_dtype)
    logits, states = cell.run_controller(zeros, controller_states)
    logits = cell.split_logits(logits)
    registers, outputs, tape = _run_gates(cell, logits, registers, tape, running)
    stop = logits["stop"][:, 0] > 0
    return {"tape": tape, "registers": registers, "outputs": outputs, "stop": stop}, states


def first_largest(x):
    """As `ops.argmax` over the last axis, int32.

    Of integers: that of floats tells -0 from 0 with operations that only TensorFlow has,
    and exported models run elsewhere, too.
    """
    largest = ops.equal(x, ops.max(x, axis=-1, keepdims=True))
    return ops.cast(ops.argmax(ops.cast(largest, "int32"), axis=-1), "int32")


def _run_gates(cell, logits, registers, tape, running):
    """Gives the new registers, all outputs, and the tape as running machines leave it."""
    chosen = {name: first_largest(part) for name, part in logits.items() if name != "stop"}
    sources = registers
    for index, (name, gates) in enumerate(cell.slots.items()):
        arguments = []
        if name in chosen:
            picked = ops.take_along_axis(sources, chosen[name], axis=1)
            arguments = [picked[:, i] for i in range(picked.shape[1])]
        outputs = [
            ops.cast(gate.integer(ops, tape, *arguments[: gate.num_arguments]), "int32")
            for gate in gates
        ]
        for choice, gate in enumerate(gates):
            if gate.writes:
                acts = running
                if cell.num_slots is not None:
                    acts = running & ops.equal(chosen["gates"][:, index], choice)
                tape = _write(tape, acts, *arguments)
        output = outputs[0][:, None]
        if cell.num_slots is not None:
            output = ops.take_along_axis(
                ops.stack(outputs, axis=1), chosen["gates"][:, index, None], axis=1
            )
        sources = ops.concatenate([sources, output], axis=1)
    new_registers = ops.take_along_axis(sources, chosen["registers"], axis=1)
    return new_registers, sources[:, cell.num_registers :], tape


def _write(tape, acts, pointer, value):
    """Stores values `(B,)` at pointers `(B,)` of those tapes `(B, M)` that are to act."""
    old = ops.take_along_axis(tape, pointer[:, None], axis=1)[:, 0]
    rows = ops.arange(ops.shape(tape)[0], dtype="int32")
    cells = ops.stack([rows, pointer], axis=1)
    return ops.scatter_update(tape, cells, ops.where(acts, value, old))
