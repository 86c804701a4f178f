import dataclasses
import itertools
import math

import pytest

from keras_nm.machines import MACHINES
from keras_nm.runs.evaluation import measures_of
from keras_nm.tasks import TASKS
from keras_nm.training import write_report


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
            "given_up": seed == 11,
            "results": {n: {"wrong_bits_per_sequence": wrong} for n in (2, 9)},
            "trained": (1, 2),
        }

    rows = {
        "small-10": row(10, 0.5, 1.25),
        "small-0": row(0, 0.04, 0.0),
        "small-11": row(11, 0.5, 1.25),
    }
    for _ in range(2):  # a sweep that goes on writes it again
        text = write_report(rows, "ntm/copy", tmp_path)
    assert text == (tmp_path / "table.md").read_text()
    assert text.splitlines() == [
        "| recipe | solved | median solved at | median time "
        "| median wrong bits per sequence at 2 | at 9 "
        "| seeds with none wrong at 2 | at 9 |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
        "| small | 1 of 3 | never | 12 s | 1.250 | 1.250 | 1 of 3 | 1 of 3 |",
        "",
        "| recipe | seed | solved at | examples | time | final bits per sequence "
        "| wrong bits per sequence at 2 | at 9 |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
        "| small | 0 | 4000 | 4000 | 12 s | 0.0400 | 0.000 | 0.000 |",
        "| small | 10 | never | 4000 | resumed | 0.5000 | 1.250 | 1.250 |",
        "| small | 11 | given up | 4000 | resumed | 0.5000 | 1.250 | 1.250 |",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {
        *("table.md", "curves.png", "lengths.png")
    }


def test_without_measured_runs_there_is_no_report(tmp_path):
    for rows in ({}, {"small-0": {"recipe": "small", "seed": 0, "results": {}}}):
        with pytest.raises(ValueError, match="needs at least one run"):
            write_report(rows, "ntm/copy", tmp_path)
    rows = {"small-0": ValueError("killed")}
    with pytest.raises(ValueError, match=r"finished runs only.*small-0.*killed"):
        write_report(rows, "ntm/copy", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_measure_that_several_machines_have_is_one_column(monkeypatch):
    machine = dataclasses.replace(MACHINES["NRAM"], words="a machine of one's own")
    monkeypatch.setitem(MACHINES, "Own", machine)
    results = {"wrong_cells": 0.0, "discrete_wrong_cells": 0.0}
    names = [each.name for each in measures_of(TASKS["nram/copy"], results)]
    assert names == ["wrong_cells", "discrete_wrong_cells"]


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
        "given_up": False,
        "results": {200: {**result, "wrong_bits_per_sequence": 50.0}},
        "trained": (200, 200),
    }
    text = write_report({"small-0": row}, "ntm/dynamic_ngrams", tmp_path)
    lines = [line.split(" | ") for line in text.splitlines() if line]
    assert "none wrong" not in text
    assert lines[0][-1] == "median bits per sequence above the optimum at 200 |"
    assert lines[2][-1] == lines[5][-1] == "3.500 |"


def test_a_run_that_diverged_counts_as_the_worst(tmp_path):
    def row(seed, wrong):
        return {
            "recipe": "small",
            "seed": seed,
            "examples": 4000,
            "seconds": 1.0,
            "metric": "bits_per_sequence",
            "curve": ([4000], [wrong]),
            "solved_at": None,
            "given_up": False,
            "results": {2: {"wrong_bits_per_sequence": wrong}},
            "trained": (1, 2),
        }

    for values in itertools.permutations([1.0, 2.0, math.nan]):
        rows = {f"small-{seed}": row(seed, value) for seed, value in enumerate(values)}
        cells = write_report(rows, "ntm/copy", tmp_path).splitlines()[2].split(" | ")
        assert cells[4:] == ["2.000", "0 of 3 |"]


def test_a_report_of_tapes(tmp_path):
    row = {
        "recipe": "small",
        "seed": 0,
        "examples": 4000,
        "seconds": 12.3,
        "metric": "wrong_cells",
        "curve": ([4000], [0.0]),
        "solved_at": 4000,
        "given_up": False,
        "results": {6: {"wrong_cells": 0.0, "discrete_wrong_cells": 0.5}},
        "trained": (1, 6),
    }
    text = write_report({"small-0": row}, "nram/access", tmp_path)
    lines = [line.split(" | ") for line in text.splitlines() if line]
    assert lines[0][-3] == "seeds with none wrong at 6"
    assert lines[0][-1] == "seeds with a faultless discrete machine at 6 |"
    assert lines[2][-4:] == ["0.000", "1 of 1", "0.500", "0 of 1 |"]
