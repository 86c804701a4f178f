"""The scripts in benchmarks/, without their trainings."""

import importlib
from pathlib import Path

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
