"""The command line, in this process: `main` is all that `keras-nm` runs.

`test_startup.py` starts processes.
"""

import dataclasses
import json
import shutil
import sys
from types import MappingProxyType

import numpy as np
import pytest
import small_runs
import tensorflow as tf

import keras_nm
from keras_nm.training import RECIPES, evaluate, load_run
from keras_nm_cli import main

RECIPE = dataclasses.replace(small_runs.COPY, name="ntm", epochs=2)
OTHER_RECIPE = dataclasses.replace(RECIPE, name="other", epochs=1)


@pytest.fixture(scope="module", autouse=True)
def _one_recipe():
    copy = MappingProxyType({"ntm": RECIPE, OTHER_RECIPE.name: OTHER_RECIPE})
    recipes = MappingProxyType({"ntm/copy": copy})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras_nm.recipes.RECIPES", recipes)
        yield


@pytest.fixture
def run(copy_run):
    """The directory of a finished run."""
    return copy_run.directory


def failure(capsys, *arguments):
    """Runs a command that must fail, and returns its one line of error."""
    capsys.readouterr()
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as exit:  # argparse
        code = exit.code
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert code == 2
    if not lines[0].startswith("usage:"):
        assert len(lines) == 1, "one line"
    return lines[-1]


def test_train(capsys, tmp_path):
    directory = tmp_path / "run"
    assert main(["train", "ntm/copy", "--output", str(directory), "--seed", "3"]) == 0
    assert "Trained on 16 examples" in capsys.readouterr().out
    run = load_run(directory)
    assert (run.recipe, run.seed) == (RECIPE, 3)
    assert run.result["examples"] == 16


def test_train_another_layer(tmp_path):
    directory = tmp_path / "run"
    arguments = ["train", "ntm/copy", "--layer", "other", "--output", str(directory)]
    assert main(arguments) == 0
    assert load_run(directory).recipe == OTHER_RECIPE


def test_evaluate(run, capsys):
    assert main(["evaluate", str(run), "--lengths", "1", "2", "--memory-size", "40"]) == 0
    captured = capsys.readouterr()
    header, *rows = (line.split() for line in captured.out.splitlines())
    assert captured.err == ""
    assert [row[0] for row in rows] == ["1", "2"]
    expected = evaluate(load_run(run).with_memory_size(40), 2)
    # Some headers have two words, so columns are counted from the end.
    assert (header[-1], rows[1][-1]) == ("examples", str(expected["examples"]))
    assert float(rows[1][1]) == pytest.approx(expected["bits_per_sequence"], abs=1e-3)


def test_evaluate_a_range_of_lengths(run, capsys):
    assert main(["evaluate", str(run), "--lengths", "1", "1:2"]) == 0
    _, *rows = (line.split() for line in capsys.readouterr().out.splitlines())
    assert [(row[0], row[-1]) for row in rows] == [("1", "128"), ("1:2", "256")]


def test_a_memory_that_is_too_small_is_reported(run, capsys):
    assert main(["evaluate", str(run), "--lengths", "25"]) == 0
    note = "the memory's number of locations is 24. If length 25 takes more"
    assert note in capsys.readouterr().err


def test_evaluate_structured_cases(run, capsys):
    assert main(["evaluate", str(run), "--structured"]) == 0
    head, *rows = (line.split() for line in capsys.readouterr().out.splitlines())
    assert head[:2] == ["case", "bits"]
    loaded = load_run(run)
    cases = loaded.task.structured_sets(64)
    assert [row[0] for row in rows] == list(cases)
    for row in rows:
        bits = loaded.model.evaluate(cases[row[0]], return_dict=True, verbose=0)
        expected = bits["bits_per_sequence"]
        assert float(row[1]) == pytest.approx(expected, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["--length", "3", "--output", "x.png"], b"\x89PNG"),
        (["--example", "2", "--length", "1", "--output", "x.gif"], b"GIF89a"),
        (["--animate", "training", "--length", "1", "--output", "x.gif"], b"GIF89a"),
        (["--animate", "training", "--memory-size", "9", "--output", "x.gif"], b"GIF89a"),
        (["--task-options", "max_length=2", "--output", "x.gif"], b"GIF89a"),
    ],
)
def test_trace(run, tmp_path, monkeypatch, arguments, start):
    monkeypatch.chdir(tmp_path)
    assert main(["trace", str(run), *arguments]) == 0
    assert (tmp_path / arguments[-1]).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("arguments", "name", "start"),
    [([], "trace.png", b"\x89PNG"), (["--animate", "time"], "trace.gif", b"GIF89a")],
)
def test_a_picture_without_a_path_goes_to_its_run(run, tmp_path, arguments, name, start):
    directory = shutil.copytree(run, tmp_path / "run")
    assert main(["trace", str(directory), "--length", "1", *arguments]) == 0
    assert (directory / name).read_bytes().startswith(start)


