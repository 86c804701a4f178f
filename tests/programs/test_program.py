import json

import keras
import nram_loops
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.layers import NRAM, ChainedCell, NRAMCell, gates
from keras_nm.layers.nram.gates import DEFAULT_GATES
from keras_nm.programs import PROGRAMS, Circuit, Program, execution_table

# Goes to the address in cell 0, and writes 0 there.
ERASE = [
    ("0", Circuit({"READ": ["r1"]}, ["READ"])),
    ("+", Circuit({"ZERO": [], "WRITE": ["r1", "ZERO"]}, ["ZERO"], stop=True)),
]


GATES = ["READ", "ONE", "INC", "ADD", "LESS-THAN", "WRITE"]


def random_rules(rng, num_registers=3, **options):
    """A circuit per pattern, drawn gate by gate."""
    gates = GATES
    num_arguments = nram_loops.NUM_ARGUMENTS
    rules = []
    for code in range(2**num_registers):
        pattern = "".join("0+"[code >> bit & 1] for bit in range(num_registers))
        names = gates
        if "num_slots" in options:
            drawn = list(rng.choice(gates, options["num_slots"]))
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


# Running


def test_a_program_runs_until_it_stops():
    program = Program(1, ERASE)
    tape = np.array([[2, 7, 7, 7, 0, 0, 0, 0], [0] * 8, [3, 7, 7, 7, 0, 0, 0, 0]])
    trace = program.trace(tape, num_steps=9)
    assert trace["num_steps"].tolist() == [2, 9, 2]
    assert trace["patterns"] == {"0", "+"}
    assert trace["tape"].shape == (3, 10, 8)
    assert trace["registers"][0, :, 0].tolist() == [0, 2, *[0] * 8]
    expected = tape.copy()
    expected[0, 2] = expected[2, 3] = 0
    assert program.run(tape, 9).tolist() == expected.tolist()
    assert program.run(tape, np.array([9, 9, 1]))[2].tolist() == tape[2].tolist()


def test_the_caller_s_tape_is_left_alone():
    tape = np.array([[1, 2, 0]])
    Program(1, ERASE).run(tape, 2)
    assert tape.tolist() == [[1, 2, 0]]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint64"])
def test_narrow_and_unsigned_integers_do_not_overflow(dtype):
    step = Circuit({"READ": ["r1"], "ADD": ["READ", "READ"], "DEC": ["r1"]}, ["ADD", "DEC"])
    trace = Program(2, [("**", step)]).trace(np.full((1, 101), 100, dtype), 1)
    assert trace["registers"][0, 1].tolist() == [99, 100]


def test_first_rule_that_matches_counts():
    circuits = [Circuit({name: []}, [name, "r1"]) for name in ("ZERO", "ONE", "TWO")]
    rules = zip(["0+", "0*", "**"], circuits, strict=True)
    registers = [c.registers[0] for c in Program(2, rules).circuits.values()]
    assert registers == ["ONE", "ZERO", "TWO", "TWO"]


def test_execution_table_ends_where_the_program_stopped():
    table = execution_table(Program(1, ERASE).trace(np.array([[1, 12, *[0] * 11]]), 5))
    cells = " ".join(["{:2}"] * 13)
    assert table.splitlines() == [
        f"step | {cells.format(*range(13))} | r1",
        f"   1 | {cells.format(1, 12, *[0] * 11)} |  0",
        f"   2 | {cells.format(1, 12, *[0] * 11)} |  1",
        f" end | {cells.format(1, 0, *[0] * 11)} |  0",
    ]


# Pruning


def test_gates_without_effect_are_left_out():
    circuit = Circuit(
        {
            "READ": ["r1"],
            "ONE": [],
            "INC": ["r1"],
            "ADD": ["INC", "r1"],
            "WRITE": ["r1", "ONE"],
        },
        ["READ"],
    )
    kept = Program(1, [("*", circuit)]).circuits["0"]
    assert [name for name, _ in kept.gates] == ["READ", "ONE", "WRITE"]


