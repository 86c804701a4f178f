"""Exported models give the same numbers in other runtimes.

Part of the default install are `TFSMLayer`, the C API and the LiteRT converter. OpenVINO
and onnxruntime with tf2onnx are tested where they are installed.
"""

import functools
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import small_models
import tensorflow as tf
from small_models import FEATURES
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from keras_nm.export import export
from keras_nm.layers import NRAM
from keras_nm.layers.nram import split_outputs

pytestmark = pytest.mark.slow

TOLERANCE = 1e-5

# What a runtime cannot convert, and its error: the table of docs/guides/runtimes.md.
UNSUPPORTED = {
    ("litert", "sequence"): "'tf.TensorListReserve' op requires element_shape to be static",
    ("litert", "fuzzy"): "'tf.TensorListReserve' op requires element_shape to be static",
}


def random_access_machine():
    # With all gates, because each has its own operations.
    return small_models.randomized(small_models.on_tapes(NRAM(3, num_steps=2))), {}


RECURRENT = {
    "ntm": small_models.memory,
    "dnc": small_models.computer,
    "stack_rnn": small_models.stacks,
    "tape_rnn": small_models.tapes,
}
MODELS = {**RECURRENT, "nram": random_access_machine}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A function from a key of `MODELS` to the model and the directory of its export."""

    @functools.cache
    def exported(kind):
        model, _ = MODELS[kind]()
        return model, export(model, tmp_path_factory.mktemp("exported") / kind)

    return exported


def openvino_endpoint(directory, name, tmp_path):
    ov = pytest.importorskip("openvino")
    model = tf.saved_model.load(directory)
    signature = model.signatures[name]
    # Through a file, as in production. By default, its weights would be float16.
    ov.save_model(ov.convert_model(signature), tmp_path / "m.xml", compress_to_fp16=False)
    compiled = ov.Core().compile_model(
        tmp_path / "m.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    # An output named like an input has another name here, but the order is the same.
    names = sorted(signature.structured_outputs)
    return lambda **inputs: dict(zip(names, compiled(inputs).values(), strict=True))


def onnxruntime_endpoint(directory, name, tmp_path):
    ort = pytest.importorskip("onnxruntime")
    tf2onnx = pytest.importorskip("tf2onnx")
    model = tf.saved_model.load(directory)
    specs = list(model.signatures[name].structured_input_signature[1].values())

    @tf.function
    def renamed(*inputs):
        # ONNX has no outputs named like inputs.
        inputs = {spec.name: x for spec, x in zip(specs, inputs, strict=True)}
        outputs = model.signatures[name](**inputs)
        return {f"new_{key}": x for key, x in outputs.items()}

    path = str(tmp_path / "model.onnx")
    tf2onnx.convert.from_function(renamed, specs, opset=18, output_path=path)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [x.name.removeprefix("new_") for x in session.get_outputs()]
    return lambda **inputs: dict(zip(names, session.run(None, inputs), strict=True))


def litert_endpoint(directory, name, tmp_path):
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(directory), signature_keys=[name]
    )
    content = converter.convert()
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        Interpreter = tf.lite.Interpreter
    return Interpreter(model_content=content).get_signature_runner(name)


RUNTIMES = {
    "openvino": openvino_endpoint,
    "onnxruntime": onnxruntime_endpoint,
    "litert": litert_endpoint,
}


def assert_same(outputs, expected):
    assert set(outputs) == set(expected)
    for name, x in expected.items():
        x = np.asarray(x)
        assert outputs[name].shape == x.shape, name
        assert outputs[name].dtype == x.dtype, name
        if x.dtype.kind == "i":
            assert np.array_equal(outputs[name], x), name
        else:
            np.testing.assert_allclose(outputs[name], x, 0, TOLERANCE, err_msg=name)


def check_sequence(endpoint, model, directory, rng):
    for batch, length in ((3, 7), (1, 4)):
        x = rng.normal(size=(batch, length, FEATURES)).astype("float32")
        assert_same(endpoint(inputs=x), {"outputs": model(x)})


def check_initial_state(endpoint, model, directory, rng):
    expected = tf.saved_model.load(directory).signatures["initial_state"]
    for batch in (3, 1):
        outputs = endpoint(batch_size=np.array(batch, "int32"))
        assert_same(outputs, expected(batch_size=tf.constant(batch)))


def check_step(endpoint, model, directory, rng):
    initial = tf.saved_model.load(directory).signatures["initial_state"]
    for batch, length in ((3, 7), (1, 4)):
        x = rng.normal(size=(batch, length, FEATURES)).astype("float32")
        expected = model(x).numpy()
        states = initial(batch_size=tf.constant(batch))
        states = {name: state.numpy() for name, state in states.items()}
        for time in range(length):
            states = endpoint(inputs=x[:, time], **states)
            assert_same({"y": states.pop("outputs")}, {"y": expected[:, time]})


def check_fuzzy(endpoint, model, directory, rng):
    for tape, num_steps in random_tapes(rng):
        outputs = model.layers[-1](tape, num_steps=int(num_steps))
        parts = split_outputs(outputs)
        expected = {
            "tape": np.argmax(outputs, axis=-1).astype("int32"),
            "probabilities": parts["tape"],
            "num_steps": parts["num_steps"],
        }
        assert_same(endpoint(tape=tape, num_steps=num_steps), expected)


def check_integer(endpoint, model, directory, rng):
    for tape, num_steps in random_tapes(rng):
        expected = model.layers[-1].run_integers(tape, num_steps=int(num_steps))
        assert_same(endpoint(tape=tape, num_steps=num_steps), expected)


def check_machine_step(endpoint, model, directory, rng):
    for tape, num_steps in random_tapes(rng):
        registers = np.zeros((len(tape), 3), "int32")
        for _ in range(num_steps):
            expected, _ = model.layers[-1].step_integers(tape, registers)
            result = endpoint(tape=tape, registers=registers)
            assert_same(result, expected)
            tape, registers = result["tape"], result["registers"]


def random_tapes(rng):
    for batch, size, num_steps in ((3, 8, 4), (1, 11, 6)):
        tape = rng.integers(0, size, (batch, size)).astype("int32")
        yield tape, np.array(num_steps, "int32")


CHECKS = {
    **{
        (kind, name): check
        for kind in RECURRENT
        for name, check in (
            ("sequence", check_sequence),
            ("step", check_step),
            ("initial_state", check_initial_state),
        )
    },
    ("nram", "fuzzy"): check_fuzzy,
    ("nram", "integer"): check_integer,
    ("nram", "step"): check_machine_step,
}


# TensorFlow's own interpreter, which stands in where LiteRT's package is not installed.
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.parametrize(("kind", "name"), CHECKS)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_same_numbers(exported, rng, tmp_path, runtime, kind, name):
    model, directory = exported(kind)
    check = CHECKS[kind, name]
    error = UNSUPPORTED.get((runtime, name))
    if error:
        with pytest.raises(Exception, match=error):
            RUNTIMES[runtime](directory, name, tmp_path)
    else:
        check(RUNTIMES[runtime](directory, name, tmp_path), model, directory, rng)


@pytest.mark.parametrize("kind", RECURRENT)
def test_openvino_reads_the_directory(exported, rng, kind):
    ov = pytest.importorskip("openvino")
    model, directory = exported(kind)
    compiled = ov.Core().compile_model(
        directory, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    check_sequence(
        lambda inputs: {"outputs": compiled({"inputs": inputs})["outputs"]},
        model,
        directory,
        rng,
    )


@pytest.mark.parametrize("kind", RECURRENT)
def test_sequences_as_a_keras_layer(exported, rng, kind):
    original, directory = exported(kind)
    layer = keras.layers.TFSMLayer(directory, call_endpoint="sequence")
    inputs = keras.Input((None, FEATURES))
    outputs = layer({"inputs": inputs})["outputs"]
    model = keras.Model(inputs, keras.layers.Rescaling(2.0)(outputs))
    x = rng.normal(size=(3, 7, FEATURES)).astype("float32")
    np.testing.assert_allclose(
        model.predict(x, verbose=0), 2 * original(x), rtol=0, atol=TOLERANCE
    )


@pytest.mark.parametrize("kind", RECURRENT)
def test_steps_as_keras_layers(exported, rng, kind):
    model, directory = exported(kind)
    step, initial_state = (
        keras.layers.TFSMLayer(directory, call_endpoint=name)
        for name in ("step", "initial_state")
    )
    x = rng.normal(size=(3, 7, FEATURES)).astype("float32")
    states = initial_state({"batch_size": tf.constant(3)})
    for time, expected in enumerate(np.swapaxes(model(x), 0, 1)):
        states = step({"inputs": x[:, time], **states})
        np.testing.assert_allclose(states.pop("outputs"), expected, 0, TOLERANCE)


@pytest.mark.parametrize("name", ["fuzzy", "integer"])
def test_machines_as_keras_layers(exported, rng, name):
    original, directory = exported("nram")
    layer = keras.layers.TFSMLayer(directory, call_endpoint=name)
    inputs = {
        "tape": keras.Input((None,), dtype="int32", name="tape"),
        "num_steps": keras.Input(batch_shape=(), dtype="int32", name="num_steps"),
    }
    model = keras.Model(inputs, layer(inputs))

    def endpoint(**inputs):
        return {key: x.numpy() for key, x in model(inputs).items()}

    CHECKS["nram", name](endpoint, original, directory, rng)


def tensor_names(directory, name):
    """The names of a signature's tensors in the graph, which a C program feeds."""
    content = (directory / "saved_model.pb").read_bytes()
    signature = SavedModel.FromString(content).meta_graphs[0].signature_def[name]
    return signature.inputs["inputs"].name, signature.outputs["outputs"].name