def test_trace_of_another_task_and_memory(run, monkeypatch, tmp_path):
    def draw(run, length, example, **task_options):
        drawn.append((run.layer.cell.memory_shape[0], length, example, task_options))
        return "figure"

    drawn = []
    monkeypatch.setattr("keras_nm.runs.pictures.picture", draw)
    monkeypatch.setattr("keras_nm.plots.write_picture", lambda figure, path: None)
    arguments = ["--memory-size", "9", "--length", "3", "--output", str(tmp_path / "x.png")]
    assert main(["trace", str(run), *arguments, "--task-options", "max_length=4"]) == 0
    assert drawn == [(9, 3, 0, {"max_length": 4})]


def test_export(run, capsys, tmp_path):
    export = ["export", str(run), str(tmp_path / "saved"), "--lengths", "2", "3"]
    for arguments in (export, [*export, "--version", "1", "--overwrite"]):
        assert main(arguments) == 0
        assert capsys.readouterr().out.splitlines()[-1].endswith("saved/1")
    card = tmp_path / "saved" / "1" / "assets.extra" / "model_card.json"
    card = json.loads(card.read_text())
    assert (card["task"], card["seed"], card["trained_on_examples"]) == ("ntm/copy", 1, 112)
    assert [row["length"] for row in card["results"]] == [2, 3]
    assert card["results"][0] == {"length": 2, **evaluate(load_run(run), 2)}
    assert "license" not in card  # is for the owner to choose


def test_export_with_another_memory(run, tmp_path):
    export = ["export", str(run), str(tmp_path / "saved"), "--lengths", "2"]
    assert main([*export, "--memory-size", "40", "--license", "MIT"]) == 0
    folder = tmp_path / "saved" / "1"
    card = json.loads((folder / "assets.extra" / "model_card.json").read_text())
    assert card["license"] == "MIT"
    larger = load_run(run).with_memory_size(40)
    assert card["layer"]["memory_shape"] == [40, 4]
    assert card["results"] == [{"length": 2, **evaluate(larger, 2)}]
    x = larger.task.evaluation_set(3, split="validation").take(1).get_single_element()[0]
    model = tf.saved_model.load(folder)
    [answer] = model.signatures["sequence"](tf.cast(x, tf.float32)).values()
    np.testing.assert_allclose(answer, larger.model.predict(x, verbose=0), atol=1e-5)


@pytest.mark.parametrize("kind", ["curves", "lengths", "answers"])
def test_charts(run, capsys, tmp_path, kind):
    path = tmp_path / "chart.svg"
    arguments = ["chart", kind, str(run), str(run)]
    if kind != "curves":
        arguments += ["--lengths", "2", "5"]
    assert main([*arguments, "--output", str(path)]) == 0
    assert capsys.readouterr().out == f"Drawn to {path}\n"
    assert b"<svg" in path.read_bytes()
    assert "exists" in failure(capsys, *arguments, "--output", path)


@pytest.mark.parametrize(
    "error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM")]
)
def test_too_little_memory_is_one_line(capsys, monkeypatch, run, error):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr("keras_nm.runs.evaluation.evaluate", fail)
    line = failure(capsys, "evaluate", run, "--lengths", "2")
    assert "there is not enough memory" in line


