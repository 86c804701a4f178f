import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from keras_nm.export import export, saved_model
from keras_nm.files import locked
from keras_nm.layers import NRAM, NTM
from keras_nm.layers.nram import split_outputs
from keras_nm.programs import PROGRAMS, Program

# Run from a directory and with a finder in which keras_nm cannot be found.
WITHOUT_KERAS_NM = """
import sys
sys.modules["keras_nm"] = None
import numpy as np, tensorflow as tf
try:
    import keras_nm
except ImportError:
    pass
else:
    sys.exit("keras_nm could be imported")
data = np.load("data.npz")
x = data["x"]
model = tf.saved_model.load("model/1")
sequence, step = model.signatures["sequence"], model.signatures["step"]
np.testing.assert_allclose(sequence(inputs=x)["outputs"], data["y"], atol=1e-5)
short = model.signatures["serving_default"](inputs=x[:1, :2])["outputs"]
np.testing.assert_allclose(short, data["y"][:1, :2], atol=1e-5)
states = model.signatures["initial_state"](batch_size=tf.constant(len(x)))
for time in range(x.shape[1]):
    states = step(inputs=x[:, time], **states)
    np.testing.assert_allclose(states.pop("outputs"), data["y"][:, time], atol=1e-5)
print(*sorted(states))
"""


MACHINE_WITHOUT_KERAS_NM = """
import sys
sys.modules["keras_nm"] = None
import numpy as np, tensorflow as tf
model = tf.saved_model.load("model/1")
fuzzy, integer = model.signatures["fuzzy"], model.signatures["integer"]
assert set(model.signatures) == {"fuzzy", "integer", "step", "serving_default"}
for name in ("data8.npz", "data12.npz"):
    data = np.load(name)
    inputs = {x: tf.constant(data[x], tf.int32) for x in ("tape", "num_steps")}
    answer = fuzzy(**inputs)
    assert np.array_equal(answer["tape"], data["answer"])
    np.testing.assert_allclose(answer["probabilities"], data["probabilities"], atol=1e-5)
    np.testing.assert_allclose(answer["num_steps"], data["mean_steps"], atol=1e-5)
    for endpoint in (integer, tf.function(integer, jit_compile=True)):
        result = endpoint(**inputs)
        for x in ("tape", "registers", "num_steps"):
            assert np.array_equal(result[x], data["integer_" + x]), x
wrong = {"tape": tf.constant([[1, 9, 0]]), "num_steps": tf.constant(2)}
for endpoint in (fuzzy, integer):
    try:
        endpoint(**wrong)
    except tf.errors.InvalidArgumentError as error:
        assert "hold integers from 0 to M - 1" in str(error)
    else:
        sys.exit("a wrong tape was accepted")
"""


def chain(*layers, batch_size=None):
    inputs = keras.Input((None, 6), batch_size=batch_size)
    return keras.Sequential([inputs, *layers])


def ntm(**options):
    return NTM(5, (9, 4), keras.layers.LSTMCell(8), return_sequences=True, **options)