@pytest.mark.parametrize(
    ("gates", "registers", "kept"),
    [
        # Writes back what was read at the same place.
        ({"READ": ["r1"], "WRITE": ["r1", "READ"]}, "r1", []),
        ({"READ": ["r1"], "WRITE": ["r2", "READ"]}, "r1", ["READ", "WRITE"]),
        ({"READ": ["r1"], "WRITE": ["r1", "READ"]}, "WRITE", ["READ", "WRITE"]),
        # The same write once more.
        (
            {"READ": ["r2"], "WRITE": ["r1", "READ"], "WRITE2": ["r1", "READ"]},
            "r1",
            ["READ", "WRITE"],
        ),
        # The first write may have changed what the second one writes back.
        (
            {"READ": ["r1"], "WRITE": ["r1", "r2"], "WRITE2": ["r1", "READ"]},
            "r1",
            ["READ", "WRITE", "WRITE2"],
        ),
        (
            {"WRITE": ["r1", "r2"], "READ2": ["r1"], "WRITE2": ["r1", "READ2"]},
            "r1",
            ["WRITE"],
        ),
        (
            {"READ": ["r1"], "WRITE": ["r1", "READ"], "WRITE2": ["r1", "READ"]},
            "r1",
            [],
        ),
    ],
)
def test_writing_a_cell_s_own_content_is_no_effect(gates, registers, kept):
    circuit = Circuit(gates, [registers, "r2"])
    program = Program(2, [("**", circuit)], gate_repeats=2)
    assert [name for name, _ in program.circuits["00"].gates] == kept


def test_programs_do_what_their_circuits_say(rng):
    for options in ({}, {"num_slots": 6}):
        layer = NRAM(3, gates=GATES, **options)
        run_integers = tf.function(layer.run_integers)
        for _ in range(40):
            rules = random_rules(rng, **options)
            program = Program(3, rules, GATES, **options)
            tape = rng.integers(0, 7, (8, 7))
            trace = program.trace(tape, 5)
            program.into_layer(layer)
            result = run_integers(tape, 5)
            for row in range(len(tape)):
                end, registers, num_steps = interpret(rules, tape[row], 5)
                assert trace["tape"][row, -1].tolist() == end
                assert trace["registers"][row, -1].tolist() == registers
                assert trace["num_steps"][row] == num_steps
                assert result["tape"][row].numpy().tolist() == end
                assert result["registers"][row].numpy().tolist() == registers
                assert result["num_steps"][row] == num_steps


def test_a_pattern_that_may_be_met_is_not_left_out(monkeypatch):
    monkeypatch.setattr(gates, "GATES", dict(gates.GATES))
    head = gates.Gate(
        "HEAD", 0, lambda tape: tape[:, 0], lambda xp, tape: tape[:, 0], min_size=9
    )
    gates.register_gate(head)
    program = Program(1, [("*", Circuit({"HEAD": []}, ["HEAD"]))], gates=["HEAD"])
    assert program.reachable_patterns() == {"0", "+"}


def test_many_registers_are_printed_in_time():
    layer = NRAM(10, gates=["READ", "WRITE"])
    layer.build((None, 5))
    program = Program.from_layer(layer)
    assert Program.from_json(program.to_json()) == program
    layer = NRAM(40, gates=["READ", "WRITE"])
    layer.build((None, 5))
    with pytest.raises(ValueError, match="must be at most 12"):
        Program.from_layer(layer)


# Weights


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_ten_programs_come_back_out_of_weights(name):
    program = PROGRAMS[name]
    layer = NRAM(program.num_registers, gate_repeats=program.gate_repeats)
    assert program.into_layer(layer) is layer
    assert Program.from_layer(layer) == program
    assert Program.from_layer(layer.cell) == program


@pytest.mark.parametrize("options", [{}, {"gate_repeats": 2}, {"num_slots": 4}])
def test_random_programs_come_back_out_of_weights(options, rng):
    for hidden in ([8], [8, 9], [20, 8, 8]):
        program = random_program(rng, **options)
        controller = keras.Sequential([keras.layers.Dense(n, "relu") for n in hidden])
        cell = NRAMCell(3, controller, gates=program.gates, **options)
        assert Program.from_layer(program.into_layer(cell)) == program


def test_an_untrained_layer_has_a_program_too(rng):
    layer = NRAM(3, controller=keras.layers.Dense(9, "tanh"), gate_repeats=2)
    tape = rng.integers(0, 11, (30, 11))
    result = layer.run_integers(tape, 8)
    program = Program.from_layer(layer)
    assert np.array_equal(program.run(tape, 8), result["tape"])
    copy = NRAM(
        3,
        controller=keras.layers.Dense(len(program.rules()), "relu"),
        gate_repeats=2,
    )
    assert np.array_equal(
        program.into_layer(copy).run_integers(tape, 8)["tape"], result["tape"]
    )