def test_a_sweep_without_a_memory_to_change(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("keras_nm.recipes.RECIPES", RECIPES)
    arguments = ("sweep", "nram/copy", "--memory-size", "9", "--output", tmp_path / "runs")
    line = failure(capsys, *arguments)
    assert "no memory of nram has a size that can be changed" in line
    assert not (tmp_path / "runs").exists()


def test_a_sweep_reports_what_ran_and_what_failed(capsys, monkeypatch, tmp_path):
    row = {
        "recipe": "ntm",
        "seed": 0,
        "examples": 9,
        "seconds": 1.0,
        "solved_at": None,
        "given_up": False,
        "metric": "bits_per_sequence",
        "curve": ([9], [0.5]),
        "trained": (1, 3),
        "results": {7: {"wrong_bits_per_sequence": 2.0}},
    }

    def pretend(recipes, seeds, directory, lengths, jobs, replicas):
        assert dict(recipes) == {"ntm": RECIPE}
        assert (list(seeds), directory, lengths, jobs) == ([100, 101], tmp_path, [7], 3)
        assert replicas == 2
        yield "ntm-101", OSError("no space left")
        yield "ntm-100", row

    def measured(directory, task, lengths):
        assert (directory, task, lengths) == (tmp_path, "ntm/copy", [7])
        return {"gru-0": {**row, "recipe": "gru"}, "ntm-100": {**row, "recipe": "ntm #2"}}

    monkeypatch.setattr("keras_nm.runs.sweep.sweep", pretend)
    monkeypatch.setattr("keras_nm.runs.sweep.read_rows", measured)
    arguments = ["--seeds", "2", "--first-seed", "100", "--jobs", "3", "--replicas", "2"]
    arguments += ["--lengths", "7", "--layer", "ntm", "--output", str(tmp_path)]
    assert main(["sweep", "ntm/copy", *arguments]) == 2
    captured = capsys.readouterr()
    table = (tmp_path / "table.md").read_text()
    assert captured.out == f"1 of 2: ntm-101\n2 of 2: ntm-100\n{table}"
    assert "| gru | 0 |" in table
    assert "| ntm #2 | 0 |" in table
    assert "1 of 2 runs failed; run the sweep again" in captured.err
    assert "ntm-101: OSError: no space left" in captured.err


def test_a_sweep_measures_with_another_memory(monkeypatch, tmp_path):
    def pretend(recipes, *_):
        sizes = {name: recipe.memory_size for name, recipe in recipes.items()}
        assert sizes == {"ntm": 500, "lstm": None}
        return []

    monkeypatch.setattr("keras_nm.runs.sweep.sweep", pretend)
    recipes = {"ntm": RECIPE, "lstm": RECIPES["ntm/copy"]["lstm"]}
    monkeypatch.setattr("keras_nm.recipes.RECIPES", {"ntm/copy": recipes})
    arguments = ["sweep", "ntm/copy", "--memory-size", "500", "--output", str(tmp_path)]
    assert main(arguments) == 0


def test_a_sweep_gives_up_by_a_rule(monkeypatch, tmp_path):
    def pretend(recipes, *_):
        rule = {"above": 0.5, "examples": 100_000}
        assert recipes == {"ntm": dataclasses.replace(RECIPE, give_up=rule)}
        return []

    monkeypatch.setattr("keras_nm.runs.sweep.sweep", pretend)
    arguments = ["--layer", "ntm", "--give-up", "0.5", "1e5", "--output", str(tmp_path)]
    assert main(["sweep", "ntm/copy", *arguments]) == 0


def test_trace_and_export_overwrite_nothing(run, capsys, tmp_path):
    picture = tmp_path / "plate.png"
    picture.write_text("mine")
    assert "exists" in failure(capsys, "trace", run, "--output", picture)
    assert picture.read_text() == "mine"
    assert "not a directory of versions" in failure(capsys, "export", run, picture)
    (tmp_path / "taken" / "1").mkdir(parents=True)
    export = ["export", run, tmp_path / "taken", "--version", "1", "--lengths", "1"]
    line = failure(capsys, *export)
    assert "overwrites nothing" in line
    assert "not empty" in failure(capsys, "train", "ntm/copy", "--output", run)
    assert "finished" in failure(capsys, "resume", run)


def test_export_checks_the_version_before_it_measures(run, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("keras_nm.runs.evaluation.describe", None)
    (tmp_path / "1").mkdir()
    line = failure(capsys, "export", run, tmp_path, "--version", "1")
    assert "overwrites nothing" in line


def test_resume_continues_an_interrupted_run(run, capsys, tmp_path):
    for name in ("recipe.json", "model.keras", "curve.csv"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    assert main(["resume", str(tmp_path)]) == 0
    assert (tmp_path / "result.json").read_bytes() == (run / "result.json").read_bytes()
    assert "Trained on 112 examples" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "sort", "--output", "x"], "must be one of ntm/copy. Received: sort"),
        (
            ["train", "ntm/copy", "--layer", "gru", "--output", "x"],
            "The layer for ntm/copy must be one of ntm, other. Received: gru",
        ),
        (["sweep", "sort", "--output", "x"], "must be one of ntm/copy. Received: sort"),
        (
            ["sweep", "ntm/copy", "--layer", "ntm", "gru", "--output", "x"],
            "must be one of ntm, other. Received: gru",
        ),
        (["train", "ntm/copy"], "required: --output"),
        (["train", "ntm/copy", "--output", "x", "--seed", "-1"], "received '-1'"),
        (["resume", "{missing}"], "not a run directory"),
        (["evaluate", "{missing}"], "not a run directory"),
        (["evaluate", "{missing}", "--lengths", "0"], "at least 1, received '0'"),
        (["evaluate", "{missing}", "--lengths", "ten"], "at least 1, received 'ten'"),
        (["evaluate", "{missing}", "--lengths", "5:"], "at least 1, received ''"),
        (["evaluate", "{missing}", "--lengths", "5:4"], "such as 41:500, received 5:4"),
        (["export", "{missing}", "{missing}/saved"], "not a run directory"),
        (["trace", "{missing}"], "not a run directory"),
        (
            ["sweep", "ntm/copy", "--output", "x", "--seeds", "0"],
            "at least 1, received '0'",
        ),
        (
            ["sweep", "ntm/copy", "--output", "x", "--give-up", "5", "nan"],
            "expected a positive number, received 'nan'",
        ),
        (["chart", "curves", "{missing}", "--output", "{missing}"], "must end in .png"),
        (["chart", "pie", "{run}", "--output", "x.png"], "invalid choice: 'pie'"),
        (["chart", "curves", "{missing}", "--output", "x.png"], "not a run directory"),
        (
            ["chart", "curves", "{run}", "--lengths", "5", "--output", "x.png"],
            "use --lengths with `lengths` and `answers`",
        ),
        (
            ["evaluate", "{run}", "--lengths", "2", "--task-options", "max_length=2"],
            "lengths to measure at as lengths",
        ),
        (["trace", "{run}", "--animate", "time", "--output", "x.png"], "must end in .gif"),
        (["trace", "{missing}", "--animate", "time"], "not a run directory"),
        (["trace", "{run}", "--example", "-1"], "at least 0, received '-1'"),
        (["serve", "{missing}", "--port", "99999"], "at most 65535, received '99999'"),
        (
            ["trace", "{run}", "--output", "{missing}.xyz"],
            "must end in .png, .svg, .pdf or .gif",
        ),
        (
            ["trace", "{run}", "--output", "{missing}"],
            "must end in .png, .svg, .pdf or .gif",
        ),
        (["evaluate", "{run}", "--locations", "2"], "with 2 locations"),
        (["evaluate", "{run}", "--task-options", "repeats"], "expected NAME=VALUE"),
        (
            ["evaluate", "{run}", "--lengths", "2", "--task-options", "repeats=5"],
            "Received: repeats",
        ),
        (
            ["evaluate", "{run}", "--lengths", "2", "--task-options", "num_bits=5"],
            "have the sizes (6, 5)",
        ),
        (
            ["evaluate", "{run}", "--lengths", "2", "--task-options", "length=5"],
            "Received: length",
        ),
        (["trace", "{run}", "--task-options", "example=5"], "Received: example"),
        (["trace", "{run}", "--locations", "2", "--output", "x.png"], "with 2 locations"),
        (
            ["evaluate", "{run}", "--lengths", "2", "--task-options", "num_bits=many"],
            "Received: num_bits='many'",
        ),
        (
            ["evaluate", "{run}", "--lengths", "2", "--task-options", "num_bits=False"],
            "Received: num_bits=False",
        ),
        (["evaluate", "{run}", "--structured", "--lengths", "5"], "without --lengths"),
        (["nonsense"], "invalid choice: 'nonsense'"),
        ([], "required: COMMAND"),
    ],
)
def test_bad_arguments(arguments, message, capsys, monkeypatch, tmp_path, run):
    monkeypatch.chdir(tmp_path)
    places = {"missing": tmp_path / "missing", "run": run}
    line = failure(capsys, *(argument.format(**places) for argument in arguments))
    assert line.startswith("keras-nm")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_damaged_run(run, capsys, tmp_path):
    (tmp_path / "recipe.json").write_bytes((run / "recipe.json").read_bytes())
    (tmp_path / "model.keras").write_bytes(b"PK damaged")
    assert "damaged" in failure(capsys, "evaluate", tmp_path)


def test_without_matplotlib_the_error_names_the_extra(run, capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "keras_nm.plots", raising=False)
    monkeypatch.delattr(keras_nm, "plots", raising=False)
    line = failure(capsys, "trace", run, "--output", tmp_path / "plate.png")
    assert "pip install keras_nm[plot]" in line


def test_version(capsys):
    with pytest.raises(SystemExit) as exit:
        main(["--version"])
    assert exit.value.code == 0
    assert capsys.readouterr().out == f"keras_nm {keras_nm.__version__}\n"
