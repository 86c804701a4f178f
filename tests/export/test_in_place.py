"""The endpoints of a Neural GPU."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.export import export
from keras_nm.layers import NeuralGPU

SYMBOLS = 4


def vectors(rng, length):
    return np.eye(SYMBOLS, dtype="float32")[rng.integers(0, SYMBOLS, (2, length))]


def test_a_run_and_its_steps(rng, tmp_path):
    layer = NeuralGPU(3, 4, gate="cutoff", width=2, cells_per_step=2, num_weight_sets=2)
    x = keras.Input((None, SYMBOLS))
    model = keras.Model(x, layer(x))
    endpoints = tf.saved_model.load(export(model, tmp_path / "gpu")).signatures
    for length in (5, 3):
        inputs = vectors(rng, length)
        inputs[1, -1] = 0  # padding
        trace = layer.trace(inputs)
        outputs = endpoints["sequence"](inputs=inputs)["outputs"]
        np.testing.assert_allclose(outputs, trace["output"][:, -1], atol=1e-5)
        state = tf.fill((2, length, 2, 4), 7.0)  # without a meaning at time 0
        for time in range(length):
            result = endpoints["step"](inputs=inputs, state=state, time=tf.constant(time))
            state = result["state"]
            np.testing.assert_allclose(state, trace["state"][:, time + 1], atol=1e-5)
            expected = trace["output"][:, time + 1]
            np.testing.assert_allclose(result["outputs"], expected, atol=1e-5)


def test_a_model_with_a_mask_as_input_is_refused(tmp_path):
    x, mask = keras.Input((None, SYMBOLS)), keras.Input((None,), dtype="bool")
    model = keras.Model([x, mask], NeuralGPU(3, 4)(x, mask=mask))
    with pytest.raises(ValueError, match="a model with one input"):
        export(model, tmp_path / "gpu")


def test_a_model_with_more_layers_is_refused(tmp_path):
    x = keras.Input((None, SYMBOLS))
    model = keras.Model(x, keras.layers.Dense(2)(NeuralGPU(3, 4)(x)))
    with pytest.raises(ValueError, match="Export needs the NeuralGPU layer as a model"):
        export(model, tmp_path / "gpu")
