"""Programs: tables that say what a Neural Random-Access Machine does, without a network.

If every softmax is replaced by its argmax, a feed-forward controller can only choose one
circuit for each set of registers that are 0 (Kurach et al. 2016, section 3.1). This table
is a program. You can write it by hand, run it, print it, and put it into a network.
"""

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_nm.arguments import check_integer
from keras_nm.layers.nram.checks import check_sizes, check_steps, check_tape
from keras_nm.layers.nram.gates import DEFAULT_GATES, kind_of, number_gates, slots_of
from keras_nm.programs.circuit import (
    ANY,
    POSITIVE,
    ZERO,
    Circuit,
    all_patterns,
    cover,
    matches,
    register_names,
    without_idle_gates,
)
from keras_nm.programs.compiler import read_rules, settings_of, write_rules

_CONSTANTS = {"ZERO": ZERO, "ONE": POSITIVE, "TWO": POSITIVE}


class Program:
    """A table that maps the registers that are 0 to the circuit of the next time step.

    Args:
        num_registers: Integer from 1 to 12, the number of registers R.
        rules: Pairs `(pattern, circuit)`. A pattern has one character per register:
            `"0"` for a register that is 0, `"+"` for one that is not, `"*"` for either.
            The first rule that matches applies.
        gates: Names of the gates of a time step, in order. Defaults to the paper's gates.
        gate_repeats: Positive integer, how many times a step runs the list.
        num_slots: `None`, or the number of slots of a machine whose controller also
            chooses which gate of the list runs in each slot. A circuit then has at most
            that many gates, in any order.

    Attributes:
        circuits: Dict that maps each of the 2^R patterns of `"0"` and `"+"` to its
            circuit, without the gates that have no effect.

    Raises:
        ValueError: For a pattern that no rule matches, and for circuits that the machine
            cannot run: unknown gates or sources, gates in a wrong order, or a wrong
            number of arguments.

    Example, the paper's program for the task increment, which adds 1 to every cell:

    >>> import numpy as np
    >>> from keras_nm.programs import Circuit, Program
    >>> step = Circuit(
    ...     {"READ": ["r1"], "ONE": [], "INC": ["r1"], "ADD": ["READ", "ONE"],
    ...      "WRITE": ["r1", "ADD"]},
    ...     registers=["INC"],
    ... )
    >>> program = Program(1, [("*", step)])
    >>> program.run(np.array([[1, 5, 2, 0, 0, 0, 0]]), num_steps=3).tolist()
    [[2, 6, 3, 0, 0, 0, 0]]
    >>> print(program)
    always:
        READ(r1)
        ONE()
        INC(r1)
        ADD(READ, ONE)
        WRITE(r1, ADD)
        r1 = INC
    """

    def __init__(
        self,
        num_registers: int,
        rules: Iterable[tuple[str, Circuit]],
        gates: Sequence[str] = DEFAULT_GATES,
        gate_repeats: int = 1,
        num_slots: int | None = None,
    ):
        self.num_registers = check_integer("num_registers", num_registers)
        patterns = all_patterns(self.num_registers)
        slots = slots_of(gates, gate_repeats, num_slots)
        self.sequence = {name: slot[0] for name, slot in slots.items()}
        self.gates = tuple(gates)
        self.gate_repeats = int(gate_repeats)
        self.num_slots = None if num_slots is None else int(num_slots)
        self.circuits = self._table(patterns, [(p, self._checked(p, c)) for p, c in rules])

    def _table(self, patterns, rules):
        table = {}
        for pattern in patterns:
            found = (circuit for rule, circuit in rules if matches(rule, pattern))
            table[pattern] = next(found, None)
            if table[pattern] is None:
                raise ValueError(
                    f"No rule matches the pattern {pattern!r}. Add a last rule for "
                    f"{ANY * self.num_registers!r}, which matches everything else"
                )
        return table

    def _checked(self, pattern, circuit):
        """Returns the circuit without idle gates, or raises an error if it cannot run."""

        def fail(message):
            raise ValueError(f"Circuit for {pattern!r}: {message}")

        if len(pattern) != self.num_registers or set(pattern) - {ZERO, POSITIVE, ANY}:
            fail(
                f"the pattern must have length {self.num_registers}, with one character "
                f"per register: {ZERO!r}, {POSITIVE!r} or {ANY!r}"
            )
        if len(circuit.registers) != self.num_registers:
            fail(
                f"each of the {self.num_registers} registers needs one source. "
                f"Received: registers={circuit.registers}"
            )
        named = self._gates_of(circuit, fail)
        sources = register_names(self.num_registers)
        for name, arguments in circuit.gates:
            if len(arguments) != named[name].num_arguments:
                fail(
                    f"the number of arguments of {name} must be "
                    f"{named[name].num_arguments}. Received: {arguments}"
                )
            for source in arguments:
                if source not in sources:
                    fail(f"{name} cannot take {source!r}. Its possible sources: {sources}")
            sources.append(name)
        for source in circuit.registers:
            if source not in sources:
                fail(f"a register cannot take {source!r}. Its possible sources: {sources}")
        return without_idle_gates(circuit, named, renumber=self.num_slots is not None)

    def _gates_of(self, circuit, fail):
        """Returns a dict from the names in a circuit to the gates they stand for."""
        names = [name for name, _ in circuit.gates]
        if self.num_slots is None:
            order = list(self.sequence)
            unknown = [name for name in names if name not in self.sequence]
            if unknown:
                fail(f"unknown gate {unknown[0]!r}. A step runs {order}")
            if [order.index(name) for name in names] != sorted(
                {order.index(name) for name in names}
            ):
                fail(f"gates must be in the order of a step, {order}. Received: {names}")
            return self.sequence
        kinds = [kind_of(name) for name in names]
        unknown = [kind for kind in kinds if kind not in self.gates]
        if unknown:
            fail(f"unknown gate {unknown[0]!r}. A slot chooses from {list(self.gates)}")
        numbered = number_gates(kinds)
        if list(numbered) != names:
            fail(f"the gates {names} must be numbered like {list(numbered)}")
        if len(names) > self.num_slots:
            fail(f"{len(names)} gates do not fit into {self.num_slots} slots")
        return numbered

    def run(self, tape: np.ndarray, num_steps: int | np.ndarray) -> np.ndarray:
        """Runs the program in NumPy.

        Args:
            tape: Integers `(B, M)` from 0 to M - 1.
            num_steps: An integer, or integers `(B,)`. A machine that has not stopped by
                itself is stopped after this many steps.

        Returns:
            The final tapes, `(B, M)`.

        Raises:
            ValueError: For a tape or a number of steps of the wrong kind.

        Example, following the pointer in cell 0:

        >>> import numpy as np
        >>> from keras_nm.programs import PROGRAMS
        >>> PROGRAMS["access"].run(np.array([[3, 1, 4, 2, 0]]), num_steps=2).tolist()
        [[2, 1, 4, 2, 0]]
        """
        return self._execute(tape, num_steps, watch=lambda *_: None)["tape"]

    def trace(self, tape: np.ndarray, num_steps: int | np.ndarray) -> dict[str, Any]:
        """Runs the program and records every step.

        Args:
            tape: As for `run`.
            num_steps: As for `run`.

        Returns:
            A dict: `"tape"` `(B, T + 1, M)` and `"registers"` `(B, T + 1, R)` before each
            step and after the last, where T is the largest number of steps in the batch;
            `"num_steps"` `(B,)`, the number of steps that each machine ran; and
            `"patterns"`, the set of patterns that occurred. A machine that has stopped
            stays as it is. `execution_table` formats the dict as a table.

        Raises:
            ValueError: For a tape or a number of steps of the wrong kind.

        Example:

        >>> import numpy as np
        >>> from keras_nm.programs import PROGRAMS
        >>> trace = PROGRAMS["access"].trace(np.array([[3, 1, 4, 2, 0]]), num_steps=2)
        >>> trace["registers"].tolist()
        [[[0, 0], [3, 0], [3, 0]]]
        """
        tapes, registers = [], []

        def watch(current_tape, current_registers):
            tapes.append(current_tape.copy())
            registers.append(current_registers.copy())

        result = self._execute(tape, num_steps, watch)
        return {
            "tape": np.stack(tapes, axis=1),
            "registers": np.stack(registers, axis=1),
            "num_steps": result["num_steps"],
            "patterns": result["patterns"],
        }

    def _execute(self, tape, num_steps, watch):
        tape = np.array(tape)
        self._check_tape(tape)
        # Sums and differences of narrow or unsigned integers would overflow.
        tape = tape.astype(np.int64)
        limit, _ = check_steps(num_steps, len(tape))
        registers = np.zeros((len(tape), self.num_registers), tape.dtype)
        steps = np.zeros(len(tape), int)
        running = np.ones(len(tape), bool)
        patterns = set()
        watch(tape, registers)
        while running.any():
            codes = (registers != 0) @ (1 << np.arange(self.num_registers))
            for code in np.unique(codes[running]):
                rows = np.flatnonzero(running & (codes == code))
                pattern = _pattern(registers[rows[0]] == 0)
                patterns.add(pattern)
                circuit = self.circuits[pattern]
                tape[rows], registers[rows] = self._run_circuit(
                    circuit, tape[rows], registers[rows]
                )
                running[rows] = not circuit.stop
                steps[rows] += 1
            running &= steps < limit
            watch(tape, registers)
        return {"tape": tape, "num_steps": steps, "patterns": patterns}

    def _run_circuit(self, circuit, tape, registers):
        """Runs one step and returns the new tapes and registers."""
        values = dict(zip(register_names(self.num_registers), registers.T, strict=True))
        gates = self._gates_of(circuit, fail=None)
        for name, arguments in circuit.gates:
            inputs = [values[source] for source in arguments]
            values[name] = gates[name].integer(np, tape, *inputs)
            if gates[name].writes:
                tape[np.arange(len(tape)), inputs[0]] = inputs[1]
        return tape, np.stack([values[source] for source in circuit.registers], axis=1)

    def _check_tape(self, tape):
        if tape.ndim != 2 or not np.issubdtype(tape.dtype, np.integer):
            raise ValueError(
                "A program runs on integers of shape (batch, M). "
                f"Received: {tape.dtype} of shape {tape.shape}"
            )
        check_tape(tape)
        for circuit in self.circuits.values():
            gates = self._gates_of(circuit, fail=None)
            if circuit.gates:
                check_sizes(tape, [[gates[name] for name, _ in circuit.gates]])

    @classmethod
    def from_layer(cls, layer) -> "Program":
        """Reads the program from a layer's weights, with an argmax for every choice.

        Args:
            layer: A built `NRAM` or `NRAMCell` with a feed-forward controller.

        Raises:
            ValueError: If the layer is not built, has more than 12 registers, or has a
                controller with states.

        Example, the program of an untrained layer:

        >>> from keras_nm.layers import NRAM
        >>> from keras_nm.programs import Program
        >>> layer = NRAM(num_registers=3)
        >>> layer.build((None, None))
        >>> Program.from_layer(layer)
        <Program of 3 registers>
        """
        return cls(rules=read_rules(layer), **settings_of(layer))

    def into_layer(self, layer, scale: float = 40.0):
        """Sets a layer's weights so that it runs this program.

        The first hidden layer detects which rule matches, with one unit per rule. The
        other hidden layers pass this on.

        Args:
            layer: An `NRAM` or `NRAMCell` with the same registers and gates. Its
                controller must be one `Dense` layer or a `keras.Sequential` of them, with
                ReLU activations and at least as many units as `rules()` has rules.
            scale: Positive float, the size of the logits. At 40, a softmax over them is
                one-hot except for 1e-16.

        Returns:
            The layer.

        Raises:
            ValueError: If the layer is of another kind, or if a gate that writes cannot
                be kept idle because no READ comes before it.

        Example:

        >>> from keras_nm.layers import NRAM
        >>> from keras_nm.programs import PROGRAMS, Program
        >>> layer = PROGRAMS["copy"].into_layer(NRAM(num_registers=4))
        >>> Program.from_layer(layer) == PROGRAMS["copy"]
        True
        """
        write_rules(self, layer, scale)
        return layer

    def reachable_patterns(self) -> set[str]:
        """Returns the patterns that may occur when all registers start at 0.

        The analysis knows whether ZERO, ONE, TWO and the registers are 0. Any other source
        may be 0 or not. A pattern outside the set never occurs; one in the set may occur.
        """
        reached, waiting = set(), {ZERO * self.num_registers}
        while waiting:
            pattern = waiting.pop()
            reached.add(pattern)
            waiting |= self._successors(pattern) - reached
        return reached

    def _successors(self, pattern):
        circuit = self.circuits[pattern]
        gates = self._gates_of(circuit, fail=None)
        possible = {}
        for source in circuit.registers:
            if source not in gates:
                possible[source] = pattern[int(source[1:]) - 1]
            else:
                possible[source] = _CONSTANTS.get(gates[source].name, ZERO + POSITIVE)
        return {
            "".join(dict(zip(possible, bits, strict=True))[s] for s in circuit.registers)
            for bits in itertools.product(*possible.values())
        }

    def to_text(self, patterns: Iterable[str] | None = None) -> str:
        """Returns the program as text for people: one block and condition per circuit.

        Args:
            patterns: The patterns to show. Defaults to `reachable_patterns()`. Pass
                `trace(tape, num_steps)["patterns"]` to see which circuits ran on a tape.
        """
        return "\n".join(self.texts(patterns))

    __str__ = to_text

    def texts(self, patterns: Iterable[str] | None = None) -> list[str]:
        """Returns the blocks of `to_text`, in the order of `blocks`."""
        texts = []
        for condition, circuit in self.blocks(patterns):
            lines = [f"{name}({', '.join(inputs)})" for name, inputs in circuit.gates]
            moved = {
                f"r{index + 1}": source
                for index, source in enumerate(circuit.registers)
                if source != f"r{index + 1}"
            }
            if moved:
                lines.append(f"{', '.join(moved)} = {', '.join(moved.values())}")
            if circuit.stop:
                lines.append("stop")
            if not lines:
                lines.append("nothing")
            texts.append(f"{condition}:" + "".join(f"\n    {line}" for line in lines))
        return texts

    def blocks(self, patterns: Iterable[str] | None = None) -> list[tuple[str, Circuit]]:
        """Returns the circuits of the program, each with the condition for running it.

        Args:
            patterns: As for `to_text`.

        Example:

        >>> from keras_nm.programs import PROGRAMS
        >>> [condition for condition, _ in PROGRAMS["access"].blocks()]
        ['r1 = 0', 'r1 > 0']
        """
        shown = set(self.reachable_patterns() if patterns is None else patterns)
        shown = [pattern for pattern in self.circuits if pattern in shown]
        return [
            (" or ".join(_condition(cube) for cube in cover(own, others)), circuit)
            for circuit, own, others in self._by_circuit(shown)
        ]

    def _by_circuit(self, patterns):
        """Groups patterns by circuit: yields a circuit, its patterns, and all others."""
        groups = {}
        for pattern in patterns:
            groups.setdefault(self.circuits[pattern], []).append(pattern)
        for circuit, own in groups.items():
            is_own = set(own)
            yield circuit, own, [p for p in patterns if p not in is_own]

    def rules(self) -> list[tuple[str, Circuit]]:
        """Returns the whole table as a few rules.

        All rules that match a pattern have the same circuit.
        """
        return [
            (cube, circuit)
            for circuit, own, others in self._by_circuit(list(self.circuits))
            for cube in cover(own, others)
        ]

    def to_json(self) -> str:
        """Returns the program as JSON, for `from_json` and for other languages."""
        rules = [
            {
                "pattern": pattern,
                "gates": [[name, list(inputs)] for name, inputs in circuit.gates],
                "registers": list(circuit.registers),
                "stop": circuit.stop,
            }
            for pattern, circuit in self.rules()
        ]
        return json.dumps({**settings_of(self), "rules": rules})

    @classmethod
    def from_json(cls, text: str) -> "Program":
        """Reads a program that `to_json` wrote.

        Raises:
            ValueError: If the text is not JSON or not a program.
        """
        try:
            data = json.loads(text)
            rules = [
                (rule["pattern"], Circuit(rule["gates"], rule["registers"], rule["stop"]))
                for rule in data.pop("rules")
            ]
            return cls(rules=rules, **data)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                "This JSON is not a program. A program has num_registers, gates, "
                "gate_repeats, num_slots and rules, and a rule has pattern, gates, "
                f"registers and stop. The error was: {error!r}"
            ) from error

    def __eq__(self, other):
        if not isinstance(other, Program):
            return NotImplemented
        return settings_of(self) == settings_of(other) and self.circuits == other.circuits

    __hash__ = None

    def __repr__(self):
        return f"<Program of {self.num_registers} registers>"


def _pattern(is_zero):
    return "".join(ZERO if zero else POSITIVE for zero in is_zero)


def _condition(cube):
    signs = {ZERO: "= 0", POSITIVE: "> 0"}
    terms = [f"r{i + 1} {signs[c]}" for i, c in enumerate(cube) if c != ANY]
    return " and ".join(terms) or "always"
