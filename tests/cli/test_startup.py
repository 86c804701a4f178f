"""What commands do before their work, in processes of their own."""

import importlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import keras_nm_cli
from keras_nm_cli.notices import notices_held_back

# The files of the commands, which have their names.
COMMANDS = [
    path.stem
    for path in Path(keras_nm_cli.__file__).parent.glob("[!_]*.py")
    if hasattr(importlib.import_module(f"keras_nm_cli.{path.stem}"), "add_command")
]

# Runs a command to its end, and says whether it has imported what takes seconds.
ASKED = """
import sys
from keras_nm_cli import main
try:
    main()
except SystemExit:
    print("ended by the parser")
print(*{"tensorflow", "keras", "keras_nm"} & set(sys.modules), sep=", ")
"""


def run(source, *arguments):
    """Runs Python, and returns its output and the processor time that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        [sys.executable, "-c", source, *arguments], capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = sum(
        getattr(after, kind) - getattr(before, kind) for kind in ("ru_utime", "ru_stime")
    )
    return result.stdout, seconds


@pytest.fixture(scope="module")
def start_of_python():
    return max(run("pass")[1] for _ in range(3))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
        *([command, "--help"] for command in COMMANDS),
        ["data", "build", "--help"],
        [],
        ["nonsense"],
        ["train", "ntm/copy"],
        ["train", "ntm/copy", "--output", "x", "--nonsense"],
        ["train", "ntm/copy", "--output", "x", "--seed", "one"],
    ],
    ids=" ".join,
)
def test_what_needs_no_import_is_answered_at_once(arguments, start_of_python):
    output, seconds = run(ASKED, *arguments)
    assert output.endswith("ended by the parser\n\n")
    if "--help" in arguments:
        assert len(output.splitlines()) > 9
    # It takes about three times as long as Python alone, and TensorFlow a hundred times.
    assert seconds < 20 * start_of_python


def test_a_command_prints_its_own_words_only(copy_run):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-m", "keras_nm_cli", "evaluate", copy_run.directory]
    command += ["--lengths", "2"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 2
    assert result.stderr == ""


def test_notices_are_held_back(capfd):
    with notices_held_back():
        os.write(2, b"a notice\n")
    os.write(2, b"the command's own\n")
    assert capfd.readouterr().err == "the command's own\n"


def test_notices_are_shown_if_there_is_an_error(capfd):
    def fail():
        os.write(2, b"a notice\n")
        raise ImportError

    with pytest.raises(ImportError), notices_held_back():
        fail()
    assert capfd.readouterr().err == "a notice\n"


def test_notices_are_shown_if_asked_for(capfd, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with notices_held_back():
        os.write(2, b"a notice\n")
        assert capfd.readouterr().err == "a notice\n"
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_later_notices_below_errors_are_off(monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    with notices_held_back():
        pass
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "2"
