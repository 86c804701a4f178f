"""What every layer of the package must do wherever an LSTM could stand."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.layers import NTM, NTMCell

FEATURES = 6
BATCH, TIME = 4, 7


def lstm_ntm(**options):
    return NTM(5, (9, 4), keras.layers.LSTMCell(8), **options)


def dense_ntm(**options):
    return NTM(
        5,
        (9, 4),
        keras.layers.Dense(8, activation="tanh"),
        num_read_heads=2,
        num_write_heads=3,
        step_order="write_first",
        initial_weighting="learned",
        **options,
    )


def content_ntm(**options):
    return NTM(
        5,
        (9, 4),
        keras.layers.StackedRNNCells([keras.layers.LSTMCell(8), keras.layers.GRUCell(7)]),
        addressing="content",
        initial_memory="learned",
        **options,
    )


LAYERS = {"lstm_ntm": lstm_ntm, "dense_ntm": dense_ntm, "content_ntm": content_ntm}


@pytest.fixture(params=LAYERS)
def make(request):
    return LAYERS[request.param]


@pytest.fixture
def sequences(rng):
    return rng.normal(size=(BATCH, TIME, FEATURES)).astype("float32")


def copy_of(layer, make, **options):
    copy = make(**options)
    shape = (BATCH if options.get("stateful") else None, None, FEATURES)
    copy.build(shape)
    copy.set_weights(layer.get_weights())
    return copy


def model_of(layer, *shape):
    inputs = keras.Input(shape or (None, FEATURES))
    return keras.Model(inputs, layer(inputs))


def assert_close(actual, expected, tolerance=1e-5):
    np.testing.assert_allclose(keras.ops.convert_to_numpy(actual), expected, atol=tolerance)


# Construction and files


def test_config_round_trip(make, sequences):
    layer = make(return_sequences=True, go_backwards=True, name="machine")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == layer.get_config()
    outputs = layer(sequences)
    copy.build(sequences.shape)
    copy.set_weights(layer.get_weights())
    assert_close(copy(sequences), outputs)


def test_cell_config_round_trip(make, sequences):
    cell = make().cell
    layer = keras.layers.RNN(cell)
    outputs = layer(sequences)
    copy = keras.layers.RNN.from_config(json.loads(json.dumps(layer.get_config())))
    copy.build(sequences.shape)
    copy.set_weights(layer.get_weights())
    assert_close(copy(sequences), outputs)


def test_keras_file_round_trip(make, sequences, tmp_path):
    model = model_of(make(return_sequences=True))
    model.save(tmp_path / "model.keras")
    assert_close(
        keras.saving.load_model(tmp_path / "model.keras")(sequences), model(sequences)
    )


def test_saved_model_round_trip(make, sequences, tmp_path):
    model = model_of(make(return_sequences=True))
    model.export(tmp_path / "model", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "model")
    for batch in (sequences, sequences[:2, :3]):
        assert_close(loaded.serve(batch), model(batch))


# Shapes


@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("return_state", [True, False])
def test_shapes(make, sequences, return_sequences, return_state):
    layer = make(return_sequences=return_sequences, return_state=return_state)
    outputs = layer(sequences)
    expected = layer.compute_output_shape(sequences.shape)
    symbolic = layer(keras.Input((None, FEATURES)))
    if return_state:
        shapes = [tuple(x.shape) for x in outputs]
        assert shapes == [tuple(shape) for shape in expected]
        assert shapes[1:] == [(BATCH, size) for size in layer.cell.state_size]
        assert [x.shape[1:] for x in symbolic[1:]] == [shape[1:] for shape in shapes[1:]]
    else:
        assert tuple(outputs.shape) == tuple(expected)
        assert symbolic.shape[-1] == 5
    first = outputs[0] if return_state else outputs
    assert first.shape == ((BATCH, TIME, 5) if return_sequences else (BATCH, 5))


def test_dynamic_batch_and_time(make, sequences):
    layer = make(return_sequences=True)
    model = model_of(layer)
    for batch in (sequences, sequences[:1], sequences[:3, :2]):
        assert_close(model.predict(batch, verbose=0), layer(batch))


# States


def test_step_by_step_equals_whole_sequence(make, sequences):
    layer = make(return_sequences=True)
    outputs = layer(sequences)
    states = layer.get_initial_state(BATCH)
    for time in range(TIME):
        output, states = layer.cell(sequences[:, time], states)
        assert_close(output, outputs[:, time])


def test_returned_states_continue_the_sequence(make, sequences):
    layer = make(return_sequences=True, return_state=True)
    outputs, *last = layer(sequences)
    first_outputs, *states = layer(sequences[:, :3])
    second_outputs, *states = layer(sequences[:, 3:], initial_state=states)
    assert_close(np.concatenate([first_outputs, second_outputs], axis=1), outputs)
    for actual, expected in zip(states, last, strict=True):
        assert_close(actual, expected)


def test_stateful_chunks_equal_one_long_run(make, sequences):
    layer = make(return_sequences=True)
    outputs = layer(sequences)
    stateful = copy_of(layer, make, return_sequences=True, stateful=True)
    for _ in range(2):
        stateful.reset_state()
        chunks = [stateful(sequences[:, i : i + 3]) for i in range(0, TIME, 3)]
        assert_close(np.concatenate(chunks, axis=1), outputs)


def test_zeros_of_keras_reset_state_are_survived(make, sequences):
    layer = keras.layers.RNN(make().cell, stateful=True, return_sequences=True)
    layer(sequences)
    layer.reset_state()
    assert all(np.all(state.numpy() == 0) for state in layer.states)
    with tf.GradientTape() as tape:
        outputs = layer(sequences)
        loss = tf.reduce_sum(outputs**2)
    assert np.all(np.isfinite(outputs))
    variables = [weight.value for weight in layer.trainable_weights]
    for gradient in tape.gradient(loss, variables):
        assert gradient is None or np.all(np.isfinite(gradient))


def test_batch_rows_do_not_touch_each_other(make, sequences):
    layer = make(return_sequences=True)
    outputs = layer(sequences)
    changed = sequences.copy()
    changed[1] += 1
    changed_outputs = layer(changed)
    others = [0, 2, 3]
    assert_close(keras.ops.take(changed_outputs, others, 0), np.take(outputs, others, 0))
    assert np.abs(changed_outputs[1] - outputs[1]).max() > 1e-4


# Masks


def test_padded_equals_unpadded(make, sequences):
    layer = make(return_sequences=True, return_state=True)
    lengths = [7, 2, 4, 5]
    mask = np.arange(TIME) < np.array(lengths)[:, None]
    outputs, *states = layer(sequences, mask=mask)
    for row, length in enumerate(lengths):
        alone, *alone_states = layer(sequences[row : row + 1, :length])
        assert_close(outputs[row, :length], alone[0])
        for state, alone_state in zip(states, alone_states, strict=True):
            assert_close(state[row], alone_state[0])


def test_steps_masked_inside_are_skipped(make, sequences):
    layer = make()
    mask = np.ones((BATCH, TIME), bool)
    mask[:, [0, 3]] = False
    assert_close(layer(sequences, mask=mask), layer(np.delete(sequences, [0, 3], axis=1)))


def test_losses_of_a_layer_reach_the_model(make, sequences):
    layer = make(activity_regularizer=keras.regularizers.L2(0.5))
    outputs = layer(sequences)
    expected = 0.5 * np.sum(np.square(outputs)) / BATCH
    np.testing.assert_allclose(layer.losses, [expected], rtol=1e-5)
    assert make(activity_regularizer="l2").get_config()["activity_regularizer"]


def test_mask_passes_through_a_model(make, sequences):
    padded = sequences.copy()
    padded[:, 4:] = 0
    inputs = keras.Input((None, FEATURES))
    masked = keras.layers.Masking()(inputs)
    x = make(return_sequences=True, zero_output_for_mask=True)(masked)
    model = keras.Model(inputs, [x, make()(x)])
    outputs, last = model(padded)
    assert np.all(outputs[:, 4:] == 0)
    short_outputs, short_last = model(sequences[:, :4])
    assert_close(outputs[:, :4], short_outputs)
    assert_close(last, short_last)


# Where an LSTM stands


def test_go_backwards(make, sequences):
    layer = make(return_sequences=True)
    outputs = layer(sequences[:, ::-1])
    backwards = copy_of(layer, make, return_sequences=True, go_backwards=True)
    assert_close(backwards(sequences), outputs)


def test_unroll(make, sequences):
    layer = make(return_sequences=True)
    outputs = layer(sequences)
    unrolled = copy_of(layer, make, return_sequences=True, unroll=True)
    assert_close(unrolled(sequences), outputs)


def test_stacked_cells(make, sequences):
    first, second = make().cell, make().cell
    stacked = keras.layers.RNN(
        keras.layers.StackedRNNCells([first, second]), return_sequences=True
    )
    outputs = stacked(sequences)
    x = keras.layers.RNN(first, return_sequences=True)(sequences)
    assert_close(keras.layers.RNN(second, return_sequences=True)(x), outputs)


def test_bidirectional(make, sequences):
    layer = keras.layers.Bidirectional(make(return_sequences=True))
    outputs = layer(sequences)
    assert outputs.shape == (BATCH, TIME, 10)
    assert_close(layer.forward_layer(sequences), outputs[..., :5])
    assert_close(layer.backward_layer(sequences), outputs[:, ::-1, 5:])


def test_time_distributed(make, sequences):
    layer = make()
    batches = np.stack([sequences, sequences[::-1]], axis=1)
    outputs = keras.layers.TimeDistributed(layer)(batches)
    assert_close(outputs[:, 0], layer(sequences))
    assert_close(outputs[:, 1], layer(sequences[::-1]))


# Dtypes


@pytest.mark.parametrize(
    ("policy", "dtype"),
    [
        ("mixed_float16", "float16"),
        ("mixed_bfloat16", "bfloat16"),
        ("float16", "float16"),
        ("float64", "float64"),
    ],
)
def test_dtypes(make, sequences, policy, dtype):
    layer = make(return_sequences=True)
    outputs = layer(sequences)
    cast = make(return_sequences=True, dtype=policy)
    cast.build(sequences.shape)
    cast.set_weights(layer.get_weights())
    with tf.GradientTape() as tape:
        cast_outputs = cast(sequences, training=True)
        loss = tf.reduce_sum(tf.cast(cast_outputs, "float32") ** 2)
    assert keras.backend.standardize_dtype(cast_outputs.dtype) == dtype
    assert_close(
        tf.cast(cast_outputs, "float32"), outputs, 1e-5 if dtype == "float64" else 5e-2
    )
    for gradient in tape.gradient(loss, [w.value for w in cast.trainable_weights]):
        assert np.all(np.isfinite(tf.cast(gradient, "float32")))
    trace = cast.trace(sequences)
    sums = np.sum(tf.cast(trace["write_weightings"], "float32"), axis=-1)
    np.testing.assert_allclose(sums, 1, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_outputs_are_rounded_float32_outputs(make, sequences, policy):
    layer = make(return_sequences=True)
    # Inputs, and so their products with float32 weights, lose nothing.
    sequences = np.round(sequences * 16) / 16
    outputs = layer(sequences).numpy()
    cast = make(return_sequences=True, dtype=policy)
    cast.build(sequences.shape)
    cast.set_weights(layer.get_weights())
    rounded = tf.cast(tf.cast(outputs, cast.compute_dtype), "float32")
    # Numbers in the middle between two may go either way.
    assert np.mean(tf.cast(cast(sequences), "float32") != rounded) < 0.1


def test_global_policy_reaches_the_controller_only():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        layer = NTM(5, (9, 4), keras.layers.LSTMCell(8), return_state=True)
        outputs, *_ = layer(np.ones((2, 3, FEATURES), "float16"))
        assert layer.cell.compute_dtype == "float32"
        assert layer.cell.controller.compute_dtype == "float16"
        assert outputs.dtype == "float16"
        model_of(layer)
    finally:
        keras.config.set_dtype_policy("float32")


# Compilation and backends


def test_xla_equals_eager(make, sequences):
    layer = make(return_sequences=True)
    outputs = layer(sequences)
    assert_close(tf.function(layer, jit_compile=True)(sequences), outputs)
    assert_close(tf.function(layer, jit_compile=False)(sequences), outputs)


@pytest.mark.parametrize("jit_compile", [True, False])
def test_fit_learns_a_batch(make, sequences, jit_compile):
    model = model_of(make())
    model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=jit_compile)
    targets = np.tanh(sequences[:, 0, :5])
    history = model.fit(sequences, targets, epochs=30, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]


ON_ANOTHER_BACKEND = """
import sys
import keras, numpy as np
sys.path.insert(0, sys.argv[1])
import keras_nm
data = np.load(sys.argv[2], allow_pickle=True)
layer = keras.saving.deserialize_keras_object(data["config"].item())
inputs = keras.Input((None, data["sequences"].shape[-1]))
model = keras.Model(inputs, layer(inputs))
model.set_weights([data[f"weight_{i}"] for i in range(len(model.weights))])
outputs = model.predict(data["sequences"], verbose=0)
np.testing.assert_allclose(outputs, data["outputs"], atol=1e-5)
masked = layer(data["sequences"], mask=data["mask"])
np.testing.assert_allclose(
    keras.ops.convert_to_numpy(masked), data["masked"], atol=1e-5
)
trace = layer.trace(data["sequences"], mask=data["mask"])
np.testing.assert_allclose(
    keras.ops.convert_to_numpy(trace["memory"]), data["memory"], atol=1e-5
)
model.trainable = False
frozen = model.predict(data["sequences"], verbose=0)
np.testing.assert_allclose(frozen, data["outputs"], atol=1e-5)
model.trainable = True
model.compile("adam", "mse")
history = model.fit(data["sequences"], data["outputs"] + 1, epochs=2, verbose=0).history
np.testing.assert_allclose(history["loss"], data["losses"], rtol=1e-3)
print("same on", keras.backend.backend())
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends(make, sequences, tmp_path, backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    layer = make(return_sequences=True)
    model = model_of(layer)
    weights = {f"weight_{i}": w for i, w in enumerate(model.get_weights())}
    mask = np.arange(TIME) < np.array([[7], [2], [4], [5]])
    outputs = model.predict(sequences, verbose=0)
    masked = layer(sequences, mask=mask)
    memory = layer.trace(sequences, mask=mask)["memory"]
    model.compile("adam", "mse")
    losses = model.fit(sequences, outputs + 1, epochs=2, verbose=0).history["loss"]
    np.savez(
        tmp_path / "data.npz",
        config=keras.saving.serialize_keras_object(layer),
        sequences=sequences,
        mask=mask,
        outputs=outputs,
        masked=masked,
        memory=memory,
        losses=losses,
        **weights,
    )
    root = Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", ON_ANOTHER_BACKEND, root, tmp_path / "data.npz"],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip().endswith(f"same on {backend}")


def test_cell_alone_in_a_keras_rnn(sequences):
    cell = NTMCell(5, (9, 4), keras.layers.LSTMCell(8))
    layer = NTM(5, (9, 4), keras.layers.LSTMCell(8))
    layer.build(sequences.shape)
    outputs = keras.layers.RNN(cell)(sequences)
    layer.set_weights(cell.get_weights())
    assert_close(layer(sequences), outputs)
