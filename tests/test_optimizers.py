import keras
import numpy as np
import pytest

from keras_nm.training import ClippedAdamax, NoisyAdam


def adam_by_hand(weights, gradients, learning_rate):
    """Kingma and Ba's Adam in NumPy, over the gradients of several steps."""
    m, v = np.zeros_like(weights), np.zeros_like(weights)
    for t, g in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        step = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
        weights = weights - learning_rate * step
    return weights


def steps(optimizer, variables, gradients):
    for each in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in each], variables)


def clipped(*parts):
    """Gradients of one machine, scaled to a norm of at most 1."""
    norm = np.sqrt(sum(np.sum(part**2) for part in parts))
    return [part / max(norm, 1) for part in parts]


def test_clipping_over_all_weights(rng):
    variables = [keras.Variable(rng.normal(size=shape)) for shape in ((3, 2), (2,))]
    start = [v.numpy() for v in variables]
    scales = (10, 0.01, 3)  # the second is within the norm
    gradients = [
        [s * rng.normal(size=(3, 2)).astype("f"), s * rng.normal(size=(2,)).astype("f")]
        for s in scales
    ]
    steps(NoisyAdam(0.1), variables, gradients)
    for index, variable in enumerate(variables):
        expected = adam_by_hand(start[index], [clipped(*g)[index] for g in gradients], 0.1)
        np.testing.assert_allclose(variable, expected, rtol=1e-4, atol=1e-4)


def test_replicas_are_each_alone(rng):
    num_replicas = 3
    shapes = ((num_replicas, 3, 2), (num_replicas, 2))
    variables = [keras.Variable(rng.normal(size=shape)) for shape in shapes]
    start = [v.numpy() for v in variables]
    gradients = [[rng.normal(size=shape).astype("f") for shape in shapes] for _ in range(3)]
    for each in gradients:  # of one machine small, of one not finite
        each[0][1] *= 0.01
        each[1][1] *= 0.01
    gradients[1][0][2, 0, 0] = np.nan
    steps(NoisyAdam(0.1, num_replicas=num_replicas), variables, gradients)
    for k in range(num_replicas):
        # The loss is a mean over the machines.
        alone = [clipped(*[num_replicas * g[k] for g in each]) for each in gradients]
        if k == 2:
            alone[1] = [np.zeros_like(g) for g in alone[1]]
        for index, variable in enumerate(variables):
            expected = adam_by_hand(start[index][k], [g[index] for g in alone], 0.1)
            np.testing.assert_allclose(variable.numpy()[k], expected, rtol=1e-4, atol=1e-4)


def test_weights_without_replicas():
    shapes = {"a": (3, 2), "b": (2, 3), "c": ()}
    weights = [keras.Variable(np.zeros(shape), name=name) for name, shape in shapes.items()]
    with pytest.raises(ValueError, match=r"3 replicas.*shapes: {'b': \(2, 3\), 'c': \(\)}"):
        NoisyAdam(num_replicas=3).build(weights)


class Descent(NoisyAdam):
    """Shows the prepared gradients, by which Adam divides in its first step."""

    def update_step(self, gradient, variable, learning_rate):
        variable.assign(gradient)


def test_noise_has_the_variance_of_its_step():
    variable = keras.Variable(np.zeros((200, 200), "float32"))
    optimizer = Descent(noise=0.3, seed=1)
    seen = []
    for _ in range(3):
        optimizer.apply([keras.ops.zeros((200, 200))], [variable])
        seen.append(variable.numpy().copy())
    for step, noise in enumerate(seen):
        assert np.mean(noise) == pytest.approx(0, abs=0.02)
        assert np.var(noise) == pytest.approx(0.3 / (1 + step) ** 0.55, rel=0.03)
    assert abs(np.corrcoef(seen[0].ravel(), seen[1].ravel())[0, 1]) < 0.02


