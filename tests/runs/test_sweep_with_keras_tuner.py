"""KerasTuner trains the runs of a sweep: here in one process, as without a chief."""

import dataclasses
import importlib.util
from pathlib import Path

import pytest
import small_runs

from keras_nm.training import load_run, sweep

pytest.importorskip("keras_tuner")

EXAMPLE = Path(__file__).parents[2] / "examples" / "sweep_with_keras_tuner.py"
TINY = dataclasses.replace(small_runs.COPY, epochs=1)
pytestmark = pytest.mark.filterwarnings(
    r"ignore:(currentThread|getName)\(\) is:DeprecationWarning"
)


@pytest.fixture
def example(monkeypatch):
    spec = importlib.util.spec_from_file_location("example", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RECIPES", {"ntm/copy": {"tiny": TINY}})
    return module


def test_a_sweep_goes_on_after_failures_and_with_more_seeds(tmp_path, example, monkeypatch):
    tried = []

    def fail(recipe, directories, lengths):
        tried.extend(directories)
        if 0 < len(tried) < 6:
            raise OSError("killed")

    monkeypatch.setattr(example, "train_and_measure", fail)
    example.Sweep("ntm/copy", 5, tmp_path).search()
    assert tried == [0, 1, 2, 3, 4]
    tried.clear()
    tried.append("others")
    example.Sweep("ntm/copy", 7, tmp_path).search()
    assert tried[1:] == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_runs_are_those_of_a_sweep(tmp_path, example):
    example.Sweep("ntm/copy", 2, tmp_path).search()

    for seed in range(2):
        run = load_run(tmp_path / f"tiny-{seed}")
        assert (run.recipe.to_json(), run.seed) == (TINY.to_json(), seed)
    tuner = example.Sweep("ntm/copy", 2, tmp_path)
    assert len(tuner.oracle.trials) == 2
    finished = (tmp_path / "tiny-1" / "model.keras").stat().st_mtime_ns
    rows = dict(sweep({"tiny": TINY}, range(2), tmp_path, [2]))
    assert {row["examples"] for row in rows.values()} == {TINY.batch_size}
    assert (tmp_path / "tiny-1" / "model.keras").stat().st_mtime_ns == finished
