import keras
import numpy as np
import pytest

from keras_nm.layers import NRAM, NTM, Tracer

GATES = ["READ", "INC", "WRITE"]


def sequence_model():
    inputs = keras.Input((None, 6))
    hidden = keras.layers.Dense(4)(keras.layers.Masking()(inputs))
    hidden = NTM(5, (9, 4), keras.layers.Dense(8), return_sequences=True, name="a")(hidden)
    hidden = NTM(3, (7, 2), keras.layers.LSTMCell(8), name="b")(hidden)
    return keras.Model(inputs, keras.layers.Dense(2)(hidden))


def test_all_machines_of_a_model_are_shown(rng):
    model = sequence_model()
    x = rng.normal(size=(2, 5, 6)).astype("float32")
    x[0, 3:] = 0  # masked
    mask = np.any(x != 0, axis=-1)
    tracer = Tracer(model)
    dense, a, b = (model.layers[index] for index in (2, 3, 4))
    hidden = dense(x)
    for traces in (tracer(x), tracer.predict_on_batch(x)):
        assert list(traces) == ["a", "b"]
        for layer, fed in ((a, hidden), (b, a(hidden, mask=mask))):
            expected = layer.trace(fed, mask=mask)
            assert set(traces[layer.name]) == set(expected)
            for name, values in expected.items():
                np.testing.assert_allclose(traces[layer.name][name], values, atol=1e-6)


def test_what_a_machine_is_called_with_is_not_forgotten(rng):
    """A mask that is an input of the model, and the states of another layer."""
    x, mask = keras.Input((5, 6)), keras.Input((5,), dtype="bool")
    options = {"memory_shape": (9, 4), "return_sequences": True}
    encoder = NTM(4, **options, return_state=True, name="encoder")
    decoder = NTM(4, **options, name="decoder")
    _, *states = encoder(x, mask=mask)
    model = keras.Model([x, mask], decoder(x, initial_state=states))
    data = [rng.normal(size=(2, 5, 6)).astype("float32"), np.ones((2, 5), bool)]
    data[1][0, 2:] = False
    traces = Tracer(model)(data)
    np.testing.assert_allclose(traces["decoder"]["output"], model(data), atol=1e-6)
    expected = encoder.trace(data[0], mask=data[1])["output"]
    np.testing.assert_allclose(traces["encoder"]["output"], expected, atol=1e-6)


def test_arguments_by_position_are_not_forgotten_either(rng):
    x = keras.Input((5, 6))
    options = {"memory_shape": (9, 4), "return_sequences": True}
    _, *states = NTM(4, **options, return_state=True, name="encoder")(x)
    model = keras.Model(x, NTM(4, **options, name="decoder")(x, states))
    data = rng.normal(size=(2, 5, 6)).astype("float32")
    traced = Tracer(model)(data)["decoder"]["output"]
    np.testing.assert_allclose(traced, model(data), atol=1e-6)


def test_a_machine_of_two_models_is_shown_in_each(rng):
    machine = NTM(3, (9, 4), keras.layers.Dense(8), return_sequences=True, name="a")
    shapes = [(5, 6), (7, 6)]
    data = [rng.normal(size=(2, *shape)).astype("float32") for shape in shapes]
    models = [keras.Model(x := keras.Input(shape), machine(x)) for shape in shapes]
    for model, x in zip(models, data, strict=True):
        np.testing.assert_allclose(Tracer(model)(x)["a"]["output"], model(x), atol=1e-6)


@pytest.mark.filterwarnings("ignore:When providing `inputs` as a dict")
def test_inputs_have_the_names_of_the_model(rng):
    x = keras.Input((5, 6), name="other")
    machine = NTM(3, (9, 4), keras.layers.Dense(8), return_sequences=True, name="a")
    model = keras.Model({"source": x}, machine(x))
    data = {"source": rng.normal(size=(2, 5, 6)).astype("float32")}
    np.testing.assert_allclose(Tracer(model)(data)["a"]["output"], model(data), atol=1e-6)


def test_it_shows_the_weights_of_the_moment(rng):
    model = sequence_model()
    tracer = Tracer(model)
    x = rng.normal(size=(1, 3, 6)).astype("float32")
    before = tracer.predict_on_batch(x)["b"]["output"]
    assert len(tracer.weights) == len(model.weights[:-2])  # all but those of the last
    for weight in model.weights:
        weight.assign(2 * weight + 1)
    after = tracer.predict_on_batch(x)["b"]["output"]
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, Tracer(model)(x)["b"]["output"], atol=1e-6)


def test_a_random_access_machine_is_shown_as_it_is_called(rng):
    tape = keras.Input((None,), dtype="int32")
    layer = NRAM(2, num_steps=9, gates=GATES)
    model = keras.Model(tape, layer(tape, num_steps=4, selection="discrete"))
    tapes = rng.integers(0, 6, (3, 6))
    trace = Tracer(model).predict_on_batch(tapes)[layer.name]
    expected = layer.trace(tapes, num_steps=4, selection="discrete")
    assert trace["tape"].shape == (3, 5, 6, 6)
    for name, values in expected.items():
        np.testing.assert_allclose(trace[name], values, atol=1e-6)
    assert Tracer(model).options_of(layer)["num_steps"] == 4


def test_what_cannot_be_shown():
    with pytest.raises(ValueError, match=r"contains a machine.* with the layers"):
        Tracer(keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]))
    with pytest.raises(ValueError, match=r"functional or Sequential keras.Model"):
        Tracer(keras.Sequential([NTM(2)]))


def test_stateful_models_are_refused():
    """Looking would change what is looked at."""
    inputs = keras.Input((3, 6), batch_size=2)
    model = keras.Model(inputs, NTM(2, stateful=True, name="memory")(inputs))
    with pytest.raises(ValueError, match=r"with the stateful layers \['memory'\]"):
        Tracer(model)


def test_a_number_of_steps_may_be_an_input(rng):
    tape, num_steps = keras.Input((None,), dtype="int32"), keras.Input((), dtype="int32")
    layer = NRAM(2, gates=GATES)
    model = keras.Model([tape, num_steps], layer(tape, num_steps=num_steps))
    tapes, steps = rng.integers(0, 6, (2, 6)), np.array([3, 1])
    trace = Tracer(model)([tapes, steps])[layer.name]
    expected = layer.trace(tapes, num_steps=steps)
    for name, values in expected.items():
        np.testing.assert_allclose(trace[name], values, atol=1e-6)
