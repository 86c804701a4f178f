"""Asks exported models in a process in which keras_nm cannot be imported.

    python -I without_keras_nm.py DIRECTORY

`test_without_keras_nm.py` fills the directory with models and with the expected answers:
files `sequences-NAME.npz`, and `tapes-NAME-CELLS.npz`.
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
    data = np.load(directory / f"sequences-{name}.npz")
    x, y = data["x"], data["y"]
    model = tf.saved_model.load(directory / name / "1")
    sequence, step = model.signatures["sequence"], model.signatures["step"]
    np.testing.assert_allclose(sequence(inputs=x)["outputs"], y, atol=1e-5)
    short = model.signatures["serving_default"](inputs=x[:1])["outputs"]
    np.testing.assert_allclose(short, y[:1], atol=1e-5)
    states = data["states"].tolist()
    if not states:  # it answers in place
        return
    np.testing.assert_allclose(sequence(inputs=x[:, :2])["outputs"], y[:, :2], atol=1e-5)
    values = model.signatures["initial_state"](batch_size=tf.constant(len(x)))
    assert sorted(values) == states, values
    for time in range(x.shape[1]):
        values = step(inputs=x[:, time], **values)
        np.testing.assert_allclose(values.pop("outputs"), y[:, time], atol=1e-5)


def ask_tapes(name):
    model = tf.saved_model.load(directory / name / "1")
    assert set(model.signatures) == {"fuzzy", "integer", "step", "serving_default"}
    fuzzy, integer = model.signatures["fuzzy"], model.signatures["integer"]
    for num_cells in (8, 12):
        data = np.load(directory / f"tapes-{name}-{num_cells}.npz")
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


asked = []
for path in directory.glob("sequences-*.npz"):
    asked.append(path.stem.split("-")[1])
    ask_sequences(asked[-1])
for name in {path.stem.split("-")[1] for path in directory.glob("tapes-*.npz")}:
    asked.append(name)
    ask_tapes(name)
print("Right answers:", *sorted(asked))
