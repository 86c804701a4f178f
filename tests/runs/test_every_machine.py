"""A run of every machine is trained, measured, described and drawn."""

import numpy as np
import pytest
from small_runs import changed

from keras_nm.machines import MACHINES
from keras_nm.runs import pictures
from keras_nm.training import RECIPES, Probe, describe, evaluate, load_run, train

# By machine: a task, the name of its recipe, and a small memory.
RUNS = {
    "NTM": ("ntm/repeat_copy", "ntm", {"memory_shape": [9, 4]}),
    "DNC": ("dnc/series_copy", "dnc-mds", {"memory_shape": [9, 4]}),
    "StackRNN": ("stack/anbn", "stack-rnn", {"num_stacks": 2, "stack_shape": [9, 1]}),
    "TapeRNN": ("chomsky/reverse_string", "tape-rnn", {"tape_shape": [9, 4]}),
    "NPI": ("npi/addition", "npi", {}),
    "NRAM": ("nram/access", "nram", {"gates": ["READ", "ZERO", "WRITE"]}),
    "NeuralGPU": ("neural_gpu/binary_addition", "neural-gpu", {"num_maps": 6}),
}
SLOW = ("NTM", "NRAM")  # other tests of runs have these


def test_every_machine_has_a_run():
    assert set(RUNS) == set(MACHINES)


@pytest.mark.parametrize(
    "machine",
    [pytest.param(x, marks=pytest.mark.slow if x in SLOW else []) for x in RUNS],
)
def test_a_run(machine, tmp_path):
    task, name, layer = RUNS[machine]
    recipe = RECIPES[task][name]
    recipe = changed(recipe, layer, batch_size=4, steps_per_epoch=2, epochs=1)
    train(recipe, tmp_path / "run", verbose=0)
    run = load_run(tmp_path / "run")
    row = run.recipe.machine
    assert row is MACHINES[machine]

    length = run.task.smallest_length
    resized = [run.with_memory_size(12)] if row.memory_size else []
    for each in (run, *resized):
        assert all(np.isfinite(x) for x in evaluate(each, length).values())
    for each in resized:
        assert getattr(each.layer.cell, row.memory_size) == 12
    if not resized:
        with pytest.raises(ValueError, match="no memory whose size can be changed"):
            run.with_memory_size(12)
    card = describe(run, [length])
    assert card["task"] == task
    assert [result["length"] for result in card["results"]] == [length]

    examples = next(iter(run.task.evaluation_set(length, batch_size=2)))
    probe = Probe(tmp_path / "logs", examples)
    probe.set_model(run.model)
    probe.on_train_begin()
    probe.on_epoch_end(0)
    probe.on_train_end()
    assert list((tmp_path / "logs").rglob("events*"))
    assert pictures.picture(run, length).axes
