"""What goes to users: the archives, and the file to cite the package by."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

import keras_nm

ROOT = Path(__file__).parents[1]
VERSION = keras_nm.__version__

# Runs where the package is installed.
USE = """
import numpy as np
import keras_nm
layer = keras_nm.layers.NTM(3, memory_shape=(8, 4), return_sequences=True)
print(keras_nm.__file__)
print(layer(np.zeros((2, 5, 4), "float32")).shape)
"""


def run(*command, **options):
    """Runs a command without this checkout on its path, and returns its output."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    result = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, env=environment, **options
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_citation_is_of_this_version():
    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {VERSION}" in lines


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """The source archive, and the wheel that is made from it."""
    directory = tmp_path_factory.mktemp("archives")
    # Building leaves files in its source, and takes up those that a build left there.
    source = directory / "source"
    leave = shutil.ignore_patterns(".*", "runs", "build", "*.egg-info")
    shutil.copytree(
        ROOT, source, ignore=lambda at, names: leave(at, names) if at == str(ROOT) else ()
    )
    run(sys.executable, "-m", "build", source, "--outdir", directory, cwd=directory)
    (sdist,) = directory.glob("*.tar.gz")
    (wheel,) = directory.glob("*.whl")
    return sdist, wheel


@pytest.mark.slow
def test_contents_of_the_archives(archives):
    package = {
        str(path.relative_to(ROOT))
        for name in ("keras_nm", "keras_nm_cli")
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "keras_nm/page/static/template.html" in package
    sdist, wheel = archives
    with tarfile.open(sdist) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
        assert package | {"LICENSE", "README.md", "CITATION.cff"} <= files
        assert not {name for name in files if name.startswith(("tests", "saved_models"))}
    information = f"keras_nm-{VERSION}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        files = set(archive.namelist())
        assert {name for name in files if not name.startswith(information)} == package
        assert f"{information}/licenses/LICENSE" in files
        metadata = message_from_bytes(archive.read(f"{information}/METADATA"))
    assert metadata["Version"] == VERSION
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload(decode=True).decode() == (ROOT / "README.md").read_text()


@pytest.mark.slow
def test_the_wheel_works_where_it_is_installed(archives, tmp_path):
    _, wheel = archives
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    binaries = tmp_path / "venv" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", binaries / "python"]
    run(*pip, "install", "--no-deps", "--no-index", wheel)
    # What the package needs comes from here, so that nothing is downloaded.
    paths = {"base": str(tmp_path / "venv"), "platbase": str(tmp_path / "venv")}
    packages = Path(sysconfig.get_path("purelib", vars=paths))
    (packages / "current.pth").write_text(sysconfig.get_path("purelib") + "\n")
    version = run(binaries / "keras-nm", "--version", cwd=tmp_path)
    assert version == f"keras_nm {VERSION}\n"
    place, shape = run(binaries / "python", "-c", USE, cwd=tmp_path).splitlines()
    assert Path(place).is_relative_to(packages)
    assert shape == "(2, 5, 3)"
