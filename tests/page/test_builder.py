"""The HTML file, without a browser."""

import base64
import gzip
import json
import re
import shutil

import keras
import numpy as np
import onnx
import pytest
import small_models
import tensorflow as tf
from onnx.reference import ReferenceEvaluator

from keras_nm.export import export
from keras_nm.layers import NRAM, NTM, NeuralGPU
from keras_nm.page import builder, write_page
from keras_nm.page.models import describe_models
from keras_nm_cli import main


@pytest.fixture(scope="module", autouse=True)
def _no_npm():
    """Something else in place of the runtime, which npm takes from the network."""
    blobs = {"runtime": b"a runtime", "wasm": b"WebAssembly"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "fetch_runtime", lambda: dict(blobs))
        yield


@pytest.fixture(scope="module")
def models(tmp_path_factory, exported_walker):
    directory = tmp_path_factory.mktemp("models")
    (directory / "walker").symlink_to(exported_walker)
    (directory / "a file").touch()
    return directory


@pytest.fixture(scope="module")
def page(models, tmp_path_factory):
    """The text of a page, which the command line wrote."""
    path = tmp_path_factory.mktemp("page") / "new" / "page.html"
    assert main(["page", str(models), "--output", str(path)]) == 0
    return path.read_text(encoding="utf-8")


def blob(page, name):
    [content] = re.findall(rf'<script [^>]*id="{name}">(.*?)</script>', page)
    return gzip.decompress(base64.b64decode(content))


def test_a_page_holds_the_models_the_runtime_and_no_address(page):
    assert blob(page, "runtime") == b"a runtime"
    assert blob(page, "wasm") == b"WebAssembly"
    [description] = re.findall(r'id="models">(.*?)</script>', page, re.DOTALL)
    [model] = json.loads(description)
    assert (model["name"], model["view"]) == ("walker", "nram")
    assert not re.findall(r"""(?:src|href)=["']?(?!#|data:)[^"' >]+""", page)
    assert "{{" not in page


def test_a_step_in_onnx_is_the_step_in_tensorflow(page, exported_walker):
    session = ReferenceEvaluator(onnx.load_from_string(blob(page, "model-0")))
    step = tf.saved_model.load(exported_walker / "1").signatures["step"]
    states = {
        "tape": np.array([[6, 2, 3, 0, 0, 7, 8, 9, 4, 5]], "int32"),
        "registers": np.zeros((1, 2), "int32"),
    }
    for _ in range(4):
        expected = step(**{name: tf.constant(x) for name, x in states.items()})
        found = dict(zip(session.output_names, session.run(None, states), strict=True))
        assert set(found) == {f"new_{name}" for name in expected}
        for name, x in expected.items():
            assert np.array_equal(found[f"new_{name}"], x), name
        states = {name: expected[name].numpy() for name in states}
    assert states["tape"][0, 3] == 7


def test_nothing_is_overwritten(models, tmp_path, capsys):
    path = tmp_path / "page.html"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"page\.html already exists and is not ov"):
        write_page(models, path)
    assert main(["page", str(models), "--output", str(path)]) == 2
    assert "choose another" in capsys.readouterr().err
    assert path.read_text() == "mine"


def test_directories_without_models(tmp_path):
    with pytest.raises(NotADirectoryError, match="nowhere is not a directory of models"):
        write_page(tmp_path / "nowhere", tmp_path / "page.html")
    with pytest.raises(ValueError, match=r"There are no models in .*keras-nm export"):
        write_page(tmp_path, tmp_path / "page.html")


def lstm():
    return keras.layers.LSTMCell(3, dtype="float64")


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: NTM(2, (3, 2), dtype="float64", return_sequences=True), (None, 4)),
        (lambda: NRAM(2, 2, lstm(), gates=["READ"], dtype="float64"), (None, 5)),
        (lambda: NeuralGPU(2, num_maps=3, dtype="float64"), (None, 4)),
    ],
)
def test_models_that_do_not_compute_in_float32(tmp_path, make, shape):
    inputs = keras.Input(shape, dtype="float64")
    model = keras.Model(inputs, make()(inputs))
    card = small_models.card_of(model.layers[-1])
    export(model, tmp_path / "models" / "precise", card=card)
    with pytest.raises(ValueError, match="does not compute in float32"):
        write_page(tmp_path / "models", tmp_path / "page.html")


def test_models_that_a_page_cannot_show(tmp_path, exported_walker):
    def change(card):
        path = tmp_path / "models" / "walker" / "1" / "assets.extra" / "model_card.json"
        content = json.loads(path.read_text())
        card(content)
        path.write_text(json.dumps(content))

    shutil.copytree(exported_walker, tmp_path / "models" / "walker")
    result = {"length": 3, "wrong_cells": None, "exact_tapes": None}  # of a diverged model
    change(lambda card: card.update(results=[result]))
    [model] = describe_models(tmp_path / "models")
    assert ["Share of wrong answer cells", "nan at length 3"] in map(list, model["facts"])
    change(lambda card: card["layer"].pop("num_registers"))
    with pytest.raises(ValueError, match="has no 'num_registers', which a page shows"):
        write_page(tmp_path / "models", tmp_path / "page.html")
    change(lambda card: card["layer"].update(class_name="LSTM"))
    with pytest.raises(ValueError, match=r"the layer LSTM\. A page shows models of NTM"):
        write_page(tmp_path / "models", tmp_path / "page.html")
    change(lambda card: card["layer"].update(class_name="NPI"))
    with pytest.raises(ValueError, match=r"There are no models in .* that a page can show"):
        write_page(tmp_path / "models", tmp_path / "page.html")
    change(lambda card: card.pop("layer"))
    with pytest.raises(ValueError, match=r"has no card, assets\.extra/model_card\.json"):
        write_page(tmp_path / "models", tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
