"""Errors of npm, which fetches the runtime of the page."""

import pytest

from keras_nm.page import runtime


def fake_npm(tmp_path, monkeypatch, script):
    path = tmp_path / "bin" / "npm"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")


def test_without_npm(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OSError, match=r"npm is missing.* Install Node\.js"):
        runtime.fetch_runtime()


@pytest.mark.parametrize(
    "script",
    ["""printf '%s' '{"error": {"summary": "no way\\n"}}'""", "echo no way >&2", ""],
)
def test_npm_fails(tmp_path, monkeypatch, script):
    fake_npm(tmp_path, monkeypatch, f"{script}\nexit 3")
    reason = "no way" if script else "exit code 3"
    with pytest.raises(OSError, match=f"`npm pack onnxruntime-web@.*` failed: {reason}$"):
        runtime.fetch_runtime()


def test_npm_brings_something_else(tmp_path, monkeypatch):
    fake_npm(tmp_path, monkeypatch, "echo other > other.tgz")
    with pytest.raises(OSError, match="fetched an archive that the page was not"):
        runtime.fetch_runtime()
