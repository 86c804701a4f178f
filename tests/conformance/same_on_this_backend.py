"""Run by `test_backends.py` on another backend: checks what layers did on TensorFlow."""

import os
import pickle
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
import pytest
import toy_machine  # noqa: F401 - it registers the layer

from keras_nm.export import export
from keras_nm.layers import NRAM, NTM, ChainedCell
from keras_nm.training import BitsPerSequence, BitsPerSequenceLoss


def check(actual, expected):
    actual = keras.ops.convert_to_numpy(actual)
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def check_machine(expected):
    inputs = expected["inputs"]
    layer = keras.saving.deserialize_keras_object(expected["layer"])
    symbolic = keras.Input(expected["shape"], dtype=inputs.dtype.name)
    model = keras.Model(symbolic, layer(symbolic))
    model.set_weights(expected["weights"])
    check(model.predict(inputs, verbose=0), expected["outputs"])
    check(layer(inputs, **expected["call_options"]), expected["other_outputs"])
    trace = layer.trace(inputs, **expected["call_options"])
    assert set(trace) == set(expected["trace"])
    for key, value in expected["trace"].items():
        check(trace[key], value)
    model.trainable = False
    check(model.predict(inputs, verbose=0), expected["outputs"])
    model.trainable = True
    model.compile(keras.optimizers.SGD(1.0), keras.losses.deserialize(expected["loss"]))
    model.fit(inputs, expected["targets"], shuffle=False, verbose=0)  # replicas have rows
    weights = zip(expected["weights"], model.get_weights(), strict=True)
    gradients = [before - after for before, after in weights]
    for weight, *pair in zip(model.weights, gradients, expected["gradients"], strict=True):
        atol = 1e-3 * np.max(np.abs(pair[1])) + 1e-6
        np.testing.assert_allclose(*pair, rtol=0, atol=atol, err_msg=weight.path)


def check_encoder_decoder():
    """Fits a model that answers one sequence from the states after another."""
    encoder, decoder = (
        NTM(5, (9, 4), return_sequences=True, return_state=True) for _ in range(2)
    )
    sequences = [keras.Input((None, 6)), keras.Input((None, 6))]
    _, *states = encoder(sequences[0])
    answer, *_ = decoder(sequences[1], initial_state=states)
    model = keras.Model(sequences, answer)
    model.compile("adam", "mse")
    steps = np.random.default_rng(0).normal(size=(5, 2, 6))
    history = model.fit([steps, steps], steps[..., :5], batch_size=3, epochs=2, verbose=0)
    assert history.history["loss"][1] < history.history["loss"][0]


def check_random_layers_in_a_controller():
    """They work in training, with and without a loop."""
    steps = np.ones((2, 3, 4), "float32")
    for unroll in (False, True):
        controller = keras.Sequential(
            [
                keras.layers.Dense(8),
                keras.layers.Dropout(0.5),
                keras.layers.GaussianNoise(1),
            ]
        )
        layer = NTM(2, (9, 4), controller, unroll=unroll)
        first, second = (layer(steps, training=True) for _ in range(2))
        assert np.any(keras.ops.convert_to_numpy(first - second) != 0)
        model = keras.Sequential([keras.Input((None, 4)), layer])
        model.compile("sgd", "mse")
        history = model.fit(steps, steps[:, 0, :2], epochs=2, verbose=0)
        assert np.all(np.isfinite(history.history["loss"]))


def check_masks_at_inference():
    """They are drawn before the loop, by cells that draw them at inference too."""
    steps = np.ones((2, 3, 4), "float32")

    def cell():
        return ChainedCell([keras.layers.SimpleRNNCell(8, dropout=0.5)])

    for layer in (NTM(2, (9, 4), cell()), keras.layers.RNN(cell())):
        check(layer(steps), keras.ops.convert_to_numpy(layer(steps)))


def check_replicas_with_states():
    """Each computes as it does alone."""
    tape = np.array([[1, 2, 0, 3]] * 2, "int32")
    for controller in (keras.layers.LSTMCell(8), ChainedCell([keras.layers.LSTMCell(8)])):
        layer = NRAM(2, 3, controller=controller, num_replicas=2)
        both = keras.ops.convert_to_numpy(layer(tape))
        for index in range(2):
            check(layer.replica(index)(tape[:1]), both[index : index + 1])


def check_masks_in_evaluation():
    """Metrics leave out the steps that a layer has masked."""
    steps = np.random.RandomState(0).rand(4, 5, 3).astype("float32")
    mask = np.array([[1, 1, 1, 0, 0]] * 4, "float32")
    bits = np.float32(steps[..., :2] > 0.5)
    layers = [keras.layers.Masking(), NTM(2, (9, 4), return_sequences=True)]
    model = keras.Sequential([keras.Input((None, 3)), *layers])
    model.compile(loss=BitsPerSequenceLoss(), metrics=[BitsPerSequence(name="bits")])
    sequences = steps * mask[..., np.newaxis]
    found = model.evaluate(sequences, bits, verbose=0, return_dict=True)
    metric = BitsPerSequence()
    metric.update_state(bits, model.predict(sequences, verbose=0), mask)
    check(found["bits"], keras.ops.convert_to_numpy(metric.result()))


def check_drawn_memories():
    """They are drawn in training, and are the same as on TensorFlow otherwise."""
    steps = np.ones((2, 3, 4), "float32")
    layer = NTM(2, (9, 4), initial_memory="drawn")
    first, second = (layer(steps, training=True) for _ in range(2))
    assert np.any(keras.ops.convert_to_numpy(first - second) != 0)
    memory = np.random.RandomState(0).uniform(-0.5, 0.5, (9, 4))
    check(layer.get_initial_state(2)[-1], np.stack([memory.T.ravel()] * 2))
    model = keras.Sequential([keras.Input((None, 4)), layer])
    model.compile("sgd", "mse")
    model.fit(steps, steps[:, 0, :2], epochs=2, verbose=0)
    before = model.predict(steps, verbose=0)
    check(model.predict(steps[:1], verbose=0), before[:1])


def check_statistics_in_a_controller():
    """They work everywhere but in a loop of JAX, where an error says so."""
    steps = np.ones((2, 3, 4), "float32")
    for unroll in (False, True):
        controller = keras.Sequential(
            [keras.layers.Dense(8), keras.layers.BatchNormalization()]
        )
        layer = NTM(2, (9, 4), controller, unroll=unroll)
        if keras.backend.backend() == "jax" and not unroll:
            with pytest.raises(ValueError, match=r"no layer inside a loop.*NTMCell"):
                layer(steps, training=True)
            continue
        layer(steps)
        before = layer.get_weights()
        layer(steps, training=True)
        changed = [np.any(a != b) for a, b in zip(before, layer.get_weights(), strict=True)]
        assert any(changed)


def check_exports_are_refused():
    layer = NTM(2, (9, 4))
    model = keras.Sequential([keras.Input((None, 4)), layer])
    with tempfile.TemporaryDirectory() as directory:
        with pytest.raises(ValueError, match="Exports need Keras with TensorFlow"):
            export(model, directory)
        assert os.listdir(directory) == []


if __name__ == "__main__":
    for name, expected in pickle.loads(Path(sys.argv[1]).read_bytes()).items():
        print(name)
        check_machine(expected)
    check_encoder_decoder()
    check_random_layers_in_a_controller()
    check_masks_at_inference()
    check_replicas_with_states()
    check_masks_in_evaluation()
    check_drawn_memories()
    check_statistics_in_a_controller()
    check_exports_are_refused()
    print("same on", keras.backend.backend())
