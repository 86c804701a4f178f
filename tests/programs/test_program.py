import json

import numpy as np
import pytest
import tensorflow as tf
from random_programs import GATES, interpret, random_program, random_rules

from keras_nm.layers import NRAM, gates
from keras_nm.layers.nram.gates import DEFAULT_GATES
from keras_nm.programs import Circuit, Program

# Goes to the address in cell 0, and writes 0 there.
ERASE = [
    ("0", Circuit({"READ": ["r1"]}, ["READ"])),
    ("+", Circuit({"ZERO": [], "WRITE": ["r1", "ZERO"]}, ["ZERO"], stop=True)),
]


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


def test_programs_do_what_their_circuits_say(rng):
    for options in ({}, {"num_slots": 6}):
        layer = NRAM(3, gates=GATES, **options)
        run_integers = tf.function(layer.run_integers)
        for _ in range(15):
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


@pytest.mark.slow
def test_many_registers_are_written_and_printed():
    layer = NRAM(10, gates=["READ", "WRITE"])
    layer.build((None, 5))
    program = Program.from_layer(layer)
    assert Program.from_json(program.to_json()) == program
    assert "r10" in str(program)


def test_layers_with_too_many_registers_are_refused():
    layer = NRAM(40, gates=["READ", "WRITE"])
    layer.build((None, 5))
    with pytest.raises(ValueError, match="must be at most 12"):
        Program.from_layer(layer)


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
        (np.array([[1, 3, 0]]), 1, "from 0 to 2. Received: integers from 0 to 3"),
        (np.array([[1, -1, 0]]), 1, "from 0 to 2. Received: integers from -1 to 1"),
        (np.array([[0]]), 1, "ONE needs a tape of at least 2 cells"),
        (np.array([[1, 2, 0]]), 0, "`num_steps` must be an integer of at least 1"),
        (np.array([[1, 2, 0]]), 1.5, "`num_steps` must be an integer of at least 1"),
    ],
)
def test_wrong_tapes_and_steps_are_refused(tape, num_steps, message):
    program = Program(1, [("*", Circuit({"ONE": []}, ["ONE"]))])
    with pytest.raises(ValueError, match=message):
        program.run(tape, num_steps)
