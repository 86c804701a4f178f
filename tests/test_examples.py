"""The scripts in examples/ that make and check models, as a user runs them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.layers import NRAM, NTM
from keras_nm.page.models import describe_models
from keras_nm.programs import PROGRAMS, Program

EXAMPLES = Path(__file__).parents[1] / "examples"

pytestmark = pytest.mark.slow


def run(script, *arguments):
    result = subprocess.run(
        [sys.executable, EXAMPLES / script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def card_of(version):
    return json.loads((Path(version) / "assets.extra" / "model_card.json").read_text())


def test_a_program_is_exported(tmp_path):
    path = run("export_program.py", "access", tmp_path / "access").strip()
    assert Path(path) == tmp_path / "access" / "1"
    integer = tf.saved_model.load(path).signatures["integer"]
    tape = tf.constant([[2, 3, 1, 0], [1, 3, 0, 2]])
    answer = integer(tape=tape, num_steps=tf.constant(2))["tape"]
    np.testing.assert_array_equal(answer, [[1, 3, 1, 0], [3, 3, 0, 2]])
    card = card_of(path)
    assert [result["length"] for result in card["results"]] == [10, 50]
    assert all(result["wrong_cells"] == 0 for result in card["results"])


def test_programs_of_runs_are_checked(tmp_path, access_run):
    layer = access_run.layer
    program = Program(2, PROGRAMS["access"].rules(), gates=layer.cell.gates)
    for name in ("learned", "not learned"):
        shutil.copytree(access_run.directory, tmp_path / name)
    model = keras.saving.load_model(tmp_path / "learned" / "model.keras")
    program.into_layer(model.get_layer("machine"))
    model.save(tmp_path / "learned" / "model.keras")
    printed = run("check_programs.py", tmp_path / "not learned", tmp_path / "learned")
    first, second, _, best, *text = printed.splitlines()
    assert first.startswith(f"{tmp_path / 'not learned'}: wrong tapes ")
    words = first.split()
    wrong = int(words[words.index("tapes") + 1].replace(",", ""))
    assert 9000 < wrong <= 10_000  # by chance, a cell of the answer may be right already
    assert second == (
        f"{tmp_path / 'learned'}: wrong tapes 0 of 10,000 (up to 50), "
        "0 of 200 (250, M >= 1,000)"
    )
    assert best == str(tmp_path / "learned")
    assert "\n".join(text) == str(program)


def test_a_run_that_diverged_has_no_program(tmp_path, access_run):
    shutil.copytree(access_run.directory, tmp_path / "run")
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    model.save(tmp_path / "run" / "model.keras")
    assert "has no program" in run("check_programs.py", tmp_path / "run")


def test_a_model_without_a_machine_gets_no_card(tmp_path):
    model = keras.Sequential([keras.Input((None, 9)), keras.layers.LSTM(8)])
    model.save(tmp_path / "model.keras")
    options = [tmp_path / "model.keras", "ntm/copy", tmp_path / "models", "--lengths", 2]
    with pytest.raises(AssertionError, match=r"must have one machine.* layers are LSTM"):
        run("export_trained.py", *options, "--made", "Not trained")


def test_a_model_that_takes_more_steps_gets_no_card(tmp_path):
    x = keras.Input((None,), dtype="int32")
    layer = NRAM(2, num_steps=2, gates=["READ", "WRITE"])
    keras.Model(x, layer(x)).save(tmp_path / "model.keras")
    options = [tmp_path / "model.keras", "nram/access", tmp_path / "models"]
    with pytest.raises(AssertionError, match="the NRAM takes more steps for longer"):
        run("export_trained.py", *options, "--lengths", 2, "--made", "Not trained")


def test_a_model_without_a_recipe_is_exported(tmp_path):
    x = keras.Input((None, 9))
    layer = NTM(8, (9, 4), keras.layers.Dense(5), return_sequences=True)
    model = keras.Model(x, layer(x))
    model.save(tmp_path / "model.keras")
    options = ["--lengths", 2, 3, "--made", "Not trained", "--max-length", 4]
    given = (tmp_path / "model.keras", "ntm/copy", tmp_path / "models" / "copy")
    path = Path(run("export_trained.py", *given, *options).strip())
    inputs = np.random.default_rng(0).normal(size=(2, 3, 9)).astype("float32")
    sequence = tf.saved_model.load(path).signatures["sequence"]
    np.testing.assert_allclose(sequence(inputs=inputs)["outputs"], model(inputs), atol=1e-5)
    card = card_of(path)
    assert card["made"] == "Not trained"
    assert "seed" not in card
    assert card["task_options"]["max_length"] == 4
    assert [result["length"] for result in card["results"]] == [2, 3]
    for result in card["results"]:  # a guess has half of the bits wrong
        assert 0.3 < result["wrong_bits_per_sequence"] / (8 * result["length"]) < 0.7
    [described] = describe_models(tmp_path / "models")
    assert "a memory of 9 locations of 4 numbers, 1 read head" in described["line"]
