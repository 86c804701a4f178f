"""An exported Neural Programmer-Interpreter runs step by step, as its card says."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from solved_npi import solved_npi

from keras_nm.export import export
from keras_nm.layers import NPI
from keras_nm.programs.npi import Addition
from keras_nm.tasks import npi
from keras_nm.tasks.npi.call_task import verified


def small():
    """A task and a model that has not learned it."""
    task = npi.Addition(max_length=2, base=2)
    x = keras.Input((None, task.input_size))
    layer = NPI(
        task.num_programs,
        task.argument_sizes,
        keras.layers.SimpleRNNCell(4),
        return_sequences=True,
        name="machine",
    )
    model = keras.Model(x, layer(x))
    return task, layer, model


def test_verified_says_how_many_calls_are_right():
    layer = solved_npi(Addition(base=2))
    right = {"ADD": "98 of 98", "ADD1": "17 of 17", "CARRY": "6 of 6", "LSHIFT": "97 of 97"}
    task = npi.Addition(max_length=2, base=2)
    assert verified(layer, task) == {"right_at_any_length": True, "right_calls": right}
    # CARRY is taken for LSHIFT.
    embeddings = layer.cell.program_embeddings.numpy()
    embeddings[3] = embeddings[4]
    layer.cell.program_embeddings.assign(embeddings)
    facts = {"right_at_any_length": False, "right_calls": {**right, "CARRY": "0 of 6"}}
    assert verified(layer, task) == facts
    assert verified(layer, npi.Addition(recursive=False)) == {}


@pytest.mark.slow
def test_the_card_says_where_everything_is(tmp_path):
    task, _, model = small()
    path = export(model, tmp_path / "adder")
    card = json.loads((path / "assets.extra" / "model_card.json").read_text())
    assert card["input_channels"] == {
        "observation": 12,
        "argument_0": 3,
        "argument_1": 4,
        "argument_2": 2,
        "program": 5,
    }
    assert sum(card["input_channels"].values()) == task.input_size
    assert list(card["output_channels"]) == [
        "end",
        "program",
        "argument_0",
        "argument_1",
        "argument_2",
    ]
    assert sum(card["output_channels"].values()) == task.output_size

    loaded = tf.saved_model.load(path)
    inputs = next(iter(task.dataset(3)))[0]
    states = loaded.signatures["initial_state"](batch_size=tf.constant(3))
    outputs = []
    for time in range(inputs.shape[1]):
        states = loaded.signatures["step"](inputs=inputs[:, time], **states)
        outputs.append(states.pop("outputs"))
    np.testing.assert_allclose(np.stack(outputs, axis=1), model(inputs), atol=1e-5)
