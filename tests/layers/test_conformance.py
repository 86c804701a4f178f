"""What all layers of the package must do, and what those must where an LSTM could stand."""

import importlib.util
import json
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.layers import NRAM, NTM, ChainedCell, NRAMCell, NTMCell
from keras_nm.layers.nram import split_outputs
from keras_nm.training import TapeLoss

FEATURES = 6
BATCH, TIME = 4, 7
# Few, because XLA takes its time for every gate.
GATES = ["READ", "ONE", "ADD", "WRITE"]


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


def dense_nram(**options):
    return NRAM(3, **{"num_steps": 4, **options})


def lstm_nram(**options):
    controller = ChainedCell(
        [keras.layers.Dense(6, activation="relu"), keras.layers.LSTMCell(5)]
    )
    options = {"num_steps": 4, **options}
    return NRAM(3, controller=controller, gates=GATES, gate_repeats=2, **options)


def slots_nram(**options):
    return NRAM(3, gates=GATES, num_slots=4, **{"num_steps": 4, **options})


def replicated_nram(**options):
    return NRAM(3, gates=GATES, num_replicas=2, **{"num_steps": 4, **options})


def straight_through_nram(**options):
    return NRAM(
        2,
        controller=keras.layers.GRUCell(8),
        gates=GATES,
        activation_gradient_clip=None,
        renormalize=False,
        epsilon=1e-4,
        **{"num_steps": 4, "selection": "straight_through", **options},
    )


@dataclass(frozen=True)
class FromSequences:
    """How the tests drive a layer from (B, T, F) to (B, T, units).

    Args:
        construct: Function from the layer's options to the layer.
    """

    construct: Any
    fewest: ClassVar = 1
    fits: ClassVar = (True, False)
    unusual_options: ClassVar = {"go_backwards": True}
    call_options: ClassVar = {"mask": np.arange(TIME) < np.array([[7], [2], [4], [5]])}
    distributions: ClassVar = ("read_weightings", "write_weightings")

    def make(self, **options):
        return self.construct(**{"return_sequences": True, **options})

    def inputs(self, rng, size=TIME):
        return rng.normal(size=(BATCH, size, FEATURES)).astype("float32")

    def symbolic_inputs(self):
        return keras.Input((None, FEATURES))

    def other_inputs(self, inputs):
        return inputs + 1

    def run_cell(self, rnn, inputs):
        return rnn(inputs)

    def output_dtype(self, policy):
        return keras.dtype_policies.get(policy).compute_dtype

    def learning_task(self, inputs):
        """A layer, the targets it can learn, and the loss."""
        return self.construct(), np.tanh(inputs[:, 0, :5]), "mse"

    def training_step(self, inputs, outputs):
        """Targets for the layer that `make` makes, and a loss."""
        return outputs + 1, "mse"


@dataclass(frozen=True)
class FromTapes:
    """How the tests drive a layer from (B, M) or (B, M, M) to (B, M, 2 M + 1).

    Args:
        make: Function from the layer's options to the layer.
        fuzzy: Boolean, whether the tapes are distributions.
        fewest: Integer, the smallest batch: replicas share one equally.
        fits: The values of `jit_compile` with which `fit` is tested: compiling takes long.
            None for one-hot choices: they write wrong values with an answer's probability
            of exactly 0, whose logarithm, cut off at epsilon, has no gradient.
    """

    make: Any
    fuzzy: bool = False
    fewest: int = 1
    fits: tuple = (True, False)
    unusual_options: ClassVar = {"num_steps": 3, "selection": "discrete"}
    call_options: ClassVar = {"num_steps": 2, "selection": "discrete"}
    distributions: ClassVar = (
        "tape",
        "registers",
        "outputs",
        "register_selection",
        "gate_selection",
    )

    def inputs(self, rng, size=TIME):
        tape = rng.integers(0, size, (BATCH, size)).astype("int32")
        if not self.fuzzy:
            return tape
        return (0.7 * np.eye(size)[tape] + 0.3 / size).astype("float32")

    def symbolic_inputs(self):
        if self.fuzzy:
            return keras.Input((None, None))
        return keras.Input((None,), dtype="int32")

    def other_inputs(self, inputs):
        return np.roll(inputs, 1, axis=-1) if self.fuzzy else (inputs + 1) % inputs.shape[1]

    def run_cell(self, rnn, inputs):
        must_stop = np.zeros((len(inputs), 4, 1), "float32")
        must_stop[:, -1] = 1
        return rnn(must_stop, initial_state=rnn.cell.initial_states(inputs))

    def output_dtype(self, policy):
        return "float64" if policy == "float64" else "float32"

    def learning_task(self, inputs):
        """A layer, the answers it can learn, and the loss."""
        return self.make(), *self.training_step(inputs, None)

    def training_step(self, inputs, outputs):
        answers = inputs.argmax(axis=-1) if self.fuzzy else inputs.copy()
        answers[:, 0] = 1
        return answers, TapeLoss()


