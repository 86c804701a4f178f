import keras
import numpy as np
import pytest

from keras_nm.training import GradientNorm


def model_of(optimizer):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    model.compile(optimizer, "mse")
    return model


def data(rng):
    return rng.normal(size=(8, 3)).astype("float32"), rng.normal(size=(8, 2))


class Snapshot(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.weights = []

    def on_train_batch_begin(self, batch, logs=None):
        self.weights.append(self.model.get_weights())


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(0.1),
        lambda: keras.optimizers.SGD(0.1, global_clipnorm=0.01),
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)),
    ],
)
def test_it_is_the_mean_norm_of_an_epoch_before_clipping(rng, optimizer):
    """By hand: of mean((x W + b - y)^2) over 4 x 2 numbers."""
    model = model_of(optimizer())
    x, y = data(rng)
    snapshot = Snapshot()
    history = model.fit(
        *(x, y),
        batch_size=4,
        epochs=2,
        shuffle=False,
        callbacks=[snapshot, GradientNorm()],
        verbose=0,
    )
    norms = []
    for index, (kernel, bias) in enumerate(snapshot.weights):
        rows = slice(0, 4) if index % 2 == 0 else slice(4, 8)
        error = 2 * (x[rows] @ kernel + bias - y[rows]) / 8
        square = np.sum((x[rows].T @ error) ** 2) + np.sum(error.sum(axis=0) ** 2)
        norms.append(np.sqrt(square))
    expected = [np.mean(norms[:2]), np.mean(norms[2:])]
    np.testing.assert_allclose(history.history["gradient_norm"], expected, rtol=1e-4)


def test_it_changes_nothing_and_leaves_nothing_behind(rng):
    x, y = data(rng)
    weights, norms = [], []
    for callbacks in ([], [GradientNorm()]):
        keras.utils.set_random_seed(0)
        model = model_of("adam")
        optimizer = model.optimizer
        model.fit(x, y, epochs=2, callbacks=callbacks, shuffle=False, verbose=0)
        history = model.fit(x, y, epochs=1, callbacks=callbacks, shuffle=False, verbose=0)
        weights.append(model.get_weights())
        norms.append(history.history.get("gradient_norm"))
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert norms[0] is None
    assert len(norms[1]) == 1
    assert model.optimizer is optimizer
    assert model.train_function is None


def test_it_can_be_used_again_after_an_interruption(rng):
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    x, y = data(rng)
    optimizer = keras.optimizers.SGD(0.0)
    model = model_of(optimizer)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, callbacks=[GradientNorm(), Interrupt()], verbose=0)
    first = model.fit(x, y, callbacks=[GradientNorm()], verbose=0).history["gradient_norm"]
    assert model.optimizer is optimizer
    again = model.fit(x, y, callbacks=[GradientNorm()], verbose=0).history["gradient_norm"]
    assert first == again


def test_gradients_of_embeddings_count():
    inputs = keras.Input((2,), dtype="int32")
    embedded = keras.layers.Embedding(5, 1, embeddings_initializer="ones")(inputs)
    model = keras.Model(inputs, keras.ops.sum(embedded, axis=1))
    model.compile(keras.optimizers.SGD(0.0), "mse")
    history = model.fit(
        *(np.array([[1, 1]]), np.array([[0.0]])), callbacks=[GradientNorm()], verbose=0
    )
    # The error is 2, its square's slope 4, and the entry counts twice.
    assert history.history["gradient_norm"] == pytest.approx([8.0])


@pytest.mark.parametrize("dtypes", [("float16", "float16"), ("float32", "bfloat16")])
def test_gradients_of_any_dtype(dtypes):
    """By hand: the slopes of 1000 a b at a = b = 1, whose squares float16 does not have."""
    inputs = keras.Input((1,))
    a, b = (
        keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", dtype=dtype)
        for dtype in dtypes
    )
    model = keras.Model(inputs, b(a(inputs)))
    model.compile(keras.optimizers.SGD(0.0), lambda y, y_pred: 1000 * y_pred)
    history = model.fit(
        *(np.ones((1, 1)), np.ones((1, 1))), callbacks=[GradientNorm()], verbose=0
    )
    expected = 1000 * np.sqrt(2)
    assert history.history["gradient_norm"] == pytest.approx([expected], rel=1e-2)


def test_on_jax_it_says_so(monkeypatch, rng):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    callback = GradientNorm()
    callback.set_model(model_of("sgd"))
    with pytest.raises(ValueError, match="TensorFlow and torch backends"):
        callback.on_train_begin()
