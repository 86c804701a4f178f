"""The equations of the Neural Random-Access Machine as slow loops, the tests' oracle.

Kurach et al. 2016, section 3, for one example: a register is an array `(M,)`, a tape
`(M, M)`. Gates are lifted to distributions by the sum over all pairs of integers.
"""

import numpy as np

# What the gates without the tape mean, on plain integers mod m.
MEANING = {
    "ZERO": lambda m: 0,
    "ONE": lambda m: 1,
    "TWO": lambda m: 2,
    "INC": lambda m, a: 0 if a == m - 1 else a + 1,
    "ADD": lambda m, a, b: a + b if a + b < m else a + b - m,
    "SUB": lambda m, a, b: a - b if a >= b else a - b + m,
    "DEC": lambda m, a: m - 1 if a == 0 else a - 1,
    "LESS-THAN": lambda m, a, b: 1 if a < b else 0,
    "LESS-OR-EQUAL": lambda m, a, b: 1 if a <= b else 0,
    "EQUALITY": lambda m, a, b: 1 if a == b else 0,
    "MIN": lambda m, a, b: b if b < a else a,
    "MAX": lambda m, a, b: b if a < b else a,
    "WRITE": lambda m, pointer, value: value,
    "WRITE-RETURNING-ZERO": lambda m, pointer, value: 0,
}

NUM_ARGUMENTS = {name: f.__code__.co_argcount - 1 for name, f in MEANING.items()}
NUM_ARGUMENTS["READ"] = 1


def lift(meaning, num_arguments, size, arguments):
    """P(m(A, B) = c) = sum_{a, b} P(A = a) P(B = b) [m(a, b) = c] (equation 2)."""
    first, second = [*arguments, *[np.full(size, 1 / size)] * 2][:2]
    result = np.zeros(size)
    for a in range(size):
        for b in range(size):
            result[meaning(size, *[a, b][:num_arguments])] += first[a] * second[b]
    return result


def apply_gate(name, tape, arguments):
    """The output of a gate, and the tape after it."""
    size = len(tape)
    if name == "READ":
        return sum(arguments[0][cell] * tape[cell] for cell in range(size)), tape
    output = lift(MEANING[name], NUM_ARGUMENTS[name], size, arguments)
    if name.startswith("WRITE"):
        pointer, value = arguments
        tape = np.array(
            [(1 - pointer[i]) * tape[i] + pointer[i] * value for i in range(size)]
        )
    return output, tape


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / e.sum()


def mix(logits, sources):
    return sum(w * source for w, source in zip(softmax(logits), sources, strict=True))


def run(controller, gates, tape, num_registers, num_steps, num_slots=None):
    """Runs a soft machine.

    Args:
        controller: Function from the zero-probabilities `(R,)` to a flat array of logits:
            for every gate those of its arguments, then those of the gates of each slot
            in a machine with `num_slots`, of the registers, and whether to stop.
        gates: List of names.
        tape: Array `(M, M)`.
        num_registers: Integer.
        num_steps: Integer.
        num_slots: `None`, or the number of slots that choose among the gates.

    Returns:
        A list with a dict per step: tape and registers after it, outputs, stopping mass.
    """
    size = len(tape)
    registers = [np.eye(size)[0] for _ in range(num_registers)]
    running = 1.0
    history = []
    for step in range(num_steps):
        logits = list(controller(np.array([register[0] for register in registers])))

        def take(count, logits=logits):
            return [logits.pop(0) for _ in range(count)]

        slots = list(gates) if num_slots is None else [None] * num_slots
        per_slot = max(NUM_ARGUMENTS[name] for name in gates)
        arguments = [
            [
                take(num_registers + index)
                for _ in range(per_slot if name is None else NUM_ARGUMENTS[name])
            ]
            for index, name in enumerate(slots)
        ]
        choices = [take(len(gates)) for _ in slots] if num_slots else None
        register_logits = [take(num_registers + len(slots)) for _ in range(num_registers)]
        willingness = 1 / (1 + np.exp(-take(1)[0]))
        assert not logits

        sources = list(registers)
        for index, name in enumerate(slots):
            values = [mix(row, sources) for row in arguments[index]]
            if name is not None:
                output, tape = apply_gate(name, tape, values)
            else:
                weights = softmax(choices[index])
                results = [
                    apply_gate(gate, tape, values[: NUM_ARGUMENTS[gate]]) for gate in gates
                ]
                output = sum(w * r[0] for w, r in zip(weights, results, strict=True))
                tape = sum(w * r[1] for w, r in zip(weights, results, strict=True))
            sources.append(output)
        registers = [mix(row, sources) for row in register_logits]

        if step == num_steps - 1:
            willingness = 1.0
        history.append(
            {
                "tape": tape,
                "registers": np.array(registers),
                "outputs": np.array(sources[num_registers:]),
                "stopping_mass": willingness * running,
            }
        )
        running *= 1 - willingness
    return history
