import json
import math

import keras
import pytest
import tensorflow as tf

from keras_nm.export import export


def test_the_card_says_what_the_model_is(tmp_path):
    lstm = keras.layers.LSTM(2, return_sequences=True, name="lstm")
    model = keras.Sequential([keras.Input((None, 6)), lstm])
    more = {
        "license": "MIT",
        "task": "ntm/copy",
        "seed": 3,
        "results": [{"length": 20, "wrong": 0.25}, {"length": 30, "wrong": 1.0}],
    }
    extra = export(model, tmp_path / "small", version=4, card=more) / "assets.extra"
    card = json.loads((extra / "model_card.json").read_text())
    assert (card["name"], card["version"], card["license"]) == ("small", 4, "MIT")
    assert card["weights"] == 4 * 2 * (6 + 2 + 1)
    assert card["results"] == more["results"]
    assert card["versions"]["tensorflow"] == tf.__version__
    assert card["endpoints"]["sequence"] == {
        "inputs": {"inputs": {"dtype": "float32", "shape": [None, None, 6]}},
        "outputs": {"outputs": {"dtype": "float32", "shape": [None, None, 2]}},
    }
    assert set(card["endpoints"]["step"]["inputs"]) == {"inputs", "lstm_0", "lstm_1"}
    text = (extra / "model_card.md").read_text()
    for line in (
        "# small, version 4",
        "- seed: 3",
        "| 20 | 0.25 |",
        "| `sequence` | `inputs` float32 (any, any, 6) | `outputs` float32 (any, any, 2) |",
    ):
        assert line in text.splitlines()


@pytest.mark.parametrize(
    ("more", "lines"),
    [
        (
            {"results": [{"length": 1}, {"length": 2, "wrong": 0.5}]},
            ["| length | wrong |", "| 1 |  |", "| 2 | 0.5 |"],
        ),
        ({"results": {"accuracy": 0.9}}, ["- results: accuracy: 0.9"]),
        ({"results": [0.9], "program": 3}, ["- results: [0.9]", "3"]),
    ],
)
def test_a_card_takes_any_values(tmp_path, more, lines):
    lstm = keras.layers.LSTM(2, return_sequences=True)
    model = keras.Sequential([keras.Input((None, 3)), lstm])
    extra = export(model, tmp_path / "small", card=more) / "assets.extra"
    card = json.loads((extra / "model_card.json").read_text())
    assert {name: card[name] for name in more} == more
    text = (extra / "model_card.md").read_text().splitlines()
    assert set(lines) <= set(text)


def test_numbers_that_json_does_not_have_are_null(tmp_path):
    lstm = keras.layers.LSTM(2, return_sequences=True)
    model = keras.Sequential([keras.Input((None, 3)), lstm])
    more = {"results": [{"length": 1, "wrong": float("nan")}], "limits": (0.5, math.inf)}
    extra = export(model, tmp_path / "small", card=more) / "assets.extra"

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    text = (extra / "model_card.json").read_text()
    card = json.loads(text, parse_constant=refuse)
    assert card["results"] == [{"length": 1, "wrong": None}]
    assert card["limits"] == [0.5, None]
    assert "| 1 | nan |" in (extra / "model_card.md").read_text().splitlines()
