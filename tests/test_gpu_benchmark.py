"""The benchmark for GPUs runs without one, and without TensorFlow."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from keras_nm.machines import MACHINES

ROOT = Path(__file__).parents[1]

WITHOUT_TENSORFLOW = """
import runpy, sys
sys.modules["tensorflow"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def output_of(*options):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    script = ROOT / "benchmarks" / "gpu.py"
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, script, "--smoke", *options],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "JAX_PLATFORMS": "cpu",
            "PYTHONPATH": str(ROOT),
            # Most of the time is XLA's otherwise, in search of a speed nobody needs here.
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def tables_in(output):
    """Returns the rows of each table, as lists of cells: first the head."""
    tables = []
    for section in output.split("\n## ")[1:]:
        lines = [line for line in section.splitlines() if line.startswith("|")]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        tables.append([rows[0], *rows[2:]])
    return tables


@pytest.mark.slow
def test_all_tables():
    output = output_of()
    assert "Left out" not in output
    tables = tables_in(output)
    sizes = [[row[0] for row in rows] for _, *rows in tables]
    assert sizes == [["2"], ["8", "12"], ["1", "2"], ["100", "1,000"]]
    for head, *rows in tables:
        for row in rows:
            assert len(row) == len(head)
            for number in ", ".join(row[1:]).split(", "):
                assert re.fullmatch(r"[\d,.]+ (x|ms|us|/s)", number), row  # no nan, no inf
                assert float(number.split()[0].replace(",", "")) > 0, row
    for name in MACHINES:
        assert name in output


@pytest.mark.slow
def test_without_time_it_says_what_is_left_out():
    output = output_of("--seconds", "0")
    assert [[row[0] for row in rows] for _, *rows in tables_in(output)] == [
        ["2"],
        ["8"],
        ["1"],
        ["100"],
    ]
    left_out = [line for line in output.splitlines() if line.startswith("Left out")]
    assert left_out == [
        "Left out: M 12: no time is left",
        "Left out: seeds 2: no time is left",
        "Left out: M 1,000: no time is left",
    ]
