"""Programs become the weights of machines, and come back out of them."""

import keras
import numpy as np
import pytest
from random_programs import random_program

from keras_nm.layers import NRAM, ChainedCell, NRAMCell
from keras_nm.programs import PROGRAMS, Circuit, Program


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
    one = Circuit({"ONE": []}, ["ONE"])
    program = Program(1, [("0", one), ("+", Circuit({}, ["r1"], stop=True))])
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
    diverged = NRAM(2)
    diverged.build((None, 5))
    diverged.set_weights([np.full_like(x, np.nan) for x in diverged.get_weights()])
    with pytest.raises(ValueError, match="its choices are not finite numbers"):
        Program.from_layer(diverged)
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
