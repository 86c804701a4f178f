"""Circuits drawn at random, and a slow interpreter of circuits, the tests' oracle."""

import nram_loops

from keras_nm.programs import Circuit, Program

GATES = ["READ", "ONE", "INC", "ADD", "LESS-THAN", "WRITE"]


def random_rules(rng, num_registers=3, **options):
    """A circuit per pattern, drawn gate by gate."""
    num_arguments = nram_loops.NUM_ARGUMENTS
    rules = []
    for code in range(2**num_registers):
        pattern = "".join("0+"[code >> bit & 1] for bit in range(num_registers))
        names = GATES
        if "num_slots" in options:
            drawn = list(rng.choice(GATES, options["num_slots"]))
            counts = [drawn[: i + 1].count(name) for i, name in enumerate(drawn)]
            names = [f"{n}{c if c > 1 else ''}" for n, c in zip(drawn, counts, strict=True)]
        sources = [f"r{i + 1}" for i in range(num_registers)]
        chosen = {}
        for name in names:
            count = num_arguments[name.rstrip("0123456789")]
            chosen[name] = [str(source) for source in rng.choice(sources, count)]
            sources.append(name)
        registers = [str(source) for source in rng.choice(sources, num_registers)]
        rules.append((pattern, Circuit(chosen, registers, rng.random() < 0.2)))
    return rules


def random_program(rng, **options):
    return Program(3, random_rules(rng, **options), GATES, **options)


def interpret(rules, tape, num_steps):
    """Runs circuits as they are written. Gives tape, registers and number of steps."""
    tape, size = list(tape), len(tape)
    registers = [0] * len(rules[0][0])
    steps = 0
    stopped = False
    while steps < num_steps and not stopped:
        steps += 1
        pattern = "".join("+" if value else "0" for value in registers)
        circuit = dict(rules)[pattern]
        values = {f"r{i + 1}": value for i, value in enumerate(registers)}
        for name, sources in circuit.gates:
            kind = name.rstrip("0123456789")
            inputs = [values[source] for source in sources]
            if kind == "READ":
                values[name] = tape[inputs[0]]
                continue
            values[name] = nram_loops.MEANING[kind](size, *inputs)
            if kind == "WRITE":
                tape[inputs[0]] = inputs[1]
        registers = [values[source] for source in circuit.registers]
        stopped = circuit.stop
    return tape, registers, steps
