"""The exported models of the repository do what their cards say."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.serving import Version
from keras_nm.tasks import TASKS

ROOT = Path(__file__).parents[1]
FOLDERS = sorted(ROOT.glob("saved_models/*/*/"))


def test_there_are_some():
    assert {folder.parent.name for folder in FOLDERS} >= {"ntm_copy", "nram_list_k"}


# `make test-slow` has all of them.
FAST = ("ntm_copy", "nram_access")


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param(
            folder,
            id=folder.parent.name,
            marks=[] if folder.parent.name in FAST else pytest.mark.slow,
        )
        for folder in FOLDERS
    ],
)
def test_the_card_tells_the_truth(folder):
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 2_000_000
    card = json.loads((folder / "assets.extra" / "model_card.json").read_text())
    assert (card["name"], str(card["version"])) == (folder.parent.name, folder.name)
    assert card["name"] in (folder / "assets.extra" / "model_card.md").read_text()
    assert card["license"] == "Apache-2.0"
    assert len(card["versions"]["commit"]) == 40
    assert card["weights"] > 0
    spec = TASKS[card["task"]]
    task = spec.make(**card.get("task_options", {}))
    model = tf.saved_model.load(folder)
    assert card["results"]
    for expected in card["results"]:
        if expected["length"] > 200 and card["layer"]["class_name"] == "NeuralGPU":
            continue  # takes as long as the square of the length
        metrics = spec.compile_arguments(task)["weighted_metrics"]
        discrete = keras.metrics.Mean("discrete_wrong_cells")
        data = task.with_room_for(expected["length"], expected["length"])
        for x, y, sample_weight in data.evaluation_set(
            batch_size=expected["examples"], num_batches=1
        ):
            if "sequence" in model.signatures:
                outputs = model.signatures["sequence"](inputs=x)["outputs"]
            else:
                steps = tf.constant(expected["num_steps"])
                if discrete.name in expected:
                    answer = model.signatures["integer"](tape=x, num_steps=steps)["tape"]
                    discrete.update_state(answer != y, sample_weight)
                answer = model.signatures["fuzzy"](tape=x, num_steps=steps)
                tape = answer["probabilities"]
                steps = tf.ones_like(tape[:, :, :1]) * answer["num_steps"][:, None, None]
                # As the layer puts it out, but for the log-tape.
                outputs = tf.concat([tape, tf.zeros_like(tape), -steps], axis=-1)
            for metric in metrics:
                metric.update_state(y, outputs, sample_weight=sample_weight)
        for metric in [*metrics, *([discrete] if discrete.name in expected else [])]:
            np.testing.assert_allclose(
                float(metric.result()), expected[metric.name], rtol=1e-3, atol=1e-3
            )


def test_the_documented_request_is_answered():
    loaded = {}
    for document in ("README.md", "docs/guides/serving.md"):
        text = (ROOT / document).read_text()
        [(name, body)] = re.findall(r"/v1/models/(\w+):predict -d '(.*?)'", text, re.DOTALL)
        [folder] = [folder for folder in FOLDERS if folder.parent.name == name]
        if name not in loaded:
            loaded[name] = Version(folder)
        answer = loaded[name].predict(json.loads(body))
        assert answer["outputs"]["tape"] == [[6, 2, 3, 7, 0, 7, 8, 9, 4, 5]], document
