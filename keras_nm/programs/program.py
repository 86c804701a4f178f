"""Programs: what a Neural Random-Access Machine does, without a network.

With every softmax replaced by its argmax, all that a feed-forward controller can do is
choose one circuit for each set of registers that are 0 (Kurach et al. 2016, section 3.1).
That table is a program: it can be written by hand, run, printed, and put into a network.
"""

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_nm.arguments import check_integer
from keras_nm.layers.gates import DEFAULT_GATES, kind_of, number_gates, slots_of
from keras_nm.layers.inputs import check_sizes, check_steps, check_tape
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
from keras_nm.programs.compiler import machine_of, read_rules, write_rules

_CONSTANTS = {"ZERO": ZERO, "ONE": POSITIVE, "TWO": POSITIVE}


class Program:
    """A table from the registers that are 0 to the circuit of the next time step.

    Args:
        num_registers: Integer from 1 to 12, the number of registers R.
        rules: Pairs `(pattern, circuit)`. A pattern has one character per register:
            `"0"` for a register that is 0, `"+"` for one that is not, `"*"` for either.
            The first rule that matches counts.
        gates: Names of the gates of a time step, in order. Defaults to the paper's.
        gate_repeats: Positive integer, how many times the list is run in a step.
        num_slots: `None`, or the number of slots of a machine whose controller also
            chooses which gate of the list runs in each slot. A circuit then has at most
            that many gates, in any order.

    Attributes:
        circuits: Dict from each of the 2^R patterns of `"0"` and `"+"` to its circuit,
            without the gates that have no effect.

    Raises:
        ValueError: For a pattern that no rule matches, and for circuits that the machine
            cannot run: unknown gates or sources, a wrong order or number of arguments.

    Example, the paper's program for the task increment: add 1 to every cell.

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
                    f"{ANY * self.num_registers!r}, everything else"
                )
        return table

    def _checked(self, pattern, circuit):
        """The circuit without what has no effect, or an error if it cannot be run."""

        def fail(message):
            raise ValueError(f"Circuit for {pattern!r}: {message}")

        if len(pattern) != self.num_registers or set(pattern) - {ZERO, POSITIVE, ANY}:
            fail(
                f"the pattern must have {self.num_registers} of the characters "
                f"{ZERO!r}, {POSITIVE!r} and {ANY!r}, one per register"
            )
        if len(circuit.registers) != self.num_registers:
            fail(
                f"{self.num_registers} registers need a source each. "
                f"Received: registers={circuit.registers}"
            )
        named = self._gates_of(circuit, fail)
        sources = register_names(self.num_registers)
        for name, arguments in circuit.gates:
            if len(arguments) != named[name].num_arguments:
                fail(f"{name} takes {named[name].num_arguments} arguments, not {arguments}")
            for source in arguments:
                if source not in sources:
                    fail(f"{source!r} is no source for {name}. There are {sources}")
            sources.append(name)
        for source in circuit.registers:
            if source not in sources:
                fail(f"{source!r} is no source for a register. There are {sources}")
        return without_idle_gates(circuit, named, renumber=self.num_slots is not None)

    def _gates_of(self, circuit, fail):
        """A dict from the names in a circuit to the gates they stand for."""
        names = [name for name, _ in circuit.gates]
        if self.num_slots is None:
            order = list(self.sequence)
            unknown = [name for name in names if name not in self.sequence]
            if unknown:
                fail(f"unknown gate {unknown[0]!r}. A step runs {order}")
            if [order.index(name) for name in names] != sorted(
                {order.index(name) for name in names}
            ):
                fail(f"the gates {names} do not come in the order of a step, {order}")
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
        """Runs the program, in NumPy.

        Args:
            tape: Integers `(B, M)` from 0 to M - 1.
            num_steps: After how many steps a machine is stopped that has not stopped by
                itself: an integer, or integers `(B,)`.

        Returns:
            The tapes at the end, `(B, M)`.

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
        """Runs the program and keeps what happens.

        Args:
            tape: As for `run`.
            num_steps: As for `run`.

        Returns:
            A dict: `"tape"` `(B, T + 1, M)` and `"registers"` `(B, T + 1, R)` before each
            step and after the last, with T the most steps of all; `"num_steps"` `(B,)`,
            the steps that each machine ran; and `"patterns"`, the set of patterns met.
            A machine that has stopped stays as it is. `execution_table` prints it.

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
        """Runs one step: gives the new tapes and registers."""
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
        """Reads the program out of a layer's weights: all choices by argmax.

        Args:
            layer: A built `NRAM` or `NRAMCell` with a feed-forward controller.

        Raises:
            ValueError: For a layer that is not built, has more than 12 registers, or whose
                controller has states.

        Example, the program of an untrained layer:

        >>> from keras_nm.layers import NRAM
        >>> from keras_nm.programs import Program
        >>> layer = NRAM(num_registers=3)
        >>> layer.build((None, None))
        >>> Program.from_layer(layer)
        <Program of 3 registers>
        """
        return cls(rules=read_rules(layer), **machine_of(layer))

    def into_layer(self, layer, scale: float = 40.0):
        """Gives a layer the weights with which it runs this program.

        The first hidden layer finds out which rule matches, one unit per rule; the others
        pass this on.

        Args:
            layer: An `NRAM` or `NRAMCell` of the same registers and gates, whose
                controller is one `Dense` layer or a `keras.Sequential` of them, with
                ReLU activations and at least as many units as `rules()` has rules.
            scale: Positive float, the size of the logits. At 40, a softmax over them is
                one-hot but for 1e-16.

        Returns:
            The layer.

        Raises:
            ValueError: For a layer of another kind, and if a gate that writes cannot be
                kept idle, because no READ comes before it.

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
        """The patterns that may be met, starting with all registers at 0.

        It is known of ZERO, ONE, TWO and the registers whether they are 0; everything else
        may be or not. A pattern left out is never met; one that is in may be.
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
        """The program for people: one block for each circuit, and when it is run.

        Args:
            patterns: The patterns to show. Defaults to `reachable_patterns()`. Pass
                `trace(tape, num_steps)["patterns"]` to see what was run on these tapes.
        """
        return "\n".join(self.texts(patterns))

    __str__ = to_text

    def texts(self, patterns: Iterable[str] | None = None) -> list[str]:
        """The blocks of `to_text`, in the order of `blocks`."""
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
        """The circuits of the program, each with the condition under which it is run.

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
        """Groups patterns: yields circuit, its patterns, and all the others."""
        groups = {}
        for pattern in patterns:
            groups.setdefault(self.circuits[pattern], []).append(pattern)
        for circuit, own in groups.items():
            yield circuit, own, [p for p in patterns if p not in own]

    def rules(self) -> list[tuple[str, Circuit]]:
        """The whole table as few rules. All that match a pattern have the same circuit."""
        return [
            (cube, circuit)
            for circuit, own, others in self._by_circuit(list(self.circuits))
            for cube in cover(own, others)
        ]

    def to_json(self) -> str:
        """The program as JSON, for `from_json` and for other languages."""
        rules = [
            {
                "pattern": pattern,
                "gates": [[name, list(inputs)] for name, inputs in circuit.gates],
                "registers": list(circuit.registers),
                "stop": circuit.stop,
            }
            for pattern, circuit in self.rules()
        ]
        return json.dumps({**machine_of(self), "rules": rules})

    @classmethod
    def from_json(cls, text: str) -> "Program":
        """Reads what `to_json` wrote.

        Raises:
            ValueError: If the text is no JSON or no program.
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
                "This JSON is no program. A program has num_registers, gates, "
                "gate_repeats, num_slots and rules, and a rule has pattern, gates, "
                f"registers and stop. The error was: {error!r}"
            ) from error

    def __eq__(self, other):
        if not isinstance(other, Program):
            return NotImplemented
        return machine_of(self) == machine_of(other) and self.circuits == other.circuits

    __hash__ = None

    def __repr__(self):
        return f"<Program of {self.num_registers} registers>"


def _pattern(is_zero):
    return "".join(ZERO if zero else POSITIVE for zero in is_zero)


def _condition(cube):
    signs = {ZERO: "= 0", POSITIVE: "> 0"}
    terms = [f"r{i + 1} {signs[c]}" for i, c in enumerate(cube) if c != ANY]
    return " and ".join(terms) or "always"
