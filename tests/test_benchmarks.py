"""The scripts in benchmarks/, without their trainings."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from keras_nm.training import RECIPES

ROOT = Path(__file__).parents[1]


@pytest.fixture
def script(monkeypatch):
    """A function that imports a script by its name."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module


def test_rates_of_all_lines_fall_in_the_steps_of_the_benchmark(script):
    lines = script("nram_levers").lines(RECIPES["nram/swap"]["nram"], 600)
    rates = {
        name: recipe.optimizer["config"]["learning_rate"]["config"]["decay_steps"]
        for name, recipe in lines.items()
    }
    assert rates == dict.fromkeys(lines, 600)


@pytest.mark.parametrize(
    ("failed", "report"),
    [(["a-0"], ["report of earlier-0 and a-1"]), (["a-0", "a-1"], [])],
)
def test_runs_that_fail_are_told(script, monkeypatch, capsys, tmp_path, failed, report):
    variants = script("variants")

    def sweep(recipes, seeds, *_, **__):
        for name in (f"{recipe}-{seed}" for recipe in recipes for seed in seeds):
            yield name, ValueError(f"no {name}") if name in failed else {}

    def write_report(rows, *_):
        return f"report of {' and '.join(rows)}"

    monkeypatch.setattr(variants, "sweep", sweep)
    monkeypatch.setattr(variants, "read_rows", lambda *_: {"earlier-0": {}})
    monkeypatch.setattr(variants, "write_report", write_report)
    recipes = {"a": RECIPES["ntm/copy"]["ntm"]}
    options = SimpleNamespace(seeds=2, jobs=1, output=tmp_path)
    with pytest.raises(SystemExit, match=f"{len(failed)} of 2 runs failed"):
        variants.train(recipes, options, [20])
    errors = [f"{name}: ValueError: no {name}" for name in failed]
    assert capsys.readouterr().out.splitlines() == [*errors, *report]
