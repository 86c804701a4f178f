"""Two processes train the model of one process, together."""

import dataclasses
import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import small_runs

pytest.importorskip("jax")

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
WORKER = Path(__file__).with_name("train_on_one_of_several_processes.py")


@pytest.fixture
def example(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")  # which the example leaves as it is
    path = ROOT / "examples" / "train_on_several_processes.py"
    spec = importlib.util.spec_from_file_location("train_on_several_processes", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def start(*arguments, **variables):
    paths = [ROOT, ROOT / "examples", TESTS]
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # compilation takes longer than training
        **variables,
    }
    return subprocess.Popen(
        [sys.executable, WORKER, *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(*processes):
    try:
        for process in processes:
            output, _ = process.communicate(timeout=300)
            assert process.returncode == 0, output[-5000:]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def arrays(path):
    with np.load(path) as file:
        return [file[name] for name in file.files]


@pytest.mark.slow
def test_processes_train_together(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    together = {
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port}",
        "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
    }
    finish(
        *(
            start(
                tmp_path / f"model-{index}.keras",
                2,
                tmp_path / f"{index}.npz",
                KERAS_DISTRIBUTION_PROCESS_ID=str(index),
                **together,
            )
            for index in range(2)
        )
    )
    first, second = (arrays(tmp_path / f"{index}.npz") for index in range(2))
    assert all(np.array_equal(*pair) for pair in zip(first, second, strict=True))
    assert [path.name for path in tmp_path.glob("*.keras")] == ["model-0.keras"]

    # One process on whole batches, which is interrupted after the first epoch.
    for epochs in (1, 2):
        finish(start(tmp_path / "alone.keras", epochs, tmp_path / "alone.npz"))
    for ours, alone in zip(first, arrays(tmp_path / "alone.npz"), strict=True):
        np.testing.assert_allclose(ours, alone, atol=1e-6)


def test_a_batch_that_devices_cannot_share(example, tmp_path, monkeypatch):
    monkeypatch.setattr("jax.device_count", lambda: 3)
    recipe = dataclasses.replace(small_runs.COPY, batch_size=8)
    with pytest.raises(ValueError, match=r"batch must be a .*size=8, devices=3"):
        example.train(recipe, tmp_path / "model.keras")


@pytest.mark.parametrize(
    "change",
    [{"curriculum": {"threshold": 0.1}}, {"callbacks": {"x": {}}}, {"stop_below": 0.1}],
)
def test_recipes_that_look_at_the_training(example, tmp_path, change):
    recipe = dataclasses.replace(small_runs.COPY, **change)
    with pytest.raises(ValueError, match=r"without a curriculum.*Received: .* ntm/copy"):
        example.train(recipe, tmp_path / "model.keras")


def test_another_backend(example, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "torch")
    with pytest.raises(ValueError, match=r"the JAX backend.*Received: torch"):
        example.distribute()


def test_missing_variables(example, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "2")
    with pytest.raises(ValueError, match="Received: KERAS_DISTRIBUTION_NUM_PROCESSES"):
        example.distribute()