MODELS = {
    "ntm": (
        lambda: chain(ntm(num_read_heads=2, name="memory")),
        "memory_controller_0 memory_controller_1 memory_memory memory_output "
        "memory_reads memory_weightings",
    ),
    "deep": (
        lambda: chain(
            keras.layers.Dense(7, activation="relu"),
            keras.layers.GRU(3, return_sequences=True, name="gru"),
            keras.layers.RNN(
                keras.layers.StackedRNNCells(
                    [keras.layers.LSTMCell(2), keras.layers.SimpleRNNCell(4)]
                ),
                return_sequences=True,
                name="stack",
            ),
            keras.layers.Activation("sigmoid"),
        ),
        "gru_0 stack_0 stack_1 stack_2",
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_three_endpoints_without_keras_nm(rng, tmp_path, name):
    make, states = MODELS[name]
    model = make()
    x = rng.normal(size=(3, 4, 6)).astype("float32")
    export(model, tmp_path / "model")
    np.savez(tmp_path / "data.npz", x=x, y=model(x))
    result = subprocess.run(
        [sys.executable, "-I", "-c", WITHOUT_KERAS_NM],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == states.split()
    assert "custom gradient" not in result.stderr


# The subject here is not the gates, and each takes its time to be traced and compiled.
GATES = ["READ", "ONE", "ADD", "WRITE"]


def machine_model(layer):
    tape = keras.Input((None,), dtype="int32")
    return keras.Model(tape, layer(tape))


def test_machine_endpoints_without_keras_nm(rng, tmp_path):
    layer = NRAM(3, num_steps=2, gates=GATES)
    model = machine_model(layer)
    export(model, tmp_path / "model")
    for num_cells, num_steps in ((8, 3), (12, 5)):
        tape = rng.integers(0, num_cells, (4, num_cells))
        outputs = layer(tape, num_steps=num_steps)
        parts = split_outputs(outputs)
        integers = layer.run_integers(tape, num_steps)
        np.savez(
            tmp_path / f"data{num_cells}.npz",
            tape=tape,
            num_steps=num_steps,
            answer=np.argmax(outputs, axis=-1),
            probabilities=parts["tape"],
            mean_steps=parts["num_steps"],
            **{f"integer_{name}": x for name, x in integers.items()},
        )
    result = subprocess.run(
        [sys.executable, "-I", "-c", MACHINE_WITHOUT_KERAS_NM],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "custom gradient" not in result.stderr


@pytest.fixture(scope="module")
def list_k(tmp_path_factory):
    """The task's program, and it exported."""
    program = PROGRAMS["list_k"]
    layer = NRAM(program.num_registers, num_steps=1, gate_repeats=program.gate_repeats)
    return program, export(
        machine_model(program.into_layer(layer)), tmp_path_factory.mktemp("list_k")
    )


def test_an_exported_program_answers(list_k):
    _, version = list_k
    served = tf.saved_model.load(version).signatures
    # The head at 6 holds 9, the next node at 8 holds 5, and the last one at 4 holds 7.
    tape = [[6, 2, 3, 0, 0, 7, 8, 9, 4, 5]]
    inputs = {"tape": tf.constant(tape), "num_steps": tf.constant(20)}
    for name in ("fuzzy", "integer"):
        answer = served[name](**inputs)
        assert answer["tape"][0, 3] == 7
        assert answer["num_steps"][0] == 4


def test_a_machine_runs_step_by_step(list_k):
    program, version = list_k
    step = tf.saved_model.load(version).signatures["step"]
    tape = np.array([[6, 2, 3, 0, 0, 7, 8, 9, 4, 5]])
    trace = program.trace(tape, num_steps=20)
    [num_steps] = trace["num_steps"]
    states = {
        "tape": tf.constant(tape, tf.int32),
        "registers": tf.zeros((1, program.num_registers), tf.int32),
    }
    for time in range(num_steps):
        result = step(**states)
        states = {name: result[name] for name in states}
        for name, state in states.items():
            assert np.array_equal(state, trace[name][:, time + 1])
        assert result["stop"][0] == (time == num_steps - 1)
        # ZERO, ONE and TWO are the second, third and fourth of 14 gates.
        assert result["outputs"].shape == (1, len(program.sequence))
        assert result["outputs"][0, 1:4].numpy().tolist() == [0, 1, 2]
    wrong = {**states, "registers": states["registers"] + 10}
    with pytest.raises(tf.errors.InvalidArgumentError, match="Registers hold integers"):
        step(**wrong)


def test_a_machine_with_a_memory_of_its_own_runs_step_by_step(rng, tmp_path):
    layer = NRAM(3, controller=keras.layers.LSTMCell(4), num_steps=5, gates=GATES)
    model = machine_model(layer)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    export(model, tmp_path / "model")
    step = tf.saved_model.load(tmp_path / "model/1").signatures["step"]
    tape = rng.integers(0, 7, (4, 7))
    states = {"tape": tf.constant(tape, tf.int32), "registers": tf.zeros((4, 3), tf.int32)}
    for index in range(2):
        states[f"controller_state_{index}"] = tf.zeros((4, 4))
    for _ in range(3):
        result = step(**states)
        # A machine that wants to stop would have been left alone.
        states = {name: result[name] for name in states}
    layer.cell.circuit_map.bias[-1].assign(-1000.0)  # never stop
    del states["controller_state_0"], states["controller_state_1"]
    expected = layer.run_integers(tape, num_steps=3)
    for name, state in states.items():
        assert np.array_equal(state, expected[name])


def test_the_card_of_a_machine_holds_its_program(list_k, tmp_path):
    program, version = list_k
    card = json.loads((version / "assets.extra/model_card.json").read_text())
    assert card["program"] == str(program)
    assert Program.from_json(json.dumps(card["rules"])) == program
    layer = NRAM(2, controller=keras.layers.LSTMCell(4), num_steps=1, gates=GATES)
    version = export(machine_model(layer), tmp_path / "other")
    card = json.loads((version / "assets.extra/model_card.json").read_text())
    assert not {"program", "rules"} & set(card)


def test_a_machine_is_exported_as_a_model_of_its_own(tmp_path):
    tape = keras.Input((None,), dtype="int32")
    layer = NRAM(2, num_steps=2, gates=GATES)
    fuzzy = keras.Input((3, 3))
    for inputs, outputs in (
        (tape, keras.layers.Activation("relu")(layer(tape))),
        (tape, 1 - layer(tape)),
        (tape, [layer(tape), layer(tape)]),
        (fuzzy, layer(layer(fuzzy)[:, :, :3])),
    ):
        with pytest.raises(ValueError, match="NRAM layer as a model of its own"):
            export(keras.Model(inputs, outputs), tmp_path / "model")


def test_a_machine_is_exported_with_its_selection(rng, tmp_path):
    tape = keras.Input((None,), dtype="int32")
    layer = NRAM(2, gates=GATES)
    export(
        keras.Model(tape, layer(tape, num_steps=2, selection="discrete")), tmp_path / "m"
    )
    served = tf.saved_model.load(tmp_path / "m/1").signatures["fuzzy"]
    tape = tf.constant(rng.integers(0, 6, (5, 6)), tf.int32)
    probabilities = served(tape=tape, num_steps=tf.constant(4))["probabilities"].numpy()
    assert set(np.unique(probabilities)) == {0, 1}


def test_signatures_are_named_and_dynamic(tmp_path):
    export(chain(ntm(name="memory")), tmp_path / "model")
    signatures = tf.saved_model.load(tmp_path / "model/1").signatures
    assert set(signatures) == {"sequence", "step", "initial_state", "serving_default"}
    _, sequence = signatures["sequence"].structured_input_signature
    assert sequence["inputs"].shape.as_list() == [None, None, 6]
    _, step = signatures["step"].structured_input_signature
    assert step["inputs"].shape.as_list() == [None, 6]
    assert step["memory_memory"].shape.as_list() == [None, 36]
    outputs = signatures["step"].structured_outputs
    assert set(outputs) == {"outputs", *step} - {"inputs"}


def content(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_versions_count_up_and_are_overwritten_on_demand_only(tmp_path):
    model = chain(keras.layers.LSTM(2, return_sequences=True))
    path = tmp_path / "model"
    assert export(model, path) == path / "1"
    assert export(model, path) == path / "2"
    assert export(model, path, version=7) == path / "7"
    assert export(model, path) == path / "8"
    before = content(path)
    with pytest.raises(FileExistsError, match=r"7 exists, .* choose another version"):
        export(model, path, version=7)
    assert content(path) == before
    other = chain(keras.layers.LSTM(3, return_sequences=True))
    assert export(other, path, version=7, overwrite=True) == path / "7"
    units = {
        version: tf.saved_model.load(path / str(version)).signatures["sequence"]
        for version in (2, 7)
    }
    assert [units[v].structured_outputs["outputs"].shape[-1] for v in (2, 7)] == [2, 3]
    for bad in (0, "1", 1.0):
        with pytest.raises(ValueError, match="`version` must be an integer of at least 1"):
            export(model, path, version=bad)


def test_nothing_else_is_overwritten(tmp_path):
    model = chain(keras.layers.LSTM(2, return_sequences=True))
    (tmp_path / "file").write_text("mine")
    version = export(model, tmp_path / "model")
    for path in (tmp_path / "file", version):
        with pytest.raises(FileExistsError, match="not a directory of versions"):
            export(model, path, overwrite=True)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_export_that_fails_leaves_what_was_there(tmp_path, monkeypatch, overwrite):
    model = chain(keras.layers.LSTM(2, return_sequences=True))
    path = tmp_path / "model"
    export(model, path)
    before = content(path)

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        export(model, path, version=1 if overwrite else None, overwrite=overwrite)
    assert content(path) == before


@pytest.mark.parametrize("killed", [False, True])
def test_a_version_that_is_being_replaced_is_never_lost(tmp_path, monkeypatch, killed):
    model = chain(keras.layers.LSTM(2, return_sequences=True))
    path = tmp_path / "model"
    export(model, path)
    before = content(path)
    rename = os.rename

    def fail(source, target):
        if Path(source).name == "new":
            raise OSError("disk full")
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", fail)
        if killed:  # then nothing is cleaned up
            patch.setattr(saved_model, "_clear", lambda *_: None)
        with pytest.raises(OSError, match="disk full"):
            export(model, path, version=1, overwrite=True)
    if killed:
        assert not (path / "1").exists()
        export(model, path, version=2)
        shutil.rmtree(path / "2")
    assert content(path) == before


def test_a_killed_export_leaves_no_version_and_the_next_cleans_up(tmp_path):
    script = (
        "import keras, sys, keras_nm.export.saved_model as module, os, signal;"
        "module.write_warmup = lambda *_: os.kill(os.getpid(), signal.SIGKILL);"
        "x = keras.Input((None, 6));"
        "y = keras.layers.LSTM(2, return_sequences=True)(x);"
        "module.export(keras.Model(x, y), sys.argv[1])"
    )
    path = tmp_path / "model"
    result = subprocess.run(
        [sys.executable, "-c", script, path], stderr=subprocess.DEVNULL, check=False
    )
    assert result.returncode == -signal.SIGKILL
    left = {child.name.split("-")[0] for child in path.iterdir()}
    assert left == {".lock", ".partial"}
    export(chain(keras.layers.LSTM(2, return_sequences=True)), path)
    assert {child.name for child in path.iterdir()} == {".lock", "1"}


def test_two_exports_at_once_are_refused(tmp_path):
    model = chain(keras.layers.LSTM(2, return_sequences=True))
    with (
        locked(tmp_path / "model", ""),
        pytest.raises(ValueError, match="Another process is exporting"),
    ):
        export(model, tmp_path / "model")


def test_the_card_says_what_the_model_is(tmp_path):
    model = chain(keras.layers.LSTM(2, return_sequences=True, name="lstm"))
    more = {
        "task": "ntm/copy",
        "seed": 3,
        "results": [{"length": 20, "wrong": 0.25}, {"length": 30, "wrong": 1.0}],
    }
    extra = export(model, tmp_path / "small", version=4, card=more) / "assets.extra"
    card = json.loads((extra / "model_card.json").read_text())
    assert (card["name"], card["version"], card["license"]) == ("small", 4, "Apache-2.0")
    assert card["weights"] == 4 * 2 * (6 + 2 + 1)
    assert card["results"] == more["results"]
    assert card["versions"]["tensorflow"] == tf.__version__
    assert card["endpoints"]["sequence"] == {
        "inputs": {"inputs": {"dtype": "float32", "shape": [None, None, 6]}},
        "outputs": {"outputs": {"dtype": "float32", "shape": [None, None, 2]}},
    }
    assert set(card["endpoints"]["step"]["inputs"]) == {"inputs", "lstm_0", "lstm_1"}
    text = (extra / "model_card.md").read_text()
    for line in (
        "# small, version 4",
        "- seed: 3",
        "| 20 | 0.25 |",
        "| `sequence` | `inputs` float32 (any, any, 6) | `outputs` float32 (any, any, 2) |",
    ):
        assert line in text.splitlines()


@pytest.mark.parametrize(
    "make", [lambda: chain(ntm()), lambda: machine_model(NRAM(2, num_steps=2, gates=GATES))]
)
def test_the_warmup_asks_every_endpoint(tmp_path, make):
    path = export(make(), tmp_path / "model")
    records = tf.data.TFRecordDataset(
        str(path / "assets.extra" / "tf_serving_warmup_requests")
    )
    signatures = tf.saved_model.load(path).signatures
    asked = []
    for record in records.as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        request = log.predict_log.request
        assert request.model_spec.name == "model"
        asked.append(request.model_spec.signature_name)
        signatures[asked[-1]](
            **{k: tf.constant(tf.make_ndarray(v)) for k, v in request.inputs.items()}
        )
    assert sorted(asked) == sorted(signatures)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([ntm(go_backwards=True)], "backwards"),
        ([ntm(stateful=True)], "stateful"),
        ([keras.layers.Masking(), ntm()], "without masks"),
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


def test_the_example_asks_and_counts(tmp_path):
    inputs = keras.Input((None, 9))
    guessing = keras.Model(inputs, NTM(8, return_sequences=True)(inputs))
    export(guessing, tmp_path / "model")
    example = Path(__file__).parents[1] / "examples" / "answer_from_saved_model.py"
    result = subprocess.run(
        [sys.executable, example, tmp_path / "model/1"],
        capture_output=True,
        text=True,
        check=False,
    )
    *rows, last = result.stdout.splitlines()[1:]
    assert len(rows) == 12
    # The model is untrained, and both ways of asking it give the same answer.
    for row in rows:
        _, answer, stepwise = row.split()
        assert answer == stepwise
    wrong = int(last.split()[0])
    assert wrong == 2 * sum(
        a != b for row in rows for a, b in zip(*row.split()[:2], strict=True)
    )
    assert result.returncode == 1


@pytest.mark.parametrize("dtype", ["float64", "mixed_bfloat16"])
def test_states_go_round_in_their_own_dtype(rng, tmp_path, dtype):
    model = chain(
        ntm(dtype=dtype), keras.layers.LSTM(3, dtype=dtype, return_sequences=True)
    )
    export(model, tmp_path / "model")
    signatures = tf.saved_model.load(tmp_path / "model/1").signatures
    x = rng.normal(size=(2, 4, 6)).astype("float32")
    states = signatures["initial_state"](batch_size=tf.constant(2))
    for time in range(4):
        states = signatures["step"](inputs=x[:, time], **states)
        output = states.pop("outputs")
    expected = signatures["sequence"](inputs=x)["outputs"][:, -1]
    np.testing.assert_allclose(
        tf.cast(output, "float32"), tf.cast(expected, "float32"), atol=2e-2
    )


def test_nested_sequential_models_are_chains(rng, tmp_path):
    export(chain(keras.Sequential([ntm(), keras.layers.Dense(2)])), tmp_path / "model")
    assert (tmp_path / "model/1/saved_model.pb").exists()


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


def test_branches_are_not_a_chain(tmp_path):
    inputs = keras.Input((None, 6))
    x = keras.layers.Dense(5)(inputs)
    model = keras.Model(inputs, keras.layers.Add()([x, ntm()(inputs)]))
    with pytest.raises(ValueError, match="chain"):
        export(model, tmp_path / "model")
