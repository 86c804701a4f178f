"""The scripts in benchmarks/, without their trainings."""

import importlib
import io
import json
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

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


def run_of(recipe, directory, seed, verbose):
    """A run that is not trained."""
    directory.mkdir(parents=True, exist_ok=True)
    return SimpleNamespace(
        task=recipe.made_task,
        layer=None,
        model=None,
        result={"wrong_calls": 0.0},
        num_examples=8,
    )


@pytest.mark.parametrize("begun", [False, True])
def test_the_seconds_of_npi_are_those_of_whole_trainings(
    script, monkeypatch, tmp_path, begun
):
    npi = script("npi")
    monkeypatch.setattr(npi, "train_or_resume", run_of)
    monkeypatch.setattr(npi, "share_right", lambda *_: 1.0)
    if begun:
        (tmp_path / "addition-npi-loops-3").mkdir()
    cells = npi.row("addition", "npi-loops", 3, tmp_path)
    assert (cells[2] == "resumed") == begun


@pytest.mark.parametrize("begun", [False, True])
def test_the_seconds_of_neural_gpus_are_those_of_whole_trainings(
    script, monkeypatch, capsys, tmp_path, begun
):
    neural_gpu = script("neural_gpu")
    monkeypatch.setattr(neural_gpu, "train_or_resume", run_of)
    monkeypatch.setattr(neural_gpu, "percent_wrong", lambda *_: 0.0)
    monkeypatch.setattr(neural_gpu, "KINDS", ("random",))
    # It would set the threads of this process.
    monkeypatch.setattr(neural_gpu.tf.config, "threading", Mock())
    arguments = ["--output", str(tmp_path), "--tasks", "binary_addition", "--seeds", "1"]
    monkeypatch.setattr(sys, "argv", ["neural_gpu.py", *arguments])
    if begun:
        (tmp_path / "binary_addition-0").mkdir()
    for _ in range(2):  # the second time, from the results of the first
        neural_gpu.main()
        *_, row = capsys.readouterr().out.splitlines()
        assert (row.split(" | ")[1] == "resumed") == begun


@pytest.fixture
def killed(monkeypatch):
    """The processes are killed while they write files."""

    def write(path, text, encoding=None):
        with open(path, "w") as file:
            file.write(text[:1])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", write)


@pytest.mark.usefixtures("killed")
def test_results_of_chomsky_are_complete(script, monkeypatch, tmp_path):
    chomsky = script("chomsky")
    monkeypatch.setattr(chomsky, "train_or_resume", run_of)
    monkeypatch.setattr(chomsky, "evaluate_range", lambda *_: {})
    with pytest.raises(KeyboardInterrupt):
        chomsky.measure("even_pairs", "lstm", 0, tmp_path)
    assert not (tmp_path / "even_pairs" / "lstm-0.json").exists()


@pytest.mark.usefixtures("killed")
def test_results_of_neural_gpus_are_complete(script, monkeypatch, tmp_path):
    neural_gpu = script("neural_gpu")
    monkeypatch.setattr(neural_gpu, "train_or_resume", run_of)
    monkeypatch.setattr(neural_gpu, "KINDS", ())
    with pytest.raises(KeyboardInterrupt):
        neural_gpu.measured("binary_addition", 0, tmp_path)
    assert not (tmp_path / "binary_addition-0.json").exists()


def test_the_tables_of_chomsky_have_the_layers_and_seeds_given(
    script, monkeypatch, capsys, tmp_path
):
    chomsky = script("chomsky")
    monkeypatch.setattr(chomsky, "guess", lambda _: 50.0)
    (tmp_path / "even_pairs").mkdir()
    for layer, seed, wrong in [("ntm", 0, 0.5), ("ntm", 2, 0.3), ("ntm", 10, 0.1)]:
        result = {"41:500": {"wrong_tokens": wrong, "exact_answers": 0.0}}
        (tmp_path / "even_pairs" / f"{layer}-{seed}.json").write_text(json.dumps(result))
    options = SimpleNamespace(
        output=tmp_path, tasks=["even_pairs"], layers=["ntm", "dnc"], seeds=[0, 1, 10]
    )
    chomsky.tables(options)
    _, head, _, row, *_ = capsys.readouterr().out.splitlines()
    assert head == "| task | guess | ntm | dnc |"
    assert row == "| `even_pairs` | 50.0 | **90.0** (50.0, 90.0) |  |"


@pytest.mark.parametrize(("seconds", "command"), [(1, "exec sleep 100"), (100, "exit 1")])
def test_a_server_that_does_not_start_is_told(script, monkeypatch, seconds, command):
    serving = script("serving")
    monkeypatch.setattr(serving, "SECONDS_TO_START", seconds)
    log = io.StringIO("no models")
    with subprocess.Popen(["sh", "-c", command]) as server:
        with pytest.raises(SystemExit, match="did not start:\nno models"):
            serving.wait_for("http://127.0.0.1:9", server, log)
        server.kill()


def test_no_other_server_is_measured(script, monkeypatch, capsys):
    serving = script("serving")
    with socket.create_server(("127.0.0.1", 0)) as other:
        _, port = other.getsockname()
        monkeypatch.setattr(sys, "argv", ["serving.py", "--port", str(port)])
        with pytest.raises(SystemExit):
            serving.main()
    assert f"another server has the port {port}" in capsys.readouterr().err


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
    monkeypatch.setattr(variants, "read_rows", lambda *_: {"earlier-0": {}, "a-1": {}})
    monkeypatch.setattr(variants, "write_report", write_report)
    recipes = {"a": RECIPES["ntm/copy"]["ntm"]}
    options = SimpleNamespace(seeds=2, jobs=1, output=tmp_path)
    with pytest.raises(SystemExit, match=f"{len(failed)} of 2 runs failed"):
        variants.train(recipes, options, [20])
    errors = [f"{name}: ValueError: no {name}" for name in failed]
    assert capsys.readouterr().out.splitlines() == [*errors, *report]