SEQUENCE_LAYERS = {
    "lstm_ntm": FromSequences(lstm_ntm),
    "dense_ntm": FromSequences(dense_ntm),
    "content_ntm": FromSequences(content_ntm),
}
TAPE_LAYERS = {
    # With XLA it is trained where its losses are tested.
    "dense_nram": FromTapes(dense_nram, fits=(False,)),
    "lstm_nram": FromTapes(lstm_nram, fits=(True,)),
    "slots_nram": FromTapes(slots_nram, fits=(False,)),
    "replicated_nram": FromTapes(replicated_nram, fewest=2, fits=(False,)),
    "straight_through_nram": FromTapes(straight_through_nram, fuzzy=True, fits=()),
}
LAYERS = {**SEQUENCE_LAYERS, **TAPE_LAYERS}


@pytest.fixture(params=LAYERS)
def case(request):
    return LAYERS[request.param]


@pytest.fixture
def inputs(case, rng):
    return case.inputs(rng)


@pytest.fixture(params=SEQUENCE_LAYERS)
def make(request):
    return SEQUENCE_LAYERS[request.param].construct


@pytest.fixture
def sequences(rng):
    return rng.normal(size=(BATCH, TIME, FEATURES)).astype("float32")


@pytest.fixture(params=TAPE_LAYERS)
def tape_case(request):
    return TAPE_LAYERS[request.param]


def copy_of(layer, make, **options):
    copy = make(**options)
    shape = (BATCH if options.get("stateful") else None, None, FEATURES)
    copy.build(shape)
    copy.set_weights(layer.get_weights())
    return copy


def model_of(layer, inputs):
    return keras.Model(inputs, layer(inputs))


def assert_close(actual, expected, tolerance=1e-5):
    np.testing.assert_allclose(keras.ops.convert_to_numpy(actual), expected, atol=tolerance)


def assert_all_close(actual, expected):
    for one, other in zip(actual, expected, strict=True):
        assert_close(one, other)


# Any layer: construction and files


def test_config_round_trip(case, inputs):
    layer = case.make(**case.unusual_options, name="machine")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == layer.get_config()
    outputs = layer(inputs)
    copy.build(inputs.shape)
    copy.set_weights(layer.get_weights())
    assert_close(copy(inputs), outputs)


def test_cell_config_round_trip(case, inputs):
    layer = keras.layers.RNN(case.make().cell, return_state=True)
    results = case.run_cell(layer, inputs)
    copy = keras.layers.RNN.from_config(json.loads(json.dumps(layer.get_config())))
    case.run_cell(copy, inputs)
    copy.set_weights(layer.get_weights())
    assert_all_close(case.run_cell(copy, inputs), results)


def test_keras_file_round_trip(case, inputs, tmp_path):
    model = model_of(case.make(), case.symbolic_inputs())
    model.save(tmp_path / "model.keras")
    assert_close(keras.saving.load_model(tmp_path / "model.keras")(inputs), model(inputs))


def test_saved_model_round_trip(case, inputs, rng, tmp_path):
    model = model_of(case.make(), case.symbolic_inputs())
    model.export(tmp_path / "model", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "model")
    for batch in (inputs, case.inputs(rng, size=3)[:2]):
        assert_close(loaded.serve(batch), model(batch))


# Any layer: batches