@pytest.mark.parametrize("num_replicas", [None, 2])
@pytest.mark.parametrize(
    "dtypes", [("float16", "float16"), ("float16", "float32"), ("float64", "float32")]
)
def test_gradients_of_any_dtype(dtypes, num_replicas):
    # Their squares overflow in half precision.
    gradients = [np.full((2, 1), 300, dtype) for dtype in dtypes]
    variables = [keras.Variable(np.zeros((2, 1)), dtype=dtype) for dtype in dtypes]
    optimizer = Descent(noise=1e-8, num_replicas=num_replicas)
    steps(optimizer, variables, [gradients])
    num_weights = 4 if num_replicas is None else 2
    for variable in variables:
        np.testing.assert_allclose(variable, np.full((2, 1), num_weights**-0.5), rtol=2e-3)


def test_norm_and_noise_are_of_unscaled_and_accumulated_gradients():
    options = {"loss_scale_factor": 8.0, "gradient_accumulation_steps": 2}
    variable = keras.Variable(np.zeros(2, "float32"))
    gradients = np.float32([[[24, 4]], [[-24, 2.4]]])  # 8 times a mean of [0, 0.4]
    steps(Descent(**options), [variable], gradients)
    np.testing.assert_allclose(variable, [0, 0.4], rtol=1e-6)
    variable = keras.Variable(np.zeros((200, 200), "float32"))
    optimizer = Descent(noise=0.3, **options)
    for step in range(2):
        steps(optimizer, [variable], np.zeros((2, 1, 200, 200), "float32"))
        assert np.var(variable) == pytest.approx(0.3 / (1 + step) ** 0.55, rel=0.03)


def test_noise_goes_on_where_it_was_saved(tmp_path):
    def model():
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3)])
        model.compile(NoisyAdam(0.1, noise=0.5, gradient_norm=None), "mse")
        return model

    x, y = np.ones((4, 1)), np.ones((4, 3))
    whole = model()
    whole.fit(x, y, epochs=1, verbose=0)
    whole.save(tmp_path / "model.keras")
    whole.fit(x, y, epochs=2, verbose=0)
    again = keras.saving.load_model(tmp_path / "model.keras")
    again.fit(x, y, epochs=2, verbose=0)
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_config_round_trip_and_errors():
    optimizer = NoisyAdam(0.2, gradient_norm=None, noise=0.1, num_replicas=4, seed=3)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    for options in ({"gradient_norm": 0}, {"num_replicas": 0}, {"seed": -1}):
        with pytest.raises(ValueError, match=next(iter(options))):
            NoisyAdam(**options)
    with pytest.raises(ValueError, match="`noise` must be a number of at least 0"):
        NoisyAdam(noise=-1)
    for clip in ("clipnorm", "global_clipnorm"):
        assert getattr(NoisyAdam(**{clip: 1.0}), clip) == 1.0
        with pytest.raises(ValueError, match=f"`gradient_norm` instead of `{clip}`"):
            NoisyAdam(num_replicas=2, **{clip: 1.0})


def clipped_adamax_by_hand(weights, gradients, learning_rate, beta_2):
    """Kingma and Ba's AdaMax in NumPy, over gradients that are clipped one by one."""
    m, u = np.zeros_like(weights), np.zeros_like(weights)
    for t, g in enumerate(gradients, start=1):
        limit = 1.2 * u + 1e-4
        g = np.minimum(np.maximum(g, -limit), limit)
        m = 0.9 * m + 0.1 * g
        u = np.maximum(beta_2 * u, np.abs(g))
        weights = weights - learning_rate / (1 - 0.9**t) * m / (u + 1e-7)
    return weights


def test_adamax_clips_each_component(rng):
    variable = keras.Variable(rng.normal(size=(3, 2)))
    start = variable.numpy()
    # The limit grows from 1e-4, until a gradient is below it and then far above.
    scales = [1e-3] * 20 + [1e-4, 10, 1e-3]
    gradients = [s * rng.normal(size=(3, 2)).astype("f") for s in scales]
    optimizer = ClippedAdamax(0.01, beta_2=0.9)
    steps(optimizer, [variable], [[g] for g in gradients])
    expected = clipped_adamax_by_hand(start, gradients, 0.01, 0.9)
    np.testing.assert_allclose(variable, expected, atol=1e-5)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is ClippedAdamax
    assert again.get_config() == optimizer.get_config()
