"""Learned programs run, fail clearly, and are verified."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from solved_npi import solved_npi

import keras_nm
from keras_nm.programs import npi
from keras_nm.programs.npi import interpreter as module

LIBRARY = npi.Addition(base=2)


@pytest.fixture(scope="module")
def layer():
    return solved_npi(LIBRARY)


def test_a_verified_layer_adds_at_any_length(layer, rng):
    verification = npi.verify(LIBRARY, layer)
    assert verification.is_proof, verification
    assert verification.margin > 0
    assert "ADD: 98 of 98 calls right\n" in str(verification) + "\n"
    interpreter = npi.Interpreter(LIBRARY, layer)
    shown = npi.Interpreter(LIBRARY)
    for size in (1, 5, 200):
        first, second = (
            int("".join(map(str, x)), 2) for x in rng.integers(0, 2, (2, size))
        )
        pad, expected = (LIBRARY.environment(first, second) for _ in range(2))
        assert interpreter.run(pad) == shown.run(expected)
        assert pad.result == first + second
    # What it decides, it decides by its outputs at each step of the call as a sequence.
    [call] = [c for c in interpreter.calls(LIBRARY.environment(1, 1)) if c.program == 3]
    outputs = keras.ops.convert_to_numpy(layer(LIBRARY.batch([call])[0]))[0]
    assert [module.decided(LIBRARY, row) for row in outputs] == list(call.steps)


def test_a_layer_trains_on_after_its_verification():
    controller = keras.layers.SimpleRNNCell(4, dropout=0.2)
    layer = keras_nm.layers.NPI(
        LIBRARY.num_programs, argument_sizes=LIBRARY.argument_sizes, controller=controller
    )
    inputs = np.zeros((2, 3, LIBRARY.input_size), "float32")
    for _ in range(2):
        assert np.all(np.isfinite(layer(inputs, training=True)))
        npi.verify(LIBRARY, layer)


def test_verification_finds_what_is_wrong(layer):
    """The same weights, but for the embedding of CARRY, which is that of LSHIFT."""
    broken = keras_nm.layers.NPI.from_config(layer.get_config())
    broken.build((None, None, LIBRARY.input_size))
    broken.set_weights(layer.get_weights())
    embeddings = broken.cell.program_embeddings.numpy()
    embeddings[3] = embeddings[4]
    broken.cell.program_embeddings.assign(embeddings)
    verification = npi.verify(LIBRARY, broken)
    assert not verification.is_proof
    for name in ("ADD", "ADD1", "LSHIFT"):
        assert not verification.faults[name]
    assert len(verification.faults["CARRY"]) == verification.num_calls["CARRY"]
    fault = verification.faults["CARRY"][0]
    assert fault.decided != fault.call.steps[fault.time]
    assert "CARRY: 0 of 6 calls right" in str(verification)
    assert "instead of ACT(1, 2, 0)" in str(verification)


def test_verification_finds_decisions_that_are_not_numbers(layer):
    broken = keras_nm.layers.NPI.from_config(layer.get_config())
    broken.build((None, None, LIBRARY.input_size))
    broken.set_weights([np.full_like(x, np.nan) for x in layer.get_weights()])
    verification = npi.verify(LIBRARY, broken)
    for name, faults in verification.faults.items():
        assert len(faults) == verification.num_calls[name]


def test_verification_takes_recursive_programs(layer):
    with pytest.raises(ValueError, match="recursive=True"):
        npi.verify(npi.Addition(base=2, recursive=False), layer)


@pytest.mark.parametrize("wrong", [keras.layers.LSTM(4), keras_nm.layers.NPI(5, (2,))])
def test_layers_of_other_sizes_are_refused(wrong):
    with pytest.raises(ValueError, match=r"NPI with num_programs=5 and .*\(3, 4, 2\)"):
        npi.Interpreter(LIBRARY, wrong)


def test_layers_for_other_observations_are_refused():
    library = npi.BubbleSort(base=3)
    layer = keras_nm.layers.NPI(library.num_programs, library.argument_sizes)
    npi.Interpreter(library, layer)  # builds it
    message = r"of 26 channels.* base=10\), a layer built .* of 12 channels"
    with pytest.raises(ValueError, match=message):
        npi.Interpreter(npi.BubbleSort(), layer)


@pytest.mark.parametrize("wrong", [npi.Addition, "addition"])
@pytest.mark.parametrize("function", [npi.Interpreter, npi.verify])
def test_other_libraries_are_refused(function, wrong, layer):
    with pytest.raises(ValueError, match=r"`library` must be a Library, .*: library="):
        function(wrong, layer)


class Mutant(npi.Addition):
    """Addition with other steps for one program."""

    def show(self, program, environment):
        if program in self.changed:
            return self.changed[program](self)
        return super().show(program, environment)


def failing(changed, **limits):
    Mutant.changed = changed
    library = Mutant(base=2)
    pad = library.environment(3, 1)
    with pytest.raises(npi.ExecutionError) as error:
        npi.Interpreter(library, **limits).run(pad)
    return str(error.value)


def forever(library):
    while True:
        yield library.step("LSHIFT")


def itself(library):
    yield library.step("ADD1")
    yield library.act(ends=True)


def nonsense(library):
    yield library.act(2, 0, 1)


def test_loops_and_nonsense_are_errors():
    message = failing({"ADD1": forever}, max_steps=50)
    assert "In ADD > ADD1" in message
    assert "after 50 steps there is no end" in message
    message = failing({"ADD1": itself}, max_depth=7)
    assert message.startswith("In ADD > ADD1 > ... > ADD1 > ADD1: 7 calls wait")
    message = failing({"CARRY": nonsense})
    assert message.startswith("In ADD > CARRY: An action on a ScratchPad is")
    assert message.endswith("Received: (2, 0, 1)")


def test_calls_at_the_end_need_no_stack():
    pad = LIBRARY.environment(2**500, 1)
    npi.Interpreter(LIBRARY, max_depth=3).run(pad)
    assert pad.result == 2**500 + 1


def test_the_tree_of_calls():
    events = npi.Interpreter(LIBRARY).trace(LIBRARY.environment(1, 1))
    lines = npi.call_tree(events).splitlines()
    assert [line.split("IN 1")[0].rstrip() for line in lines[:5]] == [
        "ADD",
        "  ADD1",
        "    WRITE OUT 0",
        "    CARRY",
        "      PTR CARRY LEFT",
    ]
    assert lines[2].endswith(" IN 1  [1]  IN 2  [1]  CARRY  [ ]  OUT  [0]")
    assert lines[4].endswith(" IN 1   [1]  IN 2   [1]  CARRY  [ ]   OUT   [0]")
    assert lines[-1].strip().startswith("NOTHING")
    Mutant.changed = {"ADD1": nonsense}
    library = Mutant(base=2)
    events = npi.Interpreter(library).trace(library.environment(1, 1))
    assert events[-1].name.startswith("Failed: In ADD > ADD1: An action")


def test_a_tree_needs_events():
    with pytest.raises(ValueError, match=r"the result of Interpreter\.trace"):
        npi.call_tree([])


def test_programs_without_arguments():
    library = SimpleNamespace(num_programs=3, argument_sizes=())
    decision = module.decided(library, np.array([0.5, -1.0, 2.0, 1.0]))
    assert (decision.program, decision.arguments) == (1, ())