@pytest.mark.parametrize("kind", RECURRENT)
def test_the_c_example(exported, rng, tmp_path, kind):
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("the example is compiled by a C compiler, `cc`, on Linux")
    model, directory = exported(kind)
    libraries = tf.sysconfig.get_lib()
    program = tmp_path / "run_saved_model"
    subprocess.run(
        [
            *(compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"),
            Path(__file__).parents[1] / "examples" / "run_saved_model.c",
            *("-o", program, "-isystem", tf.sysconfig.get_include()),
            *(f"-L{libraries}", f"-Wl,-rpath,{libraries}"),
            *("-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"),
        ],
        check=True,
    )
    inputs, outputs = tmp_path / "inputs", tmp_path / "outputs"

    def run(shape, *names):
        return subprocess.run(
            [program, directory, *names, *map(str, shape), inputs, outputs],
            capture_output=True,
            text=True,
            check=False,
        )

    names = tensor_names(directory, "sequence")
    for batch, length in ((3, 7), (1, 4)):
        x = rng.normal(size=(batch, length, FEATURES)).astype("float32")
        x.tofile(inputs)
        result = run(x.shape, *names)
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith(f"{batch} x {length} x 5 numbers")
        answer = np.fromfile(outputs, "float32").reshape(batch, length, 5)
        np.testing.assert_allclose(answer, model(x), rtol=0, atol=TOLERANCE)

    for arguments, message in (
        (((1, 3, FEATURES), *names), "does not hold BATCH x TIMESTEPS x FEATURES"),
        (((1, 8, FEATURES // 2), *names), "the model: "),
        (((0, 4, FEATURES), *names), "0: a size"),
        ((x.shape, "nothing:0", names[1]), "nothing:0: the model has no such tensor"),
        ((x.shape, names[0], f"{names[1][:-1]}9"), "9: the operation has no such output"),
    ):
        result = run(*arguments)
        assert result.returncode == 1
        assert message in result.stderr
