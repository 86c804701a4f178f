"""On JAX and torch, layers compute, learn and trace the same as on TensorFlow."""

import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from machine_cases import ALL_GATES, CASES, model_of

SCRIPT = Path(__file__).with_name("same_on_this_backend.py")
TESTS = Path(__file__).parents[1]


def what_tensorflow_does(case, rng):
    inputs = case.inputs(rng)
    layer = case.make()
    symbolic = case.symbolic_inputs()
    model = model_of(layer, symbolic)
    weights = model.get_weights()
    trace = layer.trace(inputs, **case.call_options)
    outputs = np.asarray(layer(inputs))
    other_outputs = layer(inputs, **case.call_options)
    targets, loss = case.training_step(inputs, outputs)
    # One step, for which a graph takes longer. Weights change by minus their gradients.
    model.compile(keras.optimizers.SGD(1.0), loss, run_eagerly=True)
    model.fit(inputs, targets, shuffle=False, verbose=0)
    changed = model.get_weights()
    return {
        "layer": keras.saving.serialize_keras_object(layer),
        "weights": weights,
        "shape": symbolic.shape[1:],
        "inputs": inputs,
        "outputs": outputs,
        "call_options": case.call_options,
        "other_outputs": np.asarray(other_outputs),
        "trace": {key: np.asarray(value) for key, value in trace.items()},
        "targets": targets,
        "loss": keras.losses.serialize(keras.losses.get(loss)),
        "gradients": [x - y for x, y in zip(weights, changed, strict=True)],
    }


# All layers in one process, because it takes long to start.
@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends(rng, tmp_path, backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    results = {
        name: what_tensorflow_does(case, rng) for name, case in (CASES | ALL_GATES).items()
    }
    (tmp_path / "results.pickle").write_bytes(pickle.dumps(results))
    result = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "results.pickle"],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": os.pathsep.join(map(str, [TESTS.parent, TESTS / "machines"])),
            # Most of the time is XLA's otherwise, in search of a speed nobody needs here.
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.strip().endswith(f"same on {backend}")
