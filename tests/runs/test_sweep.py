"""Sweeps: the runs that they leave behind, and the rest of them after an interruption."""

import dataclasses
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
import small_runs

from keras_nm.runs.sweep import _in_a_process
from keras_nm.training import (
    RECIPES,
    RunError,
    evaluate,
    evaluate_runs,
    load_run,
    read_rows,
    sweep,
)

SMALL = small_runs.changed(
    RECIPES["ntm/copy"]["ntm-feedforward"],
    layer={
        "memory_shape": (5, 3),  # which JSON makes a list
        "controller": {
            "module": "keras.layers",
            "class_name": "Dense",
            "config": {"units": 4, "activation": "tanh"},
        },
    },
    task_options={"max_length": 2, "num_bits": 2},
    batch_size=8,
    steps_per_epoch=2,
    epochs=2,
)


def sweep_here(*arguments):
    """A sweep in this process."""
    with ThreadPoolExecutor(1) as executor:
        return dict(sweep(*arguments, executor=executor))


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A finished sweep, which tests must leave as it is."""
    directory = tmp_path_factory.mktemp("sweep")
    # Seeds may come from NumPy.
    seeds = np.array([0, 3])
    return directory, sweep_here({"small": SMALL}, seeds, directory, [2])


def test_every_seed_is_trained_and_measured(first):
    directory, rows = first
    assert set(rows) == {"small-0", "small-3"}
    for name, row in rows.items():
        run = load_run(directory / name)
        assert (run.recipe.to_json(), run.seed) == (SMALL.to_json(), row["seed"])
        assert row["recipe"] == "small"
        assert row["examples"] == run.result["examples"] == 32
        assert row["curve"] == run.curve("val_bits_per_sequence")
        assert row["solved_at"] is None
        assert not row["given_up"]
        assert row["seconds"] > 0
        assert row["trained"] == (1, 2)
        assert row["results"] == {2: pytest.approx(evaluate(run, 2), rel=1e-4)}
    assert rows["small-0"]["curve"] != rows["small-3"]["curve"]


def test_a_process_trains_the_same_run(first, tmp_path):
    _, rows = first
    [(name, row)] = sweep({"small": SMALL}, [3], tmp_path, [2], jobs=1)
    assert name == "small-3"
    expected = rows["small-3"]
    assert row["examples"] == expected["examples"]
    assert row["curve"][1] == pytest.approx(expected["curve"][1], rel=1e-4)
    assert row["results"][2] == pytest.approx(expected["results"][2], rel=1e-4)
    assert load_run(tmp_path / "small-3").seed == 3


def test_a_sweep_goes_on_where_it_was_interrupted(first, tmp_path):
    original, rows = first
    directory = shutil.copytree(original, tmp_path / "sweep")
    # As if it had been killed before a run's last line was written.
    for name in ("result.json", "measured.json"):
        (directory / "small-3" / name).unlink()
    kept = os.stat(directory / "small-0" / "model.keras").st_mtime_ns
    bad = dataclasses.replace(SMALL, optimizer={"class_name": "Nonsense", "config": {}})
    recipes = {"small": SMALL, "bad": bad}
    again = sweep_here(recipes, [0, 3], directory, [2, 4])

    assert os.stat(directory / "small-0" / "model.keras").st_mtime_ns == kept
    assert again["small-0"]["seconds"] == rows["small-0"]["seconds"]
    assert again["small-3"]["seconds"] is None
    for name in ("small-0", "small-3"):
        assert again[name]["results"][2] == pytest.approx(rows[name]["results"][2])
        assert set(again[name]["results"]) == {2, 4}
        assert again[name]["curve"] == rows[name]["curve"]
    for name in ("bad-0", "bad-3"):
        assert isinstance(again[name], Exception)
        assert "Nonsense" in str(again[name])


def test_rows_are_read_of_all_runs_that_were_measured(first, tmp_path):
    original, rows = first
    directory = shutil.copytree(original, tmp_path / "sweep")
    (directory / "table.md").write_text("")
    assert read_rows(directory, "ntm/copy", [2]) == rows
    assert read_rows(directory, "ntm/copy", [2, 4]) == {}
    assert read_rows(directory, "ntm/repeat_copy", [2]) == {}
    (directory / "small-3" / "result.json").unlink()
    assert set(read_rows(directory, "ntm/copy", [2])) == {"small-0"}


def test_recipes_of_one_name_are_told_apart(first, tmp_path):
    directory, _ = first
    shutil.copytree(directory, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "small-3" / "recipe.json"
    description = json.loads(path.read_text())
    description["recipe"]["memory_size"] = 9
    path.write_text(json.dumps(description))
    rows = read_rows(tmp_path, "ntm/copy", [2])
    assert {name: row["recipe"] for name, row in rows.items()} == {
        "small-0": "small",
        "small-3": "small #2",
    }


def test_a_failure_while_measuring_keeps_what_was_measured(tmp_path, monkeypatch):
    def fail(runs, length):
        if length == 4:
            raise OSError("killed")
        return evaluate_runs(runs, length)

    monkeypatch.setattr("keras_nm.runs.sweep.evaluate_runs", fail)
    [error] = sweep_here({"small": SMALL}, [0], tmp_path, [2, 4]).values()
    assert isinstance(error, OSError)
    [row] = read_rows(tmp_path, "ntm/copy", [2]).values()
    assert row["seconds"] > 0


def test_lengths_that_a_task_does_not_have_are_found_before_training(tmp_path):
    recipe = RECIPES["neural_gpu/binary_addition"]["neural-gpu"]
    with pytest.raises(ValueError, match="none from 40 to 40"):
        sweep_here({"small": recipe}, [0], tmp_path, [41, 40])
    assert list(tmp_path.iterdir()) == []


def test_a_directory_of_other_runs_is_left_alone(first):
    directory, _ = first
    other = dataclasses.replace(SMALL, batch_size=4)
    with pytest.raises(RunError, match="small-0 is a run of another recipe or seed"):
        next(sweep({"small": other}, [0], directory, [2]))
    with pytest.raises(ValueError, match=r"`seeds\[1\]` must be an integer"):
        next(sweep({"small": SMALL}, [0, -1], directory, [2]))
    with pytest.raises(ValueError, match="`jobs` must be an integer of at least 1"):
        next(sweep({"small": SMALL}, [0], directory, [2], jobs=0))


@pytest.mark.slow
def test_a_killed_process_takes_no_other_along():
    with ThreadPoolExecutor(2) as executor:
        killed, *others = [
            executor.submit(_in_a_process, 1, function, argument)
            for function, argument in [(os._exit, 1), (math.sqrt, 4), (math.sqrt, 9)]
        ]
        assert [other.result() for other in others] == [2, 3]
        assert isinstance(killed.exception(), BrokenProcessPool)


@pytest.mark.slow
def test_ctrl_c_ends_all_processes(tmp_path):
    arguments = ["sweep", "ntm/copy", "--seeds", "2", "--jobs", "1", "--output", tmp_path]
    with subprocess.Popen(
        [sys.executable, "-m", "keras_nm_cli", *arguments],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # The tests may run in the background of a shell, where Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            deadline = time.monotonic() + 60
            while not (tmp_path / "ntm-0" / "recipe.json").exists():
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.05)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            # It waits for the others.
            assert process.wait(timeout=20) == 130
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert not (tmp_path / "ntm-1").exists()