def test_dynamic_batch_and_size(case, inputs, rng):
    layer = case.make()
    model = model_of(layer, case.symbolic_inputs())
    # The second one makes both sizes dynamic, so that the third needs no new graph.
    for batch in (inputs, case.inputs(rng, size=3)[:2], inputs[: case.fewest]):
        assert_close(model.predict(batch, verbose=0), layer(batch))


def test_batch_rows_do_not_touch_each_other(case, inputs):
    layer = case.make()
    outputs = layer(inputs)
    changed = inputs.copy()
    changed[1] = case.other_inputs(inputs)[1]
    changed_outputs = layer(changed)
    others = [0, 2, 3]
    assert_close(keras.ops.take(changed_outputs, others, 0), np.take(outputs, others, 0))
    assert np.abs(changed_outputs[1] - outputs[1]).max() > 1e-4


# Any layer: dtypes


@pytest.mark.parametrize(
    "policy", ["mixed_float16", "mixed_bfloat16", "float16", "float64"]
)
def test_dtypes(case, inputs, policy):
    layer = case.make()
    outputs = layer(inputs)
    cast = case.make(dtype=policy)
    cast.build(inputs.shape)
    cast.set_weights(layer.get_weights())
    with tf.GradientTape() as tape:
        cast_outputs = cast(inputs, training=True)
        loss = tf.reduce_sum(tf.cast(cast_outputs, "float32") ** 2)
    dtype = case.output_dtype(policy)
    assert keras.backend.standardize_dtype(cast_outputs.dtype) == dtype
    half = dtype in ("float16", "bfloat16")
    assert_close(tf.cast(cast_outputs, "float32"), outputs, 5e-2 if half else 1e-5)
    for gradient in tape.gradient(loss, [w.value for w in cast.trainable_weights]):
        assert np.all(np.isfinite(tf.cast(gradient, "float32")))
    trace = cast.trace(inputs)
    assert set(case.distributions) - set(trace) <= {"gate_selection"}
    for name in set(case.distributions) & set(trace):
        dtype = "float64" if policy == "float64" else "float32"
        assert keras.backend.standardize_dtype(trace[name].dtype) == dtype, name
        sums = np.sum(trace[name], axis=-1)
        np.testing.assert_allclose(sums, 1, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", ["lstm_ntm", "lstm_nram"])
def test_global_policy_reaches_the_controller_only(name, rng):
    case = LAYERS[name]
    keras.config.set_dtype_policy("mixed_float16")
    try:
        layer = case.make()
        outputs = layer(case.inputs(rng))
        assert layer.cell.compute_dtype == "float32"
        assert layer.cell.controller.compute_dtype == "float16"
        assert outputs.dtype == case.output_dtype("mixed_float16")
        model_of(layer, case.symbolic_inputs())
    finally:
        keras.config.set_dtype_policy("float32")


# Any layer: compilation, training and backends


def test_xla_equals_eager(case, inputs):
    layer = case.make()
    outputs = layer(inputs)
    assert_close(tf.function(layer, jit_compile=True)(inputs), outputs)
    assert_close(tf.function(layer, jit_compile=False)(inputs), outputs)


def test_training_without_dropout_gives_the_same_outputs(case, inputs):
    layer = case.make()
    assert_close(layer(inputs, training=True), layer(inputs, training=False))


@pytest.mark.parametrize(
    ("name", "jit_compile"),
    [(name, jit_compile) for name, case in LAYERS.items() for jit_compile in case.fits],
)
def test_fit_learns_a_batch(name, rng, jit_compile):
    case = LAYERS[name]
    inputs = case.inputs(rng)
    layer, targets, loss = case.learning_task(inputs)
    model = model_of(layer, case.symbolic_inputs())
    model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=jit_compile)
    # Few epochs of the same batch ten times, because it takes long to begin an epoch.
    repeated = [np.concatenate([x] * 10) for x in (inputs, targets)]
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0}
    history = model.fit(*repeated, epochs=4, **options).history["loss"]
    assert history[-1] < 0.5 * history[0]


