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
pytestmark = pytest.mark.slow


@pytest.mark.filterwarnings(r"ignore:(currentThread|getName)\(\) is:DeprecationWarning")
def test_runs_are_those_of_a_sweep(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("example", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    monkeypatch.setattr(example, "RECIPES", {"ntm/copy": {"tiny": TINY}})
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
