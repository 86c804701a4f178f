"""Executions as tables of text."""

import numpy as np
import pytest

from keras_nm.layers import NRAM
from keras_nm.programs import Circuit, Program, execution_table


def test_execution_table_shows_integers_and_doubts():
    trace = {
        "tape": np.array([[[[1, 0], [0, 1]], [[0.95, 0.05], [0.4, 0.6]]]]),
        "registers": np.array([[[[1, 0]], [[0.1, 0.9]]]]),
        "stopping_mass": np.array([[[0.25]]]),
    }
    assert execution_table(trace).splitlines() == [
        "step |  0  1 | r1 | stop",
        "   1 |  0  1 |  0 | 0.25",
        " end |  0 1~ |  1 |",
    ]


def test_execution_table_of_one_example_of_a_layer(rng):
    tape = rng.integers(0, 5, (2, 5))
    layer = NRAM(2, gates=["READ", "INC", "WRITE"])
    table = execution_table(layer.trace(tape, 2), example=1).splitlines()
    assert len(table) == 4
    assert table[1].split()[:7] == ["1", "|", *map(str, tape[1])]
    with pytest.raises(IndexError):
        execution_table(layer.trace(tape, 2), example=2)


def test_execution_table_ends_where_the_program_stopped():
    # Goes to the address in cell 0, and writes 0 there.
    erase = [
        ("0", Circuit({"READ": ["r1"]}, ["READ"])),
        ("+", Circuit({"ZERO": [], "WRITE": ["r1", "ZERO"]}, ["ZERO"], stop=True)),
    ]
    table = execution_table(Program(1, erase).trace(np.array([[1, 12, *[0] * 11]]), 5))
    cells = " ".join(["{:2}"] * 13)
    assert table.splitlines() == [
        f"step | {cells.format(*range(13))} | r1",
        f"   1 | {cells.format(1, 12, *[0] * 11)} |  0",
        f"   2 | {cells.format(1, 12, *[0] * 11)} |  1",
        f" end | {cells.format(1, 0, *[0] * 11)} |  0",
    ]
