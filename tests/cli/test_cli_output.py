"""What happens to the output of a command does not change what the command did."""

import io
import subprocess
import sys

import pytest

from keras_nm.runs.directory import RunError
from keras_nm_cli import main, resume


def test_characters_that_a_terminal_lacks_are_escaped(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr("keras_nm.runs.run.resume", lambda directory: directory)
    monkeypatch.setattr(resume, "report", lambda run, directory: print(directory))
    assert main(["resume", "café"]) == 0
    assert terminal.buffer.getvalue() == b"caf\\xe9\n"


def test_output_may_be_any_object_with_write(monkeypatch):
    # As in notebooks.
    class Output(list):
        write = list.append

        def flush(self):
            pass

    output = Output()
    monkeypatch.setattr(sys, "stderr", output)

    def fail(directory):
        raise RunError("no run")

    monkeypatch.setattr("keras_nm.runs.run.resume", fail)
    assert main(["resume", "x"]) == 2
    assert "".join(output) == "keras-nm: error: no run\n"


@pytest.mark.slow
def test_a_reader_that_stops_is_no_error():
    # `true` reads nothing and ends long before there is output.
    command = f"{sys.executable} -m keras_nm_cli data list | true; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert result.returncode == 141
    assert "Broken" not in result.stderr
    assert "Traceback" not in result.stderr
