"""Every example in a docstring or in the README runs."""

import ast
import dataclasses
import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_nm
from keras_nm.layers.nram.gates import GATES
from keras_nm.machines import MACHINES
from keras_nm.tasks import datasets

ROOT = Path(__file__).parents[1]

MODULES = [
    module.name
    for module in pkgutil.walk_packages(keras_nm.__path__, "keras_nm.")
    if not module.name.endswith("__main__")
]


@pytest.fixture(autouse=True)
def _leave_everything_as_it_was(tmp_path, monkeypatch):
    """Examples register gates, machines and Keras objects for the whole process."""
    monkeypatch.chdir(tmp_path)
    registries = (GATES, MACHINES, keras.saving.get_custom_objects())
    before = [dict(registry) for registry in registries]
    yield
    for registry, content in zip(registries, before, strict=True):
        registry.clear()
        registry.update(content)


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


# README's examples. Every import in them runs at once, before any of them.
BLOCKS = [
    ast.parse(block)
    for block in re.findall(
        r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
]
IMPORTS = [
    statement
    for block in BLOCKS
    for statement in block.body
    if isinstance(statement, ast.Import | ast.ImportFrom)
]


def names_in(node, context):
    return {
        name.id
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and isinstance(name.ctx, context)
    }


def needs(block):
    """The variables that a block takes from earlier ones."""
    known, needed = set(), set()
    for statement in block.body:
        stored = names_in(statement, ast.Store)
        # The variable of a loop is stored before it is used.
        own = set() if isinstance(statement, ast.Assign) else stored
        needed |= names_in(statement, ast.Load) - known - own
        known |= stored
    return needed


def chains():
    """Lists of indices of blocks: one that no other needs, and before it all it needs."""
    made_by, chain_of, needed_by_others = {}, {}, set()
    for index, block in enumerate(BLOCKS):
        earlier = {made_by[name] for name in needs(block) if name in made_by}
        needed_by_others |= earlier
        chain_of[index] = sorted({index}.union(*(chain_of[i] for i in earlier)))
        made_by |= dict.fromkeys(names_in(block, ast.Store), index)
    return [chain_of[i] for i in chain_of if i not in needed_by_others]


def few_examples(split):
    return dataclasses.replace(split, num_examples=20)


# The chain with the exports of two trained models is the longest.
@pytest.mark.parametrize(
    "chain",
    [
        pytest.param(chain, id=str(chain), marks=pytest.mark.slow if len(chain) > 2 else [])
        for chain in chains()
    ],
)
def test_readme_examples(chain, monkeypatch):
    tasks = {
        name: dataclasses.replace(
            spec, splits={key: few_examples(split) for key, split in spec.splits.items()}
        )
        for name, spec in datasets.TASKS.items()
    }
    monkeypatch.setattr(datasets, "TASKS", tasks)
    compile_model, fit = keras.Model.compile, keras.Model.fit

    # XLA takes longer to compile than these models to train.
    def compile_without_xla(model, *args, **kwargs):
        compile_model(model, *args, **{**kwargs, "jit_compile": False})

    def short_fit(model, *args, **kwargs):
        if kwargs["epochs"] > 5:  # which takes minutes
            kwargs |= {"steps_per_epoch": 2, "epochs": 1}
        return fit(model, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "compile", compile_without_xla)
    monkeypatch.setattr(keras.Model, "fit", short_fit)
    namespace = {}
    for code in (IMPORTS, *(BLOCKS[index].body for index in chain)):
        exec(compile(ast.Module(code, []), "README.md", "exec"), namespace)
    if "program" in namespace:
        # The program that was learned follows pointers on larger tapes.
        tape = np.random.default_rng(1).integers(1, 30, (200, 30))
        answer = namespace["program"].run(tape, num_steps=3)[:, 0]
        assert np.array_equal(answer, tape[np.arange(200), tape[:, 0]])


def test_every_block_of_the_readme_is_in_a_chain():
    assert len(BLOCKS) >= 10
    assert len(chains()) >= 5
    assert {index for chain in chains() for index in chain} == set(range(len(BLOCKS)))