def test_a_gate_that_must_write_keeps_quiet_after_another():
    gates = ["READ", "WRITE", "WRITE"]
    circuit = Circuit({"READ": ["r1"], "WRITE": ["r2", "READ"]}, ["READ", "r1"])
    program = Program(2, [("**", circuit)], gates)
    layer = program.into_layer(NRAM(2, gates=gates))
    assert Program.from_layer(layer) == program
    tape = np.array([[3, 1, 2, 0], [2, 0, 1, 3]])
    result = layer.run_integers(tape, 4)["tape"].numpy()
    assert result.tolist() == program.run(tape, 4).tolist()


def test_layers_of_another_kind_are_refused():
    program = Program(1, ERASE)
    with pytest.raises(ValueError, match="`scale` must be a positive number"):
        program.into_layer(NRAM(1), scale=-1)
    with pytest.raises(ValueError, match="must have the program's settings"):
        program.into_layer(NRAM(2))
    with pytest.raises(ValueError, match="must have the program's settings"):
        program.into_layer(NRAM(1, gate_repeats=2))
    for controller in (
        keras.layers.Dense(1, "relu"),
        keras.layers.Dense(8, "tanh"),
        keras.layers.Dense(8),
        keras.layers.Dense(8, "relu", use_bias=False),
        keras.layers.LSTMCell(8),
        keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.1)]),
    ):
        with pytest.raises(ValueError, match="at least 2 units, one per rule"):
            program.into_layer(NRAM(1, controller=controller))
    step = Circuit({"INC": ["r1"]}, ["INC"])
    with pytest.raises(ValueError, match=r"WRITE writes .* from a READ before it"):
        Program(1, [("*", step)], gates=["INC", "WRITE"]).into_layer(
            NRAM(1, gates=["INC", "WRITE"])
        )


def test_only_built_layers_with_feed_forward_controllers_have_a_program():
    with pytest.raises(ValueError, match="call it first"):
        Program.from_layer(NRAM(2))
    layer = NRAM(2, controller=ChainedCell([keras.layers.LSTMCell(3)]))
    layer.build((None, 5))
    with pytest.raises(ValueError, match="feed-forward controller"):
        Program.from_layer(layer)
    replicas = NRAM(4, num_replicas=2)
    replicas.build((None, 5))
    for use in (Program.from_layer, PROGRAMS["copy"].into_layer):
        with pytest.raises(ValueError, match=r"2 machines .* layer.replica"):
            use(replicas)
    replicas.assign_replica(1, built_copy())
    assert Program.from_layer(replicas.replica(1)) == PROGRAMS["copy"]


def built_copy():
    layer = NRAM(4)
    layer.build((None, 5))
    return PROGRAMS["copy"].into_layer(layer)


# JSON


def test_json_round_trip(rng):
    for options in ({}, {"gate_repeats": 2}, {"num_slots": 4}):
        program = random_program(rng, **options)
        copy = Program.from_json(program.to_json())
        assert copy == program
        assert copy != random_program(rng, **options)


def test_json_is_plain():
    data = json.loads(Program(1, ERASE).to_json())
    assert data == {
        "num_registers": 1,
        "gates": list(DEFAULT_GATES),
        "gate_repeats": 1,
        "num_slots": None,
        "rules": [
            {
                "pattern": "0",
                "gates": [["READ", ["r1"]]],
                "registers": ["READ"],
                "stop": False,
            },
            {
                "pattern": "+",
                "gates": [["ZERO", []], ["WRITE", ["r1", "ZERO"]]],
                "registers": ["ZERO"],
                "stop": True,
            },
        ],
    }


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rules": [{}]}', '{"rules": 3}'])
def test_other_json_is_refused(text):
    with pytest.raises(ValueError):
        Program.from_json(text)


# Text


def test_text_has_a_block_per_circuit():
    assert str(Program(1, ERASE)) == (
        "r1 = 0:\n    READ(r1)\n    r1 = READ\n"
        "r1 > 0:\n    ZERO()\n    WRITE(r1, ZERO)\n    r1 = ZERO\n    stop"
    )


