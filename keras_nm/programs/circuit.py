"""Circuits, each of which defines one time step of a Neural Random-Access Machine."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from keras_nm.layers.nram.gates import number_gates

# A pattern has one character per register.
ZERO, POSITIVE, ANY = "0+*"

MAX_REGISTERS = 12


@dataclass(frozen=True)
class Circuit:
    """One time step: the sources that feed each gate and each register.

    A source is a register, `"r1"` to `"rR"`, or the output of a gate that ran before.
    A circuit names the sources of the gates' arguments and of the registers' contents.

    Args:
        gates: Maps the name of each gate in use to its arguments, in the order of
            execution. The second READ of a step is called `"READ2"`.
        registers: The source of each register's next content.
        stop: Whether the machine stops after this step.

    Example, one step of copying, which reads at r1, writes this value at r2, and advances
    both:

    >>> from keras_nm.programs import Circuit
    >>> step = Circuit(
    ...     {"READ": ["r1"], "INC": ["r1"], "ADD": ["r2", "r3"], "WRITE": ["r2", "READ"]},
    ...     registers=["INC", "ADD", "r3"],
    ... )
    """

    gates: tuple[tuple[str, tuple[str, ...]], ...]
    registers: tuple[str, ...]
    stop: bool = False

    def __post_init__(self):
        items = self.gates.items() if isinstance(self.gates, Mapping) else self.gates
        gates = tuple((name, _sources(name, arguments)) for name, arguments in items)
        object.__setattr__(self, "gates", gates)
        object.__setattr__(self, "registers", _sources("registers", self.registers))
        object.__setattr__(self, "stop", bool(self.stop))


def _sources(name, sources):
    if isinstance(sources, str):  # its letters would pass for sources
        raise ValueError(
            f"The sources of {name} must be a list of names, such as [{sources!r}]. "
            f"Received: {sources!r}"
        )
    return tuple(sources)


def all_patterns(num_registers):
    """Returns the 2^R patterns of registers that are 0 or not, all zeros first."""
    if num_registers > MAX_REGISTERS:
        raise ValueError(
            "A program is a table of 2^num_registers circuits, so `num_registers` must be "
            f"at most {MAX_REGISTERS}. Received: num_registers={num_registers}"
        )
    return ["".join(p) for p in itertools.product(ZERO + POSITIVE, repeat=num_registers)]


def register_names(num_registers):
    """Returns the names of the registers, which are sources."""
    return [f"r{index + 1}" for index in range(num_registers)]


def matches(rule, pattern):
    return all(r in (ANY, p) for r, p in zip(rule, pattern, strict=True))


def cover(patterns, others):
    """Returns a few patterns with `"*"` that match all `patterns` and no `others`."""
    # One character in each column.
    others = np.array(others, f"U{len(patterns[0])}").view("U1")
    others = others.reshape(-1, len(patterns[0]))
    cubes = []
    for pattern in patterns:
        if any(matches(cube, pattern) for cube in cubes):
            continue
        cube = np.array(list(pattern))
        differs = others != cube  # for each other pattern, the registers that differ
        for position in range(len(cube)):
            without = np.delete(differs, position, axis=1)
            if without.any(axis=1).all():
                cube[position] = ANY
                differs[:, position] = False
        cubes.append("".join(cube))
    for cube in list(cubes):
        rest = [other for other in cubes if other != cube]
        if all(any(matches(other, p) for other in rest) for p in patterns):
            cubes = rest
    return cubes


def without_idle_gates(circuit, gates, renumber):
    """Removes from a circuit the gates that change neither registers nor tape."""
    held = set()  # pairs of a pointer and a source that is known to be in its cell
    idle = set()
    for name, inputs in circuit.gates:
        if gates[name].name == "READ":
            held.add((inputs[0], name))
        elif gates[name].writes:
            # A gate that must write is idle if it writes the content its cell already has.
            if inputs in held:
                idle.add(name)
            else:
                held = {inputs}

    needed = set(circuit.registers)
    for name, inputs in reversed(circuit.gates):
        if name in needed or (gates[name].writes and name not in idle):
            needed |= {name, *inputs}
    kept = [(name, inputs) for name, inputs in circuit.gates if name in needed]

    new_names = {name: name for name in needed}
    if renumber:
        numbers = number_gates([gates[name].name for name, _ in kept])
        new_names |= dict(zip([name for name, _ in kept], numbers, strict=True))
    return Circuit(
        [(new_names[n], [new_names[s] for s in inputs]) for n, inputs in kept],
        [new_names[source] for source in circuit.registers],
        circuit.stop,
    )
