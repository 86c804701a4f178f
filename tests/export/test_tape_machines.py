"""The endpoints of a machine on tapes."""

import json

import keras
import numpy as np
import pytest
import small_models
import tensorflow as tf

from keras_nm.export import export
from keras_nm.layers import NRAM
from keras_nm.programs import Program


def test_an_exported_program_answers(exported_walker):
    served = tf.saved_model.load(exported_walker / "1").signatures
    # The head at 6 holds 9, the next node at 8 holds 5, and the last one at 4 holds 7.
    tape = [[6, 2, 3, 0, 0, 7, 8, 9, 4, 5]]
    inputs = {"tape": tf.constant(tape), "num_steps": tf.constant(20)}
    for name in ("fuzzy", "integer"):
        answer = served[name](**inputs)
        assert answer["tape"][0, 3] == 7
        assert answer["num_steps"][0] == 4


def test_a_machine_runs_step_by_step(exported_walker):
    program = small_models.WALKER
    step = tf.saved_model.load(exported_walker / "1").signatures["step"]
    tape = np.array([[6, 2, 3, 0, 0, 7, 8, 9, 4, 5]])
    trace = program.trace(tape, num_steps=20)
    [num_steps] = trace["num_steps"]
    states = {
        "tape": tf.constant(tape, tf.int32),
        "registers": tf.zeros((1, program.num_registers), tf.int32),
    }
    for time in range(num_steps):
        result = step(**states)
        states = {name: result[name] for name in states}
        for name, state in states.items():
            assert np.array_equal(state, trace[name][:, time + 1])
        assert result["stop"][0] == (time == num_steps - 1)
        # ONE and TWO are the second and the third of the gates.
        assert result["outputs"].shape == (1, len(program.sequence))
        assert result["outputs"][0, 1:3].numpy().tolist() == [1, 2]
    wrong = {**states, "registers": states["registers"] + 10}
    with pytest.raises(tf.errors.InvalidArgumentError, match="Registers hold integers"):
        step(**wrong)


def test_a_machine_with_a_memory_of_its_own_runs_step_by_step(rng, tmp_path):
    layer = NRAM(
        3, controller=keras.layers.LSTMCell(4), num_steps=5, gates=small_models.GATES
    )
    model = small_models.on_tapes(layer)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    version = export(model, tmp_path / "model")
    # Such a machine has no program, which the card could hold.
    assert not {"program", "rules"} & set(card_of(version))
    step = tf.saved_model.load(tmp_path / "model/1").signatures["step"]
    tape = rng.integers(0, 7, (4, 7))
    states = {"tape": tf.constant(tape, tf.int32), "registers": tf.zeros((4, 3), tf.int32)}
    for index in range(2):
        states[f"controller_state_{index}"] = tf.zeros((4, 4))
    for _ in range(3):
        result = step(**states)
        # A machine that wants to stop would have been left alone.
        states = {name: result[name] for name in states}
    layer.cell.circuit_map.bias[-1].assign(-1000.0)  # never stop
    del states["controller_state_0"], states["controller_state_1"]
    expected = layer.run_integers(tape, num_steps=3)
    for name, state in states.items():
        assert np.array_equal(state, expected[name])


def card_of(version):
    return json.loads((version / "assets.extra/model_card.json").read_text())


def test_the_card_of_a_machine_holds_its_program(exported_walker):
    card = card_of(exported_walker / "1")
    assert card["program"] == str(small_models.WALKER)
    assert Program.from_json(json.dumps(card["rules"])) == small_models.WALKER


def test_a_machine_is_exported_as_a_model_of_its_own(tmp_path):
    tape = keras.Input((None,), dtype="int32")
    layer = NRAM(2, num_steps=2, gates=small_models.GATES)
    fuzzy = keras.Input((3, 3))
    for inputs, outputs in (
        (tape, keras.layers.Activation("relu")(layer(tape))),
        (tape, 1 - layer(tape)),
        (tape, [layer(tape), layer(tape)]),
        (fuzzy, layer(layer(fuzzy)[:, :, :3])),
    ):
        with pytest.raises(ValueError, match="NRAM layer as a model of its own"):
            export(keras.Model(inputs, outputs), tmp_path / "model")


def test_a_machine_is_exported_with_its_selection(rng, tmp_path):
    tape = keras.Input((None,), dtype="int32")
    layer = NRAM(2, gates=small_models.GATES)
    export(
        keras.Model(tape, layer(tape, num_steps=2, selection="discrete")), tmp_path / "m"
    )
    served = tf.saved_model.load(tmp_path / "m/1").signatures["fuzzy"]
    tape = tf.constant(rng.integers(0, 6, (5, 6)), tf.int32)
    probabilities = served(tape=tape, num_steps=tf.constant(4))["probabilities"].numpy()
    assert set(np.unique(probabilities)) == {0, 1}
