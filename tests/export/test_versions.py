"""Versions count up, and nothing else in their directory is ever lost."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.export import export, saved_model
from keras_nm.files import locked


def lstm(units=2):
    """The model that is exported soonest."""
    return keras.Sequential(
        [keras.Input((None, 6)), keras.layers.LSTM(units, return_sequences=True)]
    )


@pytest.fixture
def first(tmp_path, exported_memory):
    """A folder with the version 1."""
    return Path(shutil.copytree(exported_memory, tmp_path / "model"))


def content(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_versions_count_up_and_are_overwritten_on_demand_only(tmp_path):
    model, path = lstm(), tmp_path / "model"
    assert export(model, path) == path / "1"
    assert export(model, path) == path / "2"
    assert export(model, path, version=7) == path / "7"
    assert export(model, path, version=np.int64(8)) == path / "8"
    assert export(model, path) == path / "9"
    before = content(path)
    with pytest.raises(FileExistsError, match=r"7 exists, .* choose another version"):
        export(model, path, version=7)
    assert content(path) == before
    assert export(lstm(units=3), path, version=7, overwrite=True) == path / "7"
    units = {
        version: tf.saved_model.load(path / str(version)).signatures["sequence"]
        for version in (2, 7)
    }
    assert [units[v].structured_outputs["outputs"].shape[-1] for v in (2, 7)] == [2, 3]
    for bad in (0, "1", 1.0):
        with pytest.raises(ValueError, match="`version` must be an integer of at least 1"):
            export(model, path, version=bad)


def test_nothing_else_is_overwritten(tmp_path, exported_memory):
    (tmp_path / "file").write_text("mine")
    models = exported_memory.parent  # each with versions of its own
    for path in (tmp_path, tmp_path / "file", models, exported_memory / "1"):
        with pytest.raises(FileExistsError, match="not a directory of versions"):
            export(lstm(), path, overwrite=True)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_failed_export_leaves_everything_as_it_was(first, monkeypatch, overwrite):
    before = content(first)

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        export(lstm(), first, version=1 if overwrite else None, overwrite=overwrite)
    assert content(first) == before


@pytest.mark.parametrize("killed", [False, True])
def test_a_version_that_is_being_replaced_is_never_lost(first, monkeypatch, killed):
    before = content(first)
    rename = os.rename

    def fail(source, target):
        if Path(source).name == "new":
            raise OSError("disk full")
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", fail)
        if killed:  # then nothing is cleaned up
            patch.setattr(saved_model, "_clear", lambda *_: None)
        with pytest.raises(OSError, match="disk full"):
            export(lstm(), first, version=1, overwrite=True)
    if killed:
        assert not (first / "1").exists()
        with pytest.raises(FileExistsError, match="1 exists"):  # once it is back
            export(lstm(), first, version=1)
        (first / ".partial-export-again").mkdir()
        os.rename(first / "1", first / ".partial-export-again" / "1")
        assert export(lstm(), first).name == "2"
        shutil.rmtree(first / "2")
    assert content(first) == before


@pytest.mark.slow
def test_a_killed_export_leaves_no_version_and_the_next_cleans_up(tmp_path):
    script = (
        "import keras, sys, keras_nm.export.saved_model as module, os, signal;"
        "module.write_warmup = lambda *_: os.kill(os.getpid(), signal.SIGKILL);"
        "x = keras.Input((None, 6));"
        "y = keras.layers.LSTM(2, return_sequences=True)(x);"
        "module.export(keras.Model(x, y), sys.argv[1])"
    )
    path = tmp_path / "model"
    result = subprocess.run(
        [sys.executable, "-c", script, path], stderr=subprocess.DEVNULL, check=False
    )
    assert result.returncode == -signal.SIGKILL
    left = {child.name.split("-")[0] for child in path.iterdir()}
    assert left == {".lock", ".partial"}
    export(lstm(), path)
    assert {child.name for child in path.iterdir()} == {".lock", "1"}


def test_an_export_leaves_alone_what_is_not_its_own(tmp_path):
    path = tmp_path / "model"
    (path / ".partial-nram-3").mkdir(parents=True)  # as a sweep writes it
    export(lstm(), path)
    assert {child.name for child in path.iterdir()} == {".lock", "1", ".partial-nram-3"}


def test_two_exports_at_once_are_refused(tmp_path):
    with (
        locked(tmp_path / "model", ValueError()),
        pytest.raises(ValueError, match="Another process is exporting"),
    ):
        export(lstm(), tmp_path / "model")
