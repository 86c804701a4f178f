"""The Neural GPU against slow loops, published sizes, and what padding must not change."""

import keras
import neural_gpu_loops as loops
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.layers import NeuralGPU

SYMBOLS = 4
TOKENS = np.array([[1, 3, 2, 1, 3], [2, 2, 3, 0, 0]])
LENGTHS = (5, 3)

FORMS = {
    "diagonal": {"num_maps": 7},
    "diagonal, wide and with sets": {
        "num_maps": 4,
        "width": 2,
        "num_weight_sets": 2,
        "cells_per_step": 2,
    },
    "cutoff": {
        "num_maps": 3,
        "gate": "cutoff",
        "width": 4,
        "cells_per_step": 2,
        "num_weight_sets": 3,
        "pull": 0.5,
    },
    "cutoff, narrow and far-sighted": {"num_maps": 3, "gate": "cutoff", "kernel_size": 5},
}


def excited(layer, rng, scale=0.7):
    """A built layer whose weights saturate some of its gates, but not all."""
    layer.build((None, None))
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(0, scale, weight.shape))
    return layer


@pytest.fixture(params=FORMS)
def layer(request, rng):
    # In float64, because excited states are chaotic.
    options = {"num_symbols": SYMBOLS, "dtype": "float64", **FORMS[request.param]}
    return excited(NeuralGPU(3, **options), rng)


def test_states_and_logits_are_those_of_slow_loops(layer):
    logits, trace = layer(TOKENS), layer.trace(TOKENS)
    for row, length in enumerate(LENGTHS):
        states, expected, _ = loops.run(layer, np.eye(SYMBOLS)[TOKENS[row, :length]])
        assert 0.1 < np.abs(states).max() < 1e3
        traced = np.asarray(trace["state"][row])
        np.testing.assert_allclose(traced[: length + 1, :length], states, atol=1e-9)
        np.testing.assert_allclose(logits[row, :length], expected, atol=1e-9)
        # After its own last step an example stays as it is, and padding is always 0.
        assert np.all(traced[length:] == traced[length])
        assert np.all(traced[:, length:] == 0)


def test_padding_changes_nothing(layer):
    alone = layer(TOKENS[1:, :3])[0]
    tokens = np.pad(TOKENS[1:, :3], [[0, 0], [2, 9]])
    np.testing.assert_allclose(layer(tokens)[0, 2:5], alone, atol=1e-9)
    mask = np.arange(5) < np.array([[5], [3]])
    filled = np.where(mask, TOKENS, 3)
    np.testing.assert_allclose(layer(filled, mask=mask), layer(TOKENS), atol=1e-9)
    assert np.abs(layer(filled)[1, :3] - alone).max() > 1e-3


def test_one_hot_vectors_are_tokens(layer):
    vectors = np.eye(SYMBOLS, dtype="float64")[TOKENS] * (TOKENS > 0)[..., None]
    np.testing.assert_allclose(layer(vectors), layer(TOKENS), atol=1e-9)


def test_the_mask_of_the_layer_before_counts_everywhere():
    layer = NeuralGPU(3, num_maps=6, num_symbols=4, gate="cutoff")
    embedding = keras.layers.Embedding(SYMBOLS, 4, mask_zero=True)
    vectors = embedding(np.array([[1, 2, 1, 0, 0]]))
    expected = layer(vectors)
    np.testing.assert_allclose(layer.trace(vectors)["output"][:, -1], expected, atol=1e-5)
    state = np.zeros((1, 5, 1, 6), "float32")
    for time in range(3):
        answer, state = layer.step(vectors, state, time)
    np.testing.assert_allclose(answer[:, :3], expected[:, :3], atol=1e-5)


def test_unknown_tokens_are_positions_without_a_symbol(layer):
    tokens = np.where(TOKENS == 2, SYMBOLS, TOKENS)
    vectors = np.eye(SYMBOLS + 1, dtype="float64")[tokens][..., :SYMBOLS]
    vectors[tokens == 0] = 0
    expected = layer(vectors, mask=tokens > 0)
    np.testing.assert_allclose(layer(tokens), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "symbols", "number"),
    [
        ({"units": 3}, 13, 84_867),
        (
            {
                "units": 14,
                "gate": "cutoff",
                "num_maps": 24,
                "width": 4,
                "cells_per_step": 2,
                "num_weight_sets": 6,
            },
            14,
            188_774,
        ),
    ],
)
def test_published_numbers_of_weights(options, symbols, number):
    layer = NeuralGPU(num_symbols=symbols, **options)
    layer.build((None, None))
    assert sum(int(np.prod(w.shape)) for w in layer.trainable_weights) == number