ON_ANOTHER_BACKEND = """
import pickle
import sys
import keras, numpy as np
sys.path.insert(0, sys.argv[1])
import keras_nm.training

with open(sys.argv[2], "rb") as file:
    cases = pickle.load(file)

def check(actual, expected):
    actual = keras.ops.convert_to_numpy(actual)
    np.testing.assert_allclose(actual, expected, atol=1e-5)

for name, case in cases.items():
    print(name)
    inputs = case["inputs"]
    layer = keras.saving.deserialize_keras_object(case["layer"])
    shape = [None] * (inputs.ndim - 1)
    if name.endswith("ntm"):
        shape[-1] = inputs.shape[-1]
    symbolic = keras.Input(shape, dtype=inputs.dtype.name)
    model = keras.Model(symbolic, layer(symbolic))
    model.set_weights(case["weights"])
    check(model.predict(inputs, verbose=0), case["outputs"])
    check(layer(inputs, **case["call_options"]), case["other_outputs"])
    trace = layer.trace(inputs, **case["call_options"])
    assert set(trace) == set(case["trace"])
    for key, value in case["trace"].items():
        check(trace[key], value)
    model.trainable = False
    check(model.predict(inputs, verbose=0), case["outputs"])
    model.trainable = True
    model.compile("adam", keras.losses.deserialize(case["loss"]))
    options = {"epochs": 2, "shuffle": False, "verbose": 0}  # replicas have their rows
    history = model.fit(inputs, case["targets"], **options).history
    np.testing.assert_allclose(history["loss"], case["losses"], rtol=1e-3)

steps = np.ones((2, 3, 4), "float32")
for unroll in (False, True):
    controller = keras.Sequential([keras.layers.Dense(8), keras.layers.Dropout(0.5)])
    layer = keras_nm.layers.NTM(2, (9, 4), controller, unroll=unroll)
    try:
        first, second = (layer(steps, training=True) for _ in range(2))
        assert np.any(keras.ops.convert_to_numpy(first - second) != 0)
    except ValueError as error:
        assert "no layer inside a loop" in str(error) and "NTMCell" in str(error)
        raised = True
    else:
        raised = False
    assert raised == (keras.backend.backend() == "jax" and not unroll), unroll
print("same on", keras.backend.backend())
"""