def test_patterns_that_cannot_be_met_are_left_out():
    swap = [
        ("00", Circuit({"ONE": []}, ["ONE", "r1"])),
        ("+0", Circuit({}, ["r2", "r1"])),
        ("0+", Circuit({}, ["r1", "r2"])),
        ("++", Circuit({}, ["r1", "r2"], stop=True)),
    ]
    program = Program(2, swap)
    assert program.reachable_patterns() == {"00", "+0", "0+"}
    assert str(program) == (
        "r1 = 0 and r2 = 0:\n    ONE()\n    r1, r2 = ONE, r1\n"
        "r2 > 0:\n    nothing\n"
        "r1 > 0:\n    r1, r2 = r2, r1"
    )
    shown = program.to_text(program.trace(np.zeros((1, 3), int), 1)["patterns"])
    assert shown == "always:\n    ONE()\n    r1, r2 = ONE, r1"


def test_reachable_patterns_are_all_that_are_met(rng):
    for _ in range(20):
        program = random_program(rng)
        met = program.trace(rng.integers(0, 4, (200, 4)), 20)["patterns"]
        assert met <= program.reachable_patterns()
    # Registers with one source are 0 together or not at all.
    step = Circuit({"READ": ["r1"]}, ["READ", "READ"])
    assert Program(2, [("**", step)]).reachable_patterns() == {"00", "++"}


# Bad input


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            [("0", Circuit({}, ["r1"]))],
            "No rule matches the pattern '\\+'. Add a last rule",
        ),
        ([("**", Circuit({}, ["r1"]))], "the pattern must have length 1, with one char"),
        ([("1", Circuit({}, ["r1"]))], "the pattern must have length 1, with one char"),
        ([("*", Circuit({}, ["r1", "r1"]))], "each of the 1 registers needs one source"),
        ([("*", Circuit({}, ["r2"]))], "a register cannot take 'r2'"),
        ([("*", Circuit({"XOR": []}, ["r1"]))], "unknown gate 'XOR'. A step runs"),
        ([("*", Circuit({"INC2": ["r1"]}, ["r1"]))], "unknown gate 'INC2'"),
        (
            [("*", Circuit({"INC": []}, ["r1"]))],
            "number of arguments of INC must be 1. Received: \\(\\)",
        ),
        ([("*", Circuit({"INC": ["DEC"]}, ["r1"]))], "INC cannot take 'DEC'"),
        (
            [("*", Circuit({"DEC": ["r1"], "INC": ["DEC"]}, ["r1"]))],
            "must be in the order of a step",
        ),
    ],
)
def test_wrong_circuits_are_refused(rules, message):
    with pytest.raises(ValueError, match=message):
        Program(1, rules)


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        ({"XOR": []}, "unknown gate 'XOR'. A slot chooses from"),
        ({"INC": ["r1"], "INC3": ["r1"]}, "must be numbered like \\['INC', 'INC2'\\]"),
        ({"ONE": [], "TWO": [], "ONE2": []}, "3 gates do not fit into 2 slots"),
    ],
)
def test_wrong_circuits_of_slots_are_refused(gates, message):
    with pytest.raises(ValueError, match=message):
        Program(1, [("*", Circuit(gates, ["r1"]))], num_slots=2)


def test_too_many_registers_are_refused():
    with pytest.raises(ValueError, match=r"at most 12\. Received: num_registers=17"):
        Program(17, [])


@pytest.mark.parametrize(
    ("tape", "num_steps", "message"),
    [
        (np.array([1, 2, 0]), 1, "integers of shape \\(batch, M\\). Received: int64"),
        (np.array([[1.0, 2.0, 0.0]]), 1, "Received: float64 of shape \\(1, 3\\)"),
        (np.array([[1, 3, 0]]), 1, "from 0 to 2. Received integers from 0 to 3"),
        (np.array([[1, -1, 0]]), 1, "from 0 to 2. Received integers from -1 to 1"),
        (np.array([[0]]), 1, "ONE needs a tape of at least 2 cells"),
        (np.array([[1, 2, 0]]), 0, "`num_steps` must be an integer of at least 1"),
        (np.array([[1, 2, 0]]), 1.5, "`num_steps` must be an integer of at least 1"),
    ],
)
def test_wrong_tapes_and_steps_are_refused(tape, num_steps, message):
    program = Program(1, [("*", Circuit({"ONE": []}, ["ONE"]))])
    with pytest.raises(ValueError, match=message):
        program.run(tape, num_steps)