def test_saturation_cost_is_that_of_slow_loops(rng):
    layer = NeuralGPU(3, 7, SYMBOLS, saturation_weight=0.25, dtype="float64")
    excited(layer, rng)
    layer(TOKENS, training=True)
    costs = [
        loops.run(layer, np.eye(SYMBOLS)[row[:length]])[2]
        for row, length in zip(TOKENS, LENGTHS, strict=True)
    ]
    assert min(costs) > 0.1
    np.testing.assert_allclose(layer.losses, [0.25 * np.mean(costs)], rtol=1e-5)
    np.testing.assert_allclose(layer.saturation_cost, np.mean(costs), rtol=1e-5)
    layer(TOKENS)
    assert layer.losses == []


def test_fit_builds_a_layer_that_was_never_called():
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.machine = NeuralGPU(3, 4, SYMBOLS, saturation_weight=0.25)

        def call(self, x):
            return self.machine(x)

    model = Model()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(TOKENS, TOKENS % 3, verbose=0)
    assert model.machine.saturation_cost.shape == ()


def test_pull_is_the_distance_of_weight_sets_until_they_are_merged(rng):
    layer = NeuralGPU(3, 4, SYMBOLS, num_weight_sets=3, pull=0.5)
    excited(layer, rng)
    sets = [w.numpy() for w in layer.weights if w.path.split("/")[1][-2:] == "_0"]
    assert len(sets) == 6
    distance = sum(np.sum((x - x.mean(axis=0)) ** 2) for x in sets)
    layer(TOKENS, training=True)
    np.testing.assert_allclose(layer.losses, [0.5 * distance], rtol=1e-5)
    layer.merge_weight_sets()
    layer(TOKENS, training=True)
    np.testing.assert_allclose(layer.losses, [0.0], atol=1e-8)
    kernel = next(w for w in layer.weights if "candidate_kernel" in w.path).numpy()
    np.testing.assert_allclose(kernel[2], sets[4].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("gate", ["diagonal", "cutoff"])
def test_dropout_has_its_rate(gate):
    layer = NeuralGPU(3, 64, SYMBOLS, gate=gate, dropout=0.25)
    layer.build((None, None))
    lengths = np.array([[8], [16]])
    tokens = (np.arange(16) < lengths) * 2
    real = layer._real(tokens, None)
    noises = layer._noises(real, keras.ops.sum(real, axis=(1, 2, 3)))
    drawn = np.array([noises(time, 0) for time in range(16)])  # (T, B, N, W, M)
    # Of the cut-off form, the rate falls from eight positions on.
    rates = [0.25, 0.25 if gate == "diagonal" else 0.25 * 8 / 16]
    for row, rate in enumerate(rates):
        assert abs(np.mean(drawn[:, row] == 0) - rate) < 0.01
        np.testing.assert_allclose(np.unique(drawn[:, row]), [0, 1 / (1 - rate)], rtol=1e-6)
    assert np.any(drawn[0] != drawn[1])
    first, second = (layer(tokens, training=True) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize("form", FORMS)
def test_gradients_are_finite_and_reach_every_weight(form, rng):
    layer = NeuralGPU(3, num_symbols=SYMBOLS, dropout=0.2, **FORMS[form])
    layer.build((None, None))
    tokens = np.vstack([TOKENS, np.zeros_like(TOKENS[:1])])  # one is empty
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(tokens, training=True) ** 2) + sum(layer.losses)
    gradients = tape.gradient(loss, [w.value for w in layer.trainable_weights])
    for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
        assert np.all(np.isfinite(gradient)), weight.path
        assert np.any(gradient != 0), weight.path


def test_weight_sets_begin_different():
    layer = NeuralGPU(3, 4, SYMBOLS, num_weight_sets=2)
    layer.build((None, None))
    kernel = next(w for w in layer.weights if "candidate_kernel" in w.path).numpy()
    assert np.abs(kernel[0] - kernel[1]).min() > 0
    # Glorot's limit for three positions of four maps.
    limit = np.sqrt(6 / (3 * 4 + 3 * 4))
    assert 0.8 * limit < np.abs(kernel).max() <= limit


@pytest.mark.parametrize("function", [False, True])
def test_an_initializer_that_keras_does_not_know(function):
    class Halves(keras.initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return 0.5 * keras.ops.ones(shape, dtype)

    initializer = (
        (lambda shape, dtype=None: Halves()(shape, dtype)) if function else Halves()
    )
    layer = NeuralGPU(3, 4, SYMBOLS, kernel_initializer=initializer)
    layer.build((None, None))
    kernels = [w.numpy() for w in layer.weights if "kernel_0" in w.path]
    assert len(kernels) == 3
    assert all(np.all(kernel == 0.5) for kernel in kernels)


@pytest.mark.parametrize("seed", [1, keras.random.SeedGenerator(1)], ids=type)
def test_a_seed_does_not_make_weights_alike(seed):
    initializer = keras.initializers.GlorotUniform(seed=seed)
    options = {"num_weight_sets": 2, "kernel_initializer": initializer}
    layers = [NeuralGPU(3, 4, SYMBOLS, **options) for _ in range(2)]
    kernels = []
    for layer in layers:
        layer.build((None, None))
        weights = [w.numpy() for w in layer.weights if "_kernel_" in w.path]
        kernels.append(np.concatenate(weights))
    # The same seed makes the same layer, and a generator goes on.
    assert np.array_equal(*kernels) == (seed == 1)
    assert len(np.unique(kernels[0])) == kernels[0].size


def test_a_step_builds_the_layer():
    layer = NeuralGPU(3, 4, SYMBOLS)
    logits, state = layer.step(np.array([[1, 2]]), np.zeros((1, 2, 1, 4), "float32"), 0)
    assert (tuple(logits.shape), tuple(state.shape)) == ((1, 2, 3), (1, 2, 1, 4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 0}, "`units`"),
        ({"kernel_size": 2}, "must be odd"),
        ({"gate": "lstm"}, "`gate` must be one of"),
        ({"dropout": 1.0}, "`dropout` must be a number in"),
        ({"dropout": "0.1"}, "`dropout` must be a number .* dropout='0.1'"),
        ({"dropout": None}, "`dropout` must be a number .* dropout=None"),
        ({"gate": "cutoff", "saturation_weight": 1.0}, "Only the diagonal form"),
        ({"pull": 1.0}, "Set `num_weight_sets`"),
        ({"pull": -1.0}, "`pull` must be a number of at least 0"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        NeuralGPU(**{"units": 3, **options})


@pytest.mark.parametrize("shape", [(4,), (2, 5), (2, 5, None), (2, 5, 3, 1)])
def test_wrong_inputs(shape):
    with pytest.raises(ValueError, match="A NeuralGPU takes vectors"):
        NeuralGPU(3)(keras.KerasTensor(shape, dtype="int32"))


def test_a_mask_goes_on(rng):
    layer = NeuralGPU(3, 4, SYMBOLS)
    tokens, mask = np.array([[1, 0, 2, 0]]), np.array([[True, True, True, False]])
    np.testing.assert_array_equal(layer(tokens, mask=mask)._keras_mask, mask)
    with pytest.raises(TypeError):  # by position, Keras would forget it
        layer(tokens, mask)


def test_tokens_must_be_integers():
    layer = NeuralGPU(3, 4, SYMBOLS)
    for inputs in (keras.Input((None,)), np.ones((2, 5), "float32")):
        with pytest.raises(ValueError, match="Tokens must be integers"):
            layer(inputs)


def test_trace_takes_lists(layer):
    of_list, of_array = (layer.trace(x) for x in (TOKENS.tolist(), TOKENS))
    np.testing.assert_array_equal(of_list["state"], of_array["state"])


def test_trace_takes_a_known_length():
    with pytest.raises(ValueError, match="known length"):
        NeuralGPU(3, num_symbols=4).trace(keras.Input((None,), dtype="int32"))
