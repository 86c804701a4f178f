"""A machine that only the tests know goes everywhere, by its row in the table alone."""

import asyncio
import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image
from tensorflow.python.summary.summary_iterator import summary_iterator
from toy_machine import ROW

from keras_nm import serving
from keras_nm.export.card import CARD_FILE
from keras_nm.machines import MACHINES
from keras_nm.page.models import describe_models
from keras_nm.training import (
    RECIPES,
    evaluate,
    load_run,
    resume,
    sweep,
    train,
    write_report,
)
from keras_nm_cli import main

RECIPE = dataclasses.replace(
    RECIPES["ntm/copy"]["ntm"],
    name="toy",
    layer={
        "module": "toy_machine",
        "class_name": "ToyMachine",
        "registered_name": "tests>ToyMachine",
        "config": {"leak": 0.25},
    },
    task_options={"max_length": 2, "num_bits": 3},
    memory_size=None,
    batch_size=4,
    steps_per_epoch=2,
    epochs=2,
    jit_compile=False,
)


@pytest.fixture(scope="module", autouse=True)
def _row():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MACHINES, "ToyMachine", ROW)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(RECIPE, tmp_path_factory.mktemp("toy") / "run", seed=1, verbose=0)


@pytest.fixture(scope="module")
def models(run, tmp_path_factory):
    directory = tmp_path_factory.mktemp("models")
    assert main(["export", str(run.directory), f"{directory}/toy", "--lengths", "2"]) == 0
    return directory


def test_a_run_measures_what_its_row_says(run):
    assert run.layer.cell.leak == 0.25
    assert run.result["leaked"] == 0.75
    assert run.result["examples"] == 16
    assert run.curve("val_leaked") == ([8, 16], [0.75, 0.75])
    assert run.recipe.monitors == ["val_bits_per_sequence", "val_leaked"]
    # Its 3 units are the bits of the task: no layer follows it.
    assert run.model.layers[-1] is run.layer
    assert run.model.output.shape == (None, None, 3)


def test_a_run_resumes(run, tmp_path):
    longer = train(dataclasses.replace(RECIPE, epochs=3), tmp_path / "3", 1, verbose=0)
    # A run of three epochs that was interrupted after two.
    for file in ("model.keras", "curve.csv"):
        (tmp_path / file).write_bytes((run.directory / file).read_bytes())
    description = json.loads((run.directory / "recipe.json").read_text())
    description["recipe"]["epochs"] = 3
    (tmp_path / "recipe.json").write_text(json.dumps(description))
    resumed = resume(tmp_path, verbose=0)
    for actual, expected in zip(
        resumed.model.get_weights(), longer.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(actual, expected)


def test_evaluation(run):
    results = evaluate(run, 2)
    assert results["leaked"] == 0.75
    assert results["examples"] == 128
    x, y, weight = next(iter(run.task.evaluation_set(2, 128, 1)))
    wrong = ((run.model.predict(x, verbose=0) > 0) != y.numpy()).sum(axis=-1)
    expected = (wrong * weight.numpy()).sum(axis=-1).mean()
    assert results["wrong_bits_per_sequence"] == pytest.approx(expected, rel=1e-5)
    # At twice the length it leaks half as much, as its row says.
    twice = evaluate(run, 4)
    assert (twice["leak"], twice["leaked"]) == (0.125, 0.875)
    assert run.layer.cell.leak == 0.25


@pytest.mark.slow
def test_a_sweep_of_two_seeds(tmp_path):
    with ThreadPoolExecutor(1) as executor:
        rows = dict(sweep({"toy": RECIPE}, [0, 1], tmp_path, [2], executor=executor))
    assert [row["seed"] for row in rows.values()] == [0, 1]
    table = write_report(rows, "ntm/copy", tmp_path)
    assert "share that leaks at 2" in table
    assert "0.750" in table


def test_tensorboard_shows_its_look_and_its_picture(run):
    (events,) = (run.directory / "tensorboard" / "probe").glob("events*")
    values = {
        v.tag: v for event in summary_iterator(str(events)) for v in event.summary.value
    }
    assert tf.make_ndarray(values["machine/largest_addition"].tensor) > 0
    assert b"    0.25" in tf.make_ndarray(values["machine/leak"].tensor).item()
    assert "machine/picture" in values


@pytest.mark.parametrize("name", ["picture.png", "animation.gif"])
def test_picture(run, tmp_path, name):
    arguments = ["trace", str(run.directory), "--output", str(tmp_path / name)]
    assert main([*arguments, "--length", "2"]) == 0
    with Image.open(tmp_path / name) as image:
        # Two vectors, the delimiter and the answer are five steps.
        assert getattr(image, "n_frames", 1) == (5 if name.endswith("gif") else 1)


def test_export_and_card(run, models, rng):
    card = json.loads((models / "toy" / "1" / "assets.extra" / CARD_FILE).read_text())
    assert card["leak"] == 0.25
    assert card["layer"]["class_name"] == "ToyMachine"
    assert card["results"][0]["leaked"] == 0.75
    loaded = tf.saved_model.load(models / "toy" / "1")
    assert set(loaded.signatures) == {
        *("sequence", "step", "initial_state", "serving_default")
    }
    x = rng.normal(size=(2, 5, 4)).astype("float32")
    expected = run.model(x)
    outputs = loaded.signatures["sequence"](inputs=x)["outputs"]
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    states = loaded.signatures["initial_state"](batch_size=2)
    assert set(states) == {"machine_total"}
    for time in range(5):
        states = loaded.signatures["step"](inputs=x[:, time], **states)
        np.testing.assert_allclose(states.pop("outputs"), expected[:, time], atol=1e-6)


def test_serving(run, models, rng):
    x = rng.normal(size=(1, 3, 4)).astype("float32")

    async def ask():
        application = serving.application(models)
        async with TestClient(TestServer(application)) as client:
            body = {"instances": x.tolist()}
            response = await client.post("/v1/models/toy:predict", json=body)
            return await response.json()

    answer = asyncio.run(ask())
    np.testing.assert_allclose(answer["predictions"], run.model(x), atol=1e-5)


def test_page(models):
    (model,) = describe_models(models)
    assert model["view"] == "sequences"
    assert model["line"].startswith("toy machine. Trained on 16 examples")
    assert model["initial_state"] == {"machine_total": [0.0] * 3}
    assert model["typed"] == "vectors"
    assert model["onnx"]


def test_keras_file(run):
    loaded = load_run(run.directory)
    assert isinstance(loaded.layer, ROW.layer)
    assert isinstance(
        keras.saving.deserialize_keras_object(
            RECIPE.layer | {"config": {"units": 2, "leak": 0.5}}
        ),
        ROW.layer,
    )
