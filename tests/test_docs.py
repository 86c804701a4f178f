"""Every example in a docstring or in the README runs."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_nm

README = Path(__file__).parents[1] / "README.md"

MODULES = [
    module.name
    for module in pkgutil.walk_packages(keras_nm.__path__, "keras_nm.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_readme_examples(tmp_path, monkeypatch, without_xla):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(blocks) >= 3
    monkeypatch.chdir(tmp_path)
    fit = keras.Model.fit

    def short_fit(model, *args, **kwargs):
        if kwargs["epochs"] > 5:  # what takes minutes
            kwargs |= {"steps_per_epoch": 2, "epochs": 1}
        return fit(model, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "fit", short_fit)
    namespace = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), namespace)

    # The program that was learned on the way follows pointers on larger tapes.
    tape = np.random.default_rng(1).integers(1, 30, (200, 30))
    answer = namespace["program"].run(tape, num_steps=3)[:, 0]
    assert np.array_equal(answer, tape[np.arange(200), tape[:, 0]])
