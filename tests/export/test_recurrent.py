"""The endpoints of recurrent models."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.export import export
from keras_nm.layers import NTM


def chain(*layers, batch_size=None):
    inputs = keras.Input((None, 6), batch_size=batch_size)
    return keras.Sequential([inputs, *layers])


def ntm(**options):
    return NTM(5, (9, 4), keras.layers.LSTMCell(8), return_sequences=True, **options)


def test_signatures_are_named_and_dynamic(exported_memory):
    signatures = tf.saved_model.load(exported_memory / "1").signatures
    assert set(signatures) == {"sequence", "step", "initial_state", "serving_default"}
    _, sequence = signatures["sequence"].structured_input_signature
    assert sequence["inputs"].shape.as_list() == [None, None, 4]
    _, step = signatures["step"].structured_input_signature
    assert step["inputs"].shape.as_list() == [None, 4]
    assert step["memory_memory"].shape.as_list() == [None, 36]
    outputs = signatures["step"].structured_outputs
    assert set(outputs) == {"outputs", *step} - {"inputs"}


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([ntm(go_backwards=True)], "backwards"),
        ([ntm(stateful=True)], "stateful"),
        ([keras.layers.Masking(mask_value=-1.0), ntm()], "masks steps"),
        (  # beyond the fourth step
            [keras.layers.Conv1D(4, 2, padding="causal", dilation_rate=4), ntm()],
            "treat every time step alike",
        ),
        ([keras.layers.Bidirectional(ntm())], "backwards"),
        ([keras.layers.Dense(3)], "no recurrent layer"),
        ([keras.layers.LSTM(3, name="lstm")], r"Received: the layers \['lstm'\]"),
        ([ntm(), keras.layers.GlobalAveragePooling1D()], "treat every time step alike"),
    ],
)
def test_models_that_cannot_run_by_steps(tmp_path, layers, message):
    with pytest.raises(ValueError, match=message):
        export(chain(*layers, batch_size=2), tmp_path / "model")
    assert not Path(tmp_path / "model").exists()


def test_a_fixed_number_of_steps(rng, tmp_path):
    inputs = keras.Input((7, 6))
    model = keras.Model(inputs, ntm()(inputs))
    export(model, tmp_path / "model")
    sequence = tf.saved_model.load(tmp_path / "model/1").signatures["sequence"]
    x = rng.normal(size=(2, 7, 6)).astype("float32")
    np.testing.assert_allclose(sequence(inputs=x)["outputs"], model(x), atol=1e-5)


@pytest.mark.parametrize("name", ["stack-rnn", "2nd", "_x"])
def test_names_of_states_are_the_same_going_in_and_out(tmp_path, name):
    export(chain(ntm(name=name)), tmp_path / "model")
    signatures = tf.saved_model.load(tmp_path / "model/1").signatures
    states = signatures["initial_state"](batch_size=tf.constant(1))
    outputs = signatures["step"](inputs=tf.zeros((1, 6)), **states)
    assert set(outputs) == {"outputs", *states}


def test_a_model_trains_on_after_its_export(tmp_path, rng):
    controller = keras.layers.SimpleRNNCell(8, dropout=0.3)
    model = chain(NTM(5, (9, 4), controller, return_sequences=True))
    for version in (1, 2):
        export(model, tmp_path / "model", version)
        model.compile("sgd", "mse")
        x, y = (rng.normal(size=(2, 3, size)) for size in (6, 5))
        assert np.isfinite(model.fit(x, y, verbose=0).history["loss"][0])


def test_layers_of_nested_models_need_names_of_their_own(tmp_path):
    layers = [keras.Sequential([ntm(name="machine")]) for _ in range(2)]
    with pytest.raises(ValueError, match=r"names of their own.*'machine', 'machine'"):
        export(chain(*layers), tmp_path / "model")


@pytest.mark.parametrize(
    ("dtype", "of_lstm", "tolerance"),
    [("float64", "float64", 1e-12), ("mixed_bfloat16", "bfloat16", 2e-2)],
)
def test_states_go_round_in_their_own_dtype(rng, tmp_path, dtype, of_lstm, tolerance):
    model = chain(
        ntm(dtype=dtype), keras.layers.LSTM(3, dtype=dtype, return_sequences=True)
    )
    export(model, tmp_path / "model")
    signatures = tf.saved_model.load(tmp_path / "model/1").signatures
    x = rng.normal(size=(2, 4, 6)).astype("float32")
    states = signatures["initial_state"](batch_size=tf.constant(2))
    # A machine computes in at least float32.
    of_machine = "float64" if dtype == "float64" else "float32"
    dtypes = {state.dtype.name for state in states.values()}
    assert dtypes == {of_machine, of_lstm}
    for time in range(4):
        states = signatures["step"](inputs=x[:, time], **states)
        output = states.pop("outputs")
    expected = signatures["sequence"](inputs=x)["outputs"][:, -1]
    np.testing.assert_allclose(
        tf.cast(output, "float64"), tf.cast(expected, "float64"), atol=tolerance
    )


def test_nested_sequential_models_are_chains(rng, tmp_path):
    inner = [keras.layers.LSTM(3, return_sequences=True), keras.layers.Dense(2)]
    model = chain(keras.Sequential(inner))
    export(model, tmp_path / "model")
    sequence = tf.saved_model.load(tmp_path / "model/1").signatures["sequence"]
    x = rng.normal(size=(2, 4, 6)).astype("float32")
    np.testing.assert_allclose(sequence(inputs=x)["outputs"], model(x), atol=1e-6)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (keras.layers.Dense(3), "built keras.Model. Received: <Dense"),
        (keras.Sequential([keras.layers.Dense(3)]), "built keras.Model"),
        (
            keras.Sequential([keras.Input((None,)), keras.layers.Embedding(5, 2)]),
            r"shape \[\(None, None\)\]",
        ),
    ],
)
def test_what_is_not_a_model_of_sequences(tmp_path, model, message):
    with pytest.raises(ValueError, match=message):
        export(model, tmp_path / "model")


class OwnModel(keras.Model):
    def __init__(self):
        super().__init__()
        self.lstm = keras.layers.LSTM(3, return_sequences=True)

    def call(self, x):
        return self.lstm(x)


def test_a_subclassed_model_has_no_chain(tmp_path):
    model = OwnModel()
    model(np.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match=r"functional or Sequential model.*OwnModel"):
        export(model, tmp_path / "model")


@pytest.mark.parametrize("outputs", [lambda y: [y, y], lambda y: {"a": y}])
def test_models_have_one_output(tmp_path, outputs):
    inputs = keras.Input((None, 6))
    model = keras.Model(inputs, outputs(ntm()(inputs)))
    with pytest.raises(
        ValueError, match=r"a model with one output. Received: (\[<Ker|{'a')"
    ):
        export(model, tmp_path / "model")


def test_branches_are_not_a_chain(tmp_path):
    inputs = keras.Input((None, 6))
    x = keras.layers.Dense(5)(inputs)
    model = keras.Model(inputs, keras.layers.Add()([x, ntm()(inputs)]))
    with pytest.raises(ValueError, match="chain"):
        export(model, tmp_path / "model")
