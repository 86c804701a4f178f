"""Gates without effect are left out of circuits."""

import pytest

from keras_nm.programs import Circuit, Program


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


@pytest.mark.parametrize(
    ("gates", "registers", "message"),
    [
        ({"INC": "r1"}, ["INC"], r"sources of INC must be a list .* such as \['r1'\]"),
        ({"INC": ["r1"]}, "INC", r"sources of registers must be .* such as \['INC'\]"),
    ],
)
def test_a_name_is_not_a_list_of_letters(gates, registers, message):
    with pytest.raises(ValueError, match=message):
        Circuit(gates, registers)
