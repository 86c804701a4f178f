"""Exported models need nothing but TensorFlow."""

import runpy
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import small_models
from machine_cases import CASES, ONE_PER_MACHINE, FromTapes, model_of

from keras_nm.export import export
from keras_nm.layers import NTM
from keras_nm.layers.nram import split_outputs

SCRIPT = Path(__file__).with_name("without_keras_nm.py")
EXAMPLE = Path(__file__).parents[2] / "examples" / "answer_from_saved_model.py"


def deep():
    """A chain of layers of Keras, two of them recurrent."""
    return keras.Sequential(
        [
            keras.Input((None, small_models.FEATURES)),
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
        ]
    )


def assert_answered_without_keras_nm(directory, names):
    result = subprocess.run(
        [sys.executable, "-I", SCRIPT, directory],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"Right answers: {' '.join(sorted(names))}\n"
    assert "custom gradient" not in result.stderr


def test_models_answer_without_keras_nm(rng, tmp_path, exported_memory, exported_machine):
    (tmp_path / "memory").symlink_to(exported_memory)
    (tmp_path / "machine").symlink_to(exported_machine)
    memory, chain = small_models.memory()[0], deep()
    export(chain, tmp_path / "deep")
    states = {
        "memory": [
            *("memory_controller_0", "memory_controller_1", "memory_memory"),
            *("memory_output", "memory_reads", "memory_weightings"),
        ],
        "deep": ["gru_0", "stack_0", "stack_1", "stack_2"],
    }
    for name, model in {"memory": memory, "deep": chain}.items():
        x = rng.normal(size=(3, 4, small_models.FEATURES)).astype("float32")
        np.savez(tmp_path / f"sequences-{name}.npz", x=x, y=model(x), states=states[name])
    layer = small_models.machine()[0].layers[-1]
    for num_cells, num_steps in ((8, 3), (12, 5)):
        tape = rng.integers(0, num_cells, (4, num_cells))
        outputs = layer(tape, num_steps=num_steps)
        parts = split_outputs(outputs)
        integers = layer.run_integers(tape, num_steps)
        np.savez(
            tmp_path / f"tapes-machine-{num_cells}.npz",
            tape=tape,
            num_steps=num_steps,
            answer=np.argmax(outputs, axis=-1),
            probabilities=parts["tape"],
            mean_steps=parts["num_steps"],
            **{f"integer_{name}": x for name, x in integers.items()},
        )
    assert_answered_without_keras_nm(tmp_path, ["memory", "deep", "machine"])


@pytest.mark.slow
def test_each_machine_answers_without_keras_nm(rng, tmp_path):
    names = [name for name in ONE_PER_MACHINE if not isinstance(CASES[name], FromTapes)]
    for name in names:
        case = CASES[name]
        model = model_of(case.make(name="layer"), case.symbolic_inputs())
        export(model, tmp_path / name)
        cell, x = getattr(model.layers[-1], "cell", None), case.inputs(rng)
        states = [] if cell is None else [f"layer_{state}" for state in cell.state_names]
        np.savez(tmp_path / f"sequences-{name}.npz", x=x, y=model(x), states=sorted(states))
    assert_answered_without_keras_nm(tmp_path, names)


def test_the_example_asks_and_counts(tmp_path, monkeypatch, capsys):
    inputs = keras.Input((None, 9))
    guessing = keras.Model(inputs, NTM(8, return_sequences=True)(inputs))
    export(guessing, tmp_path / "model")
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), str(tmp_path / "model" / "1")])
    monkeypatch.setitem(sys.modules, "keras_nm", None)  # as the example does
    with pytest.raises(SystemExit) as exit:
        runpy.run_path(str(EXAMPLE), run_name="__main__")
    *rows, last = capsys.readouterr().out.splitlines()[1:]
    assert len(rows) == 12
    # The model is untrained, and both ways of asking it give the same answer.
    for row in rows:
        _, answer, stepwise = row.split()
        assert answer == stepwise
    wrong = int(last.split()[0])
    assert wrong == 2 * sum(
        a != b for row in rows for a, b in zip(*row.split()[:2], strict=True)
    )
    assert exit.value.code == 1
