"""Asks exported models in a process in which keras_nm cannot be imported.

    python -I without_keras_nm.py DIRECTORY

`test_without_keras_nm.py` fills the directory with models and with the expected answers.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

sys.modules["keras_nm"] = None
try:
    import keras_nm  # noqa: F401
except ImportError:
    pass
else:
    sys.exit("keras_nm could be imported")

directory = Path(sys.argv[1])


def ask_sequences(name):
    data = np.load(directory / f"{name}.npz")
    x, y = data["x"], data["y"]
    model = tf.saved_model.load(directory / name / "1")
    sequence, step = model.signatures["sequence"], model.signatures["step"]
    np.testing.assert_allclose(sequence(inputs=x)["outputs"], y, atol=1e-5)
    short = model.signatures["serving_default"](inputs=x[:1, :2])["outputs"]
    np.testing.assert_allclose(short, y[:1, :2], atol=1e-5)
    states = model.signatures["initial_state"](batch_size=tf.constant(len(x)))
    assert sorted(states) == data["states"].tolist(), states
    for time in range(x.shape[1]):
        states = step(inputs=x[:, time], **states)
        np.testing.assert_allclose(states.pop("outputs"), y[:, time], atol=1e-5)


def ask_tapes(name):
    model = tf.saved_model.load(directory / name / "1")
    assert set(model.signatures) == {"fuzzy", "integer", "step", "serving_default"}
    fuzzy, integer = model.signatures["fuzzy"], model.signatures["integer"]
    for num_cells in (8, 12):
        data = np.load(directory / f"{name}{num_cells}.npz")
        inputs = {x: tf.constant(data[x], tf.int32) for x in ("tape", "num_steps")}
        answer = fuzzy(**inputs)
        assert np.array_equal(answer["tape"], data["answer"])
        np.testing.assert_allclose(
            answer["probabilities"], data["probabilities"], atol=1e-5
        )
        np.testing.assert_allclose(answer["num_steps"], data["mean_steps"], atol=1e-5)
        for endpoint in (integer, tf.function(integer, jit_compile=True)):
            result = endpoint(**inputs)
            for x in ("tape", "registers", "num_steps"):
                assert np.array_equal(result[x], data["integer_" + x]), x
    wrong = {"tape": tf.constant([[1, 9, 0]]), "num_steps": tf.constant(2)}
    for endpoint in (fuzzy, integer):
        assert "integers from 0 to M - 1" in error_of(endpoint, wrong)


def error_of(endpoint, inputs):
    try:
        endpoint(**inputs)
    except tf.errors.InvalidArgumentError as error:
        return str(error)
    sys.exit("wrong inputs were accepted")


ask_sequences("memory")
ask_sequences("deep")
ask_tapes("machine")
print("All answers are the expected ones")
