import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.layers.ntm import memory_access
from keras_nm.layers.ntm.memory_access import access_memory

B, W, N, READ, WRITE = 2, 4, 7, 2, 3
H = READ + WRITE


def simplex(rng, size):
    return rng.dirichlet(np.ones(size), (B, H))


def arguments(rng):
    """Inputs of an access, by name."""
    return {
        "memory": rng.normal(size=(B, W, N)),
        "weightings": simplex(rng, N),
        "key": rng.normal(size=(B, H, W)),
        "key_strength": rng.uniform(1, 9, (B, H, 1)),
        "gate": rng.uniform(size=(B, H, 1)),
        "shift": simplex(rng, 3),
        "sharpening": rng.uniform(1, 3, (B, H, 1)),
        "erase": rng.uniform(size=(B, WRITE, W)),
        "add": rng.normal(size=(B, WRITE, W)),
    }


EXTREMES = {
    "ordinary": {},
    "zero memory": {"memory": 0.0},
    "tiny memory": {"memory": 1e-30},
    "memory below the floor of norms": {"memory": 2e-7},
    "huge memory": {"memory": 1e4},
    "zero keys": {"key": 0.0},
    "key strength 1e4": {"key_strength": 1e4},
    "key strength 0": {"key_strength": 0.0},
    "sharpening 1e4": {"sharpening": 1e4},
    "both 1e4": {"key_strength": 1e4, "sharpening": 1e4},
    "no weighting": {"weightings": 0.0},
    "no weighting at all": {"weightings": 0.0, "gate": 0.0},
    "no weighting, sharpening 1e4": {"weightings": 0.0, "gate": 0.0, "sharpening": 1e4},
    "gate closed": {"gate": 0.0},
    "all zero": {"memory": 0.0, "key": 0.0, "weightings": 0.0, "gate": 0.0},
}


@pytest.mark.parametrize("step_order", ["read_first", "write_first"])
@pytest.mark.parametrize("case", EXTREMES)
def test_values_and_gradients_are_finite_and_gradients_right(rng, case, step_order):
    """Right: those by hand, of training, are the automatic ones of inference."""
    inputs = arguments(rng)
    for name, value in EXTREMES[case].items():
        inputs[name] = np.full_like(inputs[name], value)
    factors = [rng.normal(size=shape) for shape in [(B, READ, W), (B, H, N), (B, W, N)]]

    def gradients(training, dtype):
        variables = {name: tf.constant(x, dtype) for name, x in inputs.items()}
        with tf.GradientTape() as tape:
            tape.watch(variables)
            parameters = dict(variables)
            results = access_memory(
                parameters.pop("memory"),
                parameters.pop("weightings"),
                parameters,
                step_order,
                np.inf,
                training,
            )
            loss = sum(
                tf.reduce_sum(result * tf.cast(factor, dtype))
                for result, factor in zip(results, factors, strict=True)
            )
        assert all(np.all(np.isfinite(result)) for result in results)
        np.testing.assert_allclose(
            keras.ops.sum(results[1], -1), np.ones((B, H)), atol=1e-5
        )
        return tape.gradient(loss, variables)

    for training in (True, False):
        for name, gradient in gradients(training, "float32").items():
            assert np.all(np.isfinite(gradient)), (name, training)
    by_hand, automatic = gradients(True, "float64"), gradients(False, "float64")
    scale = max(np.max(np.abs(gradient)) for gradient in automatic.values())
    for name in inputs:
        np.testing.assert_allclose(
            by_hand[name], automatic[name], rtol=1e-9, atol=1e-14 * scale, err_msg=name
        )


def test_only_training_uses_the_gradient_by_hand(rng, monkeypatch):
    calls = []

    def spy(*arguments):
        calls.append(arguments)
        return by_hand(*arguments)

    by_hand = memory_access._gradient
    monkeypatch.setattr(memory_access, "_gradient", spy)
    for training in (False, True):
        parameters = {name: tf.constant(x) for name, x in arguments(rng).items()}
        memory, previous = parameters.pop("memory"), parameters.pop("weightings")
        with tf.GradientTape() as tape:
            tape.watch(memory)
            reads, _, _ = access_memory(
                memory, previous, parameters, "read_first", np.inf, training
            )
        tape.gradient(reads, memory)
        assert len(calls) == training


def test_the_gradient_of_a_chaotic_machine_is_finite(rng):
    """Each step sharpens a uniform weighting, which multiplies differences by 20."""
    parameters = arguments(rng)
    parameters |= {
        "gate": np.zeros((B, H, 1)),
        "sharpening": np.full((B, H, 1), 20.0),
        "shift": np.tile([0.0, 1.0, 0.0], (B, H, 1)),
    }
    parameters = {name: tf.constant(x, "float32") for name, x in parameters.items()}
    memory = parameters.pop("memory")
    parameters["weightings"] = tf.fill((B, H, N), 1 / N)

    def gradient(training):
        start = parameters["weightings"]
        with tf.GradientTape() as tape:
            tape.watch(start)
            weightings = start
            for _ in range(40):
                _, weightings, _ = access_memory(
                    memory, weightings, parameters, "read_first", 1e6, training
                )
            loss = tf.reduce_sum(weightings[..., 0])
        return tape.gradient(loss, start)

    assert not np.all(np.isfinite(gradient(training=False)))  # or it is not chaotic
    assert np.all(np.isfinite(gradient(training=True)))


@pytest.mark.parametrize("step_order", ["read_first", "write_first"])
def test_the_gradient_clip_acts_on_the_results(rng, step_order):
    """A loss whose gradient is clipped is as one that has the clipped gradient."""
    inputs = {name: tf.constant(x) for name, x in arguments(rng).items()}
    factors = [rng.normal(size=shape) for shape in [(B, READ, W), (B, H, N), (B, W, N)]]

    def gradients(factors, gradient_clip):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            parameters = dict(inputs)
            memory, weightings = parameters.pop("memory"), parameters.pop("weightings")
            results = access_memory(
                memory, weightings, parameters, step_order, gradient_clip, training=True
            )
            loss = sum(tf.reduce_sum(r * f) for r, f in zip(results, factors, strict=True))
        return tape.gradient(loss, inputs)

    clipped = gradients(factors, 0.5)
    expected = gradients([np.clip(factor, -0.5, 0.5) for factor in factors], np.inf)
    for name in inputs:
        np.testing.assert_allclose(clipped[name], expected[name], err_msg=name)
    assert not np.allclose(clipped["memory"], gradients(factors, np.inf)["memory"])