# All layers in one process, because it takes long to start.
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends(rng, tmp_path, backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    cases = {}
    for name, case in LAYERS.items():
        inputs = case.inputs(rng)
        layer = case.make()
        model = model_of(layer, case.symbolic_inputs())
        weights = model.get_weights()
        trace = layer.trace(inputs, **case.call_options)
        outputs = np.asarray(layer(inputs))
        other_outputs = layer(inputs, **case.call_options)
        targets, loss = case.training_step(inputs, outputs)
        model.compile("adam", loss, run_eagerly=True)  # two steps: a graph takes longer
        history = model.fit(inputs, targets, epochs=2, shuffle=False, verbose=0)
        losses = history.history["loss"]
        cases[name] = {
            "layer": keras.saving.serialize_keras_object(layer),
            "weights": weights,
            "inputs": inputs,
            "outputs": outputs,
            "call_options": case.call_options,
            "other_outputs": np.asarray(other_outputs),
            "trace": {key: np.asarray(value) for key, value in trace.items()},
            "targets": targets,
            "loss": keras.losses.serialize(keras.losses.get(loss)),
            "losses": losses,
        }
    (tmp_path / "cases.pickle").write_bytes(pickle.dumps(cases))
    root = Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", ON_ANOTHER_BACKEND, root, tmp_path / "cases.pickle"],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            # Most of the time is XLA's otherwise, in search of a speed nobody needs here.
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.strip().endswith(f"same on {backend}")


# Layers from sequences: shapes


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


# Layers from sequences: states


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


# Layers from sequences: masks


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


# Layers from sequences: where an LSTM stands


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


# Layers from sequences: dtypes and cells


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


def test_cell_alone_in_a_keras_rnn(sequences):
    cell = NTMCell(5, (9, 4), keras.layers.LSTMCell(8))
    layer = NTM(5, (9, 4), keras.layers.LSTMCell(8))
    layer.build(sequences.shape)
    outputs = keras.layers.RNN(cell)(sequences)
    layer.set_weights(cell.get_weights())
    assert_close(layer(sequences), outputs)


# Layers from tapes


def test_shapes_of_tapes(tape_case, rng):
    layer = tape_case.make()
    tape = tape_case.inputs(rng)
    assert layer(tape).shape == (BATCH, TIME, 2 * TIME + 1)
    assert tuple(layer.compute_output_shape(tape.shape)) == (BATCH, TIME, 2 * TIME + 1)
    known = keras.Input(tape.shape[1:], dtype=tape.dtype.name)
    assert tuple(layer(known).shape) == (None, TIME, 2 * TIME + 1)
    assert tuple(layer(tape_case.symbolic_inputs()).shape) == (None, None, None)


@pytest.mark.parametrize("name", ["dense_nram", "straight_through_nram"])
def test_one_model_takes_tapes_of_all_sizes(name, rng):
    tape_case = TAPE_LAYERS[name]
    layer = tape_case.make()
    model = model_of(layer, tape_case.symbolic_inputs())
    weights = model.get_weights()
    for size in (8, 45, 300):
        tape = tape_case.inputs(rng, size)[:2]
        outputs = model.predict(tape, verbose=0)
        assert outputs.shape == (2, size, 2 * size + 1)
        np.testing.assert_allclose(outputs[:, :, :size].sum(axis=-1), 1, atol=1e-4)
        assert_close(outputs, layer(tape), 1e-4)
    assert_all_close(model.get_weights(), weights)


def test_nram_cell_in_a_keras_rnn_equals_nram(tape_case, rng):
    layer = tape_case.make()
    tape = tape_case.inputs(rng)
    outputs = split_outputs(layer(tape))
    cell = NRAMCell.from_config(layer.cell.get_config())
    rnn = keras.layers.RNN(cell, return_sequences=True, return_state=True)
    tape_case.run_cell(rnn, tape)
    rnn.set_weights(layer.get_weights())
    stopping_mass, *states = tape_case.run_cell(rnn, tape)
    states = cell.named_states(states)
    assert stopping_mass.shape == (BATCH, 4, 1)
    assert_close(np.sum(stopping_mass, axis=1), np.ones((BATCH, 1)))
    assert_close(states["stopping_mass"], stopping_mass[:, -1])
    assert_close(states["running"], np.zeros((BATCH, 1)))
    assert_close(states["expected_tape"], outputs["tape"])
    assert_close(states["expected_log_tape"], outputs["log_tape"])
    assert_close(states["num_steps"][:, 0], outputs["num_steps"])


def test_numbers_of_steps_per_example_are_those_of_each_alone(tape_case, rng):
    layer = tape_case.make()
    tape = tape_case.inputs(rng)
    numbers = np.array([3, 1, 6, 2], "int32")
    expected = [
        layer(tape, num_steps=int(number))[row] for row, number in enumerate(numbers)
    ]
    assert_close(layer(tape, num_steps=numbers), expected)
    symbolic = [tape_case.symbolic_inputs(), keras.Input((), dtype="int32")]
    model = keras.Model(symbolic, layer(symbolic[0], num_steps=symbolic[1]))
    model.compile(jit_compile=False)
    assert_close(model.predict([tape, numbers], verbose=0), expected)


DROPOUTS = {
    "lstm": lambda: keras.layers.LSTMCell(8, dropout=0.3, recurrent_dropout=0.2),
    "chain": lambda: ChainedCell(
        [keras.layers.Dense(8), keras.layers.Dropout(0.5), keras.layers.LSTMCell(8)]
    ),
}


@pytest.mark.parametrize("controller", DROPOUTS)
def test_nram_whose_controller_has_dropout_trains(rng, controller):
    tape = rng.integers(0, TIME, (BATCH, TIME))
    layer = NRAM(2, num_steps=4, controller=DROPOUTS[controller](), gates=GATES)
    first, second = (layer(tape, training=True) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    assert_close(layer(tape), layer(tape))
    weights = layer.get_weights()
    model = model_of(layer, keras.Input((None,), dtype="int32"))
    model.compile("adam", TapeLoss())
    losses = model.fit(tape, tape, epochs=2, verbose=0).history["loss"]
    assert np.all(np.isfinite(losses))
    for before, after in zip(weights, layer.get_weights(), strict=True):
        assert np.any(after != before)
