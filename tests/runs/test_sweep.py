"""Sweeps: what each process leaves behind, and what is left to do after an interruption."""

import dataclasses
import os

import pytest

from keras_nm.tasks import TASKS
from keras_nm.training import RECIPES, RunError, evaluate, load_run, sweep, write_report

SMALL = dataclasses.replace(
    RECIPES["ntm/copy"]["ntm-feedforward"],
    layer={
        **RECIPES["ntm/copy"]["ntm-feedforward"].layer,
        "config": {
            "memory_shape": (5, 3),  # which JSON makes a list
            "controller": {
                "module": "keras.layers",
                "class_name": "Dense",
                "config": {"units": 4, "activation": "tanh"},
            },
        },
    },
    memory_size=None,
    task_options={"max_length": 2, "num_bits": 2},
    batch_size=8,
    steps_per_epoch=2,
    epochs=2,
    stop_below=0.0,
)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sweep")
    return directory, dict(sweep({"small": SMALL}, [0, 3], directory, [2], jobs=2))


@pytest.mark.usefixtures("without_xla")
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
        assert row["seconds"] > 0
        assert row["trained"] == (1, 2)
        assert row["results"] == {2: pytest.approx(evaluate(run, 2), rel=1e-4)}
    assert rows["small-0"]["curve"] != rows["small-3"]["curve"]
    assert "TF_NUM_INTRAOP_THREADS" not in os.environ  # that was for the processes


def test_a_sweep_goes_on_where_it_was_interrupted(first):
    directory, rows = first
    # As if it had been killed before a run's last line was written.
    for name in ("result.json", "measured.json"):
        (directory / "small-3" / name).unlink()
    kept = os.stat(directory / "small-0" / "model.keras").st_mtime_ns
    bad = dataclasses.replace(SMALL, optimizer={"class_name": "Nonsense", "config": {}})
    recipes = {"small": SMALL, "bad": bad}
    again = dict(sweep(recipes, [0, 3], directory, [2, 4], jobs=2))

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


def test_a_directory_of_other_runs_is_left_alone(first):
    directory, _ = first
    other = dataclasses.replace(SMALL, batch_size=4)
    with pytest.raises(RunError, match="small-0 is a run of another recipe or seed"):
        next(sweep({"small": other}, [0], directory, [2]))
    with pytest.raises(ValueError, match="`jobs` must be an integer of at least 1"):
        next(sweep({"small": SMALL}, [0], directory, [2], jobs=0))


def test_a_report(tmp_path):
    def row(seed, last, wrong):
        return {
            "recipe": "small",
            "seed": seed,
            "examples": 4000,
            "seconds": None if seed else 12.3,
            "metric": "bits_per_sequence",
            "curve": ([2000, 4000], [1.0, last]),
            "solved_at": 4000 if last < 0.05 else None,
            "results": {n: {"wrong_bits_per_sequence": wrong} for n in (2, 9)},
            "trained": (1, 2),
        }

    rows = {"small-10": row(10, 0.5, 1.25), "small-0": row(0, 0.04, 0.0)}
    for _ in range(2):  # a sweep that goes on writes it again
        text = write_report(rows, "ntm/copy", tmp_path)
    assert text == (tmp_path / "table.md").read_text()
    assert text.splitlines() == [
        "| recipe | solved | median solved at | median time "
        "| median wrong bits per sequence at 2 | at 9 "
        "| seeds with none wrong at 2 | at 9 |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
        "| small | 1 of 2 | never | 12 s | 0.625 | 0.625 | 1 of 2 | 1 of 2 |",
        "",
        "| recipe | seed | solved at | examples | time | final bits per sequence "
        "| wrong bits per sequence at 2 | at 9 |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
        "| small | 0 | 4000 | 4000 | 12 s | 0.0400 | 0.000 | 0.000 |",
        "| small | 10 | never | 4000 | resumed | 0.5000 | 1.250 | 1.250 |",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {
        *("table.md", "curves.png", "lengths.png")
    }
    assert TASKS["ntm/copy"].length == "vectors"


def test_a_report_of_a_task_that_cannot_be_answered_without_errors(tmp_path):
    result = {"bits_per_sequence": 135.5, "optimal_bits_per_sequence": 132.0}
    row = {
        "recipe": "small",
        "seed": 0,
        "examples": 4000,
        "seconds": 12.3,
        "metric": "bits_per_sequence",
        "curve": ([4000], [135.0]),
        "solved_at": None,
        "results": {200: {**result, "wrong_bits_per_sequence": 50.0}},
        "trained": (200, 200),
    }
    text = write_report({"small-0": row}, "ntm/dynamic_ngrams", tmp_path)
    lines = [line.split(" | ") for line in text.splitlines() if line]
    assert "none wrong" not in text
    assert lines[0][-1] == "median bits per sequence above the optimum at 200 |"
    assert lines[2][-1] == lines[5][-1] == "3.500 |"


def test_a_report_of_tapes(tmp_path):
    row = {
        "recipe": "small",
        "seed": 0,
        "examples": 4000,
        "seconds": 12.3,
        "metric": "wrong_cells",
        "curve": ([4000], [0.0]),
        "solved_at": 4000,
        "results": {6: {"wrong_cells": 0.0, "discrete_wrong_cells": 0.5}},
        "trained": (1, 6),
    }
    text = write_report({"small-0": row}, "nram/access", tmp_path)
    lines = [line.split(" | ") for line in text.splitlines() if line]
    assert lines[0][-3] == "seeds with none wrong at 6"
    assert lines[0][-1] == "seeds with a faultless discrete machine at 6 |"
    assert lines[2][-4:] == ["0.000", "1 of 1", "0.500", "0 of 1 |"]
