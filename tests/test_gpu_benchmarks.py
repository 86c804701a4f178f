"""The benchmarks for GPUs run without one, and without TensorFlow."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.machines import MACHINES
from keras_nm.tasks import neural_gpu

ROOT = Path(__file__).parents[1]

WITHOUT_TENSORFLOW = """
import runpy, sys
sys.modules["tensorflow"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def output_of(script, *options):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    script = ROOT / "benchmarks" / script
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, script, *options],
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
    output = output_of("gpu.py", "--smoke")
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
    output = output_of("gpu.py", "--smoke", "--seconds", "0")
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


@pytest.fixture
def neural_gpu_seeds(monkeypatch):
    """The module of the benchmark, which needs JAX."""
    pytest.importorskip("jax")
    # Otherwise the module sets it to JAX, for the processes that later tests start too.
    monkeypatch.setenv("KERAS_BACKEND", keras.backend.backend())
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("neural_gpu_seeds")


@pytest.mark.parametrize("bounds", [(0, 8), (0, 8, 12, 16), (16, 20), (31, 36, 41)])
@pytest.mark.parametrize(
    "make", [neural_gpu.BinaryAddition, neural_gpu.BinaryMultiplication]
)
def test_its_problems_are_those_of_the_task(neural_gpu_seeds, make, bounds, rng):
    task = make(max_length=bounds[-1])
    questions, answers = neural_gpu_seeds.drawn(rng, task.name, (2, 50), bounds)
    num_buckets = len(bounds) - 1
    assert questions.shape == answers.shape == (2, 50 * num_buckets, bounds[-1])
    lengths = np.sum(questions >= 0, axis=-1)
    expected = {n for n in range(3, bounds[-1] + 1, 2) if n > bounds[0]}
    assert set(lengths.flat) == expected
    for i in range(num_buckets):
        of_bucket = lengths[:, 50 * i : 50 * (i + 1)]
        assert np.all((of_bucket > bounds[i]) & (of_bucket <= bounds[i + 1]))
    # Both have as many columns as the longest question has positions.
    tokens = questions.reshape(-1, bounds[-1])[:, : task.max_length].astype("int32")
    x, y, weights = task.framed(tf.constant(tokens), lengths.reshape(-1, 1).astype("int32"))
    counts = weights.numpy() == 1
    np.testing.assert_array_equal(x.numpy(), np.eye(3)[tokens] * counts[..., np.newaxis])
    answers = answers.reshape(-1, bounds[-1])[:, : task.max_length]
    np.testing.assert_array_equal(y.numpy()[counts], answers[counts])


@pytest.mark.parametrize(
    ("given", "epoch"),
    [
        (["--in-turn"], 270),  # the default number of steps does not end with an epoch
        (["--in-turn", "--buckets", "4", "6", "--steps", "90"], 60),
        (["--steps", "100"], 200),
        (["--steps", "0"], 200),
    ],
)
def test_it_takes_whole_epochs(neural_gpu_seeds, monkeypatch, given, epoch):
    arguments = ["neural_gpu_seeds.py", "train", "binary_addition", *given]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit, match=f"must be a multiple of {epoch},"):
        neural_gpu_seeds.main()


def test_it_overwrites_no_results(neural_gpu_seeds, monkeypatch, tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    (output / "results.json").write_text("those of another task")
    np.savez(tmp_path / "binary_addition_test.npz")
    arguments = ["train", "binary_addition", "--problems", tmp_path, "--output", output]
    monkeypatch.setattr(sys, "argv", ["neural_gpu_seeds.py", *map(str, arguments)])
    monkeypatch.delattr(neural_gpu_seeds, "Machines")  # nothing is trained before
    with pytest.raises(SystemExit, match="out is not empty"):
        neural_gpu_seeds.main()
    assert (output / "results.json").read_text() == "those of another task"


@pytest.mark.slow
@pytest.mark.parametrize("form", [["--steps", "180", "--in-turn"], ["--steps", "200"]])
def test_neural_gpus_side_by_side(tmp_path, form):
    # 5 + 3 = 8, and 1 + 0 = 1.
    question = np.array([[1, 0, 1, 2, 1, 1, 0], [1, 0, 0, 2, 0, 0, 0]])
    answer = np.array([[0, 0, 0, 1, 2, 2, 2], [1, 2, 2, 2, 2, 2, 2]])
    problems = {"random 7": [question, answer], "random 101": [question, answer]}
    np.savez(tmp_path / "binary_addition_test.npz", **problems)
    output = output_of(
        "neural_gpu_seeds.py",
        *("train", "binary_addition", "--problems", tmp_path, "--output", tmp_path / "out"),
        *("--up-to", "7", "--rates", "0.01", "0.02", "--seeds", "0", "1", "--maps", "24"),
        *("--buckets", "4", "6", "8", "--batch", "8", *form),
    )
    rows = [line.strip("| ").split(" | ") for line in output.splitlines() if "|" in line]
    assert rows[0] == ["rate", "seed", "right in training", "random 7"]
    assert [row[:2] for row in rows[2:]] == [
        ["0.01", "0"],
        ["0.01", "1"],
        ["0.02", "0"],
        ["0.02", "1"],
    ]
    shares = [float(row[2]) for row in rows[2:]]
    assert len(set(shares)) > 1  # they are different machines
    assert min(shares) > 10  # a guess is right in 1 of 100 at most
    for rate, seed, _, wrong in rows[2:]:
        model = keras.models.load_model(tmp_path / "out" / f"{rate}-{seed}.keras")
        classes = model.predict(np.eye(3, dtype="float32")[question], verbose=0).argmax(-1)
        assert float(wrong) == 100 * np.mean(np.any(classes != answer, axis=1))
