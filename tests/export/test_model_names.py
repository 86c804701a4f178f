"""A model is named after its directory, however the path is written, and numbered."""

import json

import keras
import pytest

from keras_nm.export import export
from keras_nm.export.card import CARD_FILE
from keras_nm.export.versions import versions_in


@pytest.fixture(scope="module")
def model():
    """The model that is exported soonest."""
    return keras.Sequential(
        [keras.Input((None, 2)), keras.layers.SimpleRNN(2, return_sequences=True)]
    )


@pytest.mark.parametrize("path", [".", "../my_model", ".inside/.."])
def test_relative_paths_name_the_model(model, tmp_path, monkeypatch, path):
    directory = tmp_path / "my_model"
    (directory / ".inside").mkdir(parents=True)
    monkeypatch.chdir(directory)
    assert export(model, path) == directory / "1"
    extra = directory / "1" / "assets.extra"
    assert json.loads((extra / CARD_FILE).read_text())["name"] == "my_model"
    assert b"my_model" in (extra / "tf_serving_warmup_requests").read_bytes()


def test_versions_have_63_bits(model, tmp_path):
    assert export(model, tmp_path, version=20261126221126).name == "20261126221126"
    assert export(model, tmp_path, version=2**63 - 1).name == "9223372036854775807"
    for version in (2**63, None):  # None is one more than the last
        with pytest.raises(ValueError, match="at most 9223372036854775807"):
            export(model, tmp_path, version=version)


def test_other_folders_are_no_versions(tmp_path):
    for name in ("2", "10", "007", "0", "-1", "1.5", "v3", "٣", str(2**63)):
        (tmp_path / name).mkdir()
    (tmp_path / "5").touch()
    assert versions_in(tmp_path) == {10: tmp_path / "10", 2: tmp_path / "2"}
