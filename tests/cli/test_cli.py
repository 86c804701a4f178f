import dataclasses
import json
import subprocess
import sys
from types import MappingProxyType

import pytest

import keras_nm
from keras_nm.cli import main
from keras_nm.training import RECIPES, evaluate, load_run

TINY = dataclasses.replace(
    RECIPES["ntm/copy"]["ntm"],
    task_options={"max_length": 3},
    batch_size=8,
    steps_per_epoch=2,
    epochs=2,
    stop_below=0.0,
)


@pytest.fixture(scope="module", autouse=True)
def _tiny_recipe():
    with pytest.MonkeyPatch.context() as patch:
        recipes = MappingProxyType({"ntm/copy": MappingProxyType({"ntm": TINY})})
        patch.setattr(keras_nm.training, "RECIPES", recipes)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory, without_xla):
    directory = tmp_path_factory.mktemp("cli") / "run"
    assert main(["train", "ntm/copy", "--output", str(directory), "--seed", "3"]) == 0
    return directory


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


def test_train_evaluate_trace_export(run, capsys, tmp_path):
    assert (run / "model.keras").is_file()
    assert main(["evaluate", str(run), "--lengths", "1", "2", "--locations", "40"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[-2].split()[0] == "1"
    assert table[-1].split()[0] == "2"
    assert table[-1].split()[-1] == "128"

    assert main(["evaluate", str(run), "--structured"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split()[:2] == ["case", "bits"]
    assert [line.split()[0] for line in table[1:]] == list(
        load_run(run).task.structured_sets()
    )

    assert main(["evaluate", str(run), "--lengths", "129"]) == 0
    assert "129 is more than the memory's 128" in capsys.readouterr().err

    picture = tmp_path / "plate.png"
    arguments = ["trace", str(run), "--length", "3", "--output", str(picture)]
    assert main(arguments) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")

    for kind in ("time", "training"):
        animation = tmp_path / f"{kind}.gif"
        arguments = ["trace", str(run), "--example", "2", "--animate", kind]
        assert main([*arguments, "--output", str(animation)]) == 0
        assert animation.read_bytes().startswith(b"GIF89a")

    export = ["export", str(run), str(tmp_path / "saved"), "--lengths", "2", "3"]
    for arguments in (export, export, [*export, "--version", "2", "--overwrite"]):
        assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("saved/2")
    card = tmp_path / "saved" / "2" / "assets.extra" / "model_card.json"
    card = json.loads(card.read_text())
    assert (card["task"], card["seed"], card["trained_on_examples"]) == ("ntm/copy", 3, 32)
    assert [row["length"] for row in card["results"]] == [2, 3]
    assert card["results"][0] == {"length": 2, **evaluate(load_run(run), 2)}


@pytest.mark.parametrize("kind", ["curves", "lengths", "answers"])
def test_charts(run, capsys, tmp_path, kind):
    path = tmp_path / "chart.svg"
    arguments = ["chart", kind, str(run), str(run), "--lengths", "2", "5"]
    assert main([*arguments, "--output", str(path)]) == 0
    assert capsys.readouterr().out == f"Drawn to {path}\n"
    assert b"<svg" in path.read_bytes()
    assert "exists" in failure(capsys, *arguments, "--output", path)


def test_a_sweep_reports_what_ran_and_what_failed(capsys, monkeypatch, tmp_path):
    row = {
        "recipe": "ntm",
        "seed": 0,
        "examples": 9,
        "seconds": 1.0,
        "solved_at": None,
        "metric": "bits_per_sequence",
        "curve": ([9], [0.5]),
        "trained": (1, 3),
        "results": {7: {"wrong_bits_per_sequence": 2.0}},
    }

    def pretend(recipes, seeds, directory, lengths, jobs, replicas):
        assert dict(recipes) == {"ntm": TINY}
        assert (list(seeds), directory, lengths, jobs) == ([0, 1], tmp_path, [7], 3)
        assert replicas == 2
        yield "ntm-1", OSError("no space left")
        yield "ntm-0", row

    monkeypatch.setattr(keras_nm.training, "sweep", pretend)
    arguments = ["--seeds", "2", "--jobs", "3", "--replicas", "2", "--lengths", "7"]
    arguments += ["--output", str(tmp_path)]
    assert main(["sweep", "ntm/copy", *arguments]) == 2
    captured = capsys.readouterr()
    table = (tmp_path / "table.md").read_text()
    assert captured.out == f"1 of 2: ntm-1\n2 of 2: ntm-0\n{table}"
    assert "1 of 2 runs failed; run the sweep again" in captured.err
    assert "ntm-1: OSError: no space left" in captured.err


def test_trace_and_export_overwrite_nothing(run, capsys, tmp_path):
    picture = tmp_path / "plate.png"
    picture.write_text("mine")
    assert "exists" in failure(capsys, "trace", run, "--output", picture)
    assert picture.read_text() == "mine"
    assert "not a directory of versions" in failure(capsys, "export", run, picture)
    (tmp_path / "taken" / "1").mkdir(parents=True)
    line = failure(capsys, "export", run, tmp_path / "taken", "--version", "1")
    assert "overwrites nothing" in line
    assert "not empty" in failure(capsys, "train", "ntm/copy", "--output", run)
    assert "finished" in failure(capsys, "resume", run)


def test_resume_continues_an_interrupted_run(run, capsys, tmp_path):
    for name in ("recipe.json", "model.keras", "curve.csv"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    assert main(["resume", str(tmp_path)]) == 0
    assert (tmp_path / "result.json").read_bytes() == (run / "result.json").read_bytes()
    assert "Trained on 32 examples" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "sort", "--output", "x"], "invalid choice: 'sort'"),
        (["train", "ntm/copy", "--layer", "gru", "--output", "x"], "invalid choice: 'gru'"),
        (["train", "ntm/copy"], "required: --output"),
        (["train", "ntm/copy", "--output", "x", "--seed", "-1"], "received '-1'"),
        (["resume", "{missing}"], "not a run directory"),
        (["evaluate", "{missing}"], "not a run directory"),
        (["evaluate", "{missing}", "--lengths", "0"], "at least 1, received '0'"),
        (["evaluate", "{missing}", "--lengths", "ten"], "at least 1, received 'ten'"),
        (["export", "{missing}", "{missing}/saved"], "not a run directory"),
        (["trace", "{missing}"], "not a run directory"),
        (
            ["sweep", "ntm/copy", "--output", "x", "--seeds", "0"],
            "at least 1, received '0'",
        ),
        (["chart", "curves", "{missing}", "--output", "{missing}"], "must end in .png"),
        (["chart", "pie", "{run}", "--output", "x.png"], "invalid choice: 'pie'"),
        (["chart", "curves", "{missing}", "--output", "x.png"], "not a run directory"),
        (["trace", "{run}", "--animate", "time", "--output", "x.png"], "must end in .gif"),
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
        (["evaluate", "{run}", "--task-options", "repeats"], "expected NAME=N"),
        (["evaluate", "{run}", "--task-options", "repeats=5"], "Received: repeats"),
        (["evaluate", "{run}", "--task-options", "num_bits=5"], "have the sizes (6, 5)"),
        (["evaluate", "{run}", "--structured", "--lengths", "5"], "goes without --lengths"),
        (["nonsense"], "invalid choice: 'nonsense'"),
        ([], "required: COMMAND"),
    ],
)
def test_bad_arguments(arguments, message, capsys, tmp_path, run):
    places = {"missing": tmp_path / "missing", "run": run}
    line = failure(capsys, *(argument.format(**places) for argument in arguments))
    assert line.startswith("keras-nm")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_damaged_run(run, capsys, tmp_path):
    (tmp_path / "recipe.json").write_bytes((run / "recipe.json").read_bytes())
    (tmp_path / "model.keras").write_bytes(b"PK damaged")
    assert "damaged" in failure(capsys, "evaluate", tmp_path)


def test_help_is_worth_reading(capsys):
    for arguments in (
        [],
        ["train"],
        ["resume"],
        ["evaluate"],
        ["export"],
        ["trace"],
        ["chart"],
    ):
        with pytest.raises(SystemExit) as exit:
            main([*arguments, "--help"])
        assert exit.value.code == 0
        assert len(capsys.readouterr().out.splitlines()) > 7


def test_without_matplotlib_the_error_names_the_extra(run, capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "keras_nm.plots", raising=False)
    monkeypatch.delattr(keras_nm, "plots", raising=False)
    line = failure(capsys, "trace", run, "--output", tmp_path / "plate.png")
    assert "pip install keras_nm[plot]" in line


def test_python_m_keras_nm():
    result = subprocess.run(
        [sys.executable, "-m", "keras_nm", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == f"keras_nm {keras_nm.__version__}\n"
