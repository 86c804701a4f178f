"""Layers without a row: what works for any recurrent layer, one error for the rest."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_nm.layers import NTM, NTMCell
from keras_nm.layers.machine import MachineLayer
from keras_nm.machines import MACHINES, Machine, machine_of, machine_of_class
from keras_nm.plots import machine_picture, num_frames
from keras_nm.training import RECIPES, Probe, evaluate, train
from keras_nm_cli import main

RECIPE = dataclasses.replace(
    RECIPES["ntm/copy"]["lstm"],
    layer={"module": "keras.layers", "class_name": "GRU", "config": {"units": 4}},
    task_options={"max_length": 2, "num_bits": 3},
    batch_size=4,
    steps_per_epoch=2,
    epochs=1,
    jit_compile=False,
)


class Unlisted(MachineLayer):
    """A machine that has a trace and no row."""

    def __init__(self, units):
        super().__init__(NTMCell(units, (5, 3), keras.layers.LSTMCell(4)))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(RECIPE, tmp_path_factory.mktemp("gru") / "run", verbose=0)


def test_it_trains_and_is_measured(run):
    assert set(evaluate(run, 2)) == {*run.recipe.spec.metrics, "examples"}
    assert run.model.layers[-1].name == "logits"
    assert not (run.directory / "tensorboard" / "probe").exists()


def test_it_is_exported(run, tmp_path):
    assert (
        main(["export", str(run.directory), str(tmp_path / "gru"), "--lengths", "2"]) == 0
    )
    assert "step" in tf.saved_model.load(tmp_path / "gru" / "1").signatures


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trace"], "is the layer GRU, which has no `trace`"),
        (
            ["evaluate", "--memory-size", "9"],
            "no memory whose size can be changed in the layer GRU",
        ),
    ],
)
def test_what_needs_a_row_says_so(run, capsys, arguments, message):
    command, *options = arguments
    assert main([command, str(run.directory), *options]) == 2
    assert message in capsys.readouterr().err


def test_a_picture_needs_a_row(rng):
    layer = Unlisted(3)
    x = rng.normal(size=(1, 4, 2)).astype("float32")
    trace = layer.trace(x)
    for draw in (
        lambda: machine_picture(layer, trace, x),
        lambda: num_frames(layer, trace),
    ):
        with pytest.raises(
            ValueError, match=r"for the layer Unlisted\. .* NTM, .*StackRNN"
        ):
            draw()


def probe_of_unlisted(log_dir, rng):
    probe = Probe(log_dir, (rng.normal(size=(1, 4, 2)), np.zeros((1, 3)), np.ones(1)), 1)
    probe.set_model(keras.Sequential([keras.Input((4, 2)), Unlisted(3)]))
    return probe


def test_a_look_needs_a_row_when_training_begins(tmp_path, rng):
    probe = probe_of_unlisted(tmp_path, rng)
    with pytest.raises(ValueError, match=r"no `look` for the layer Unlisted\. .* NTM, "):
        probe.on_train_begin()


def test_a_row_without_a_picture_is_looked_at(tmp_path, rng, monkeypatch):
    row = Machine(
        layer=Unlisted,
        words="machine without a picture",
        look=lambda layer, trace, examples: {"units": layer.cell.units},
    )
    monkeypatch.setitem(MACHINES, "Unlisted", row)
    probe = probe_of_unlisted(tmp_path, rng)
    probe.on_train_begin()
    probe.on_epoch_end(0)
    probe.on_train_end()
    events = EventAccumulator(str(tmp_path / "probe")).Reload()
    assert [tag.rpartition("/")[2] for tag in events.Tags()["tensors"]] == ["units"]


def test_a_subclass_shares_the_row_of_its_parent():
    class Mine(NTM):
        pass

    assert machine_of_class(Mine) is MACHINES["NTM"]
    assert machine_of(Mine(3)) is MACHINES["NTM"]


@pytest.mark.parametrize("name", list(MACHINES))
def test_every_function_of_a_row_exists(name):
    for field in dataclasses.fields(Machine):
        value = getattr(MACHINES[name], field.name)
        if isinstance(value, str) and ":" in value:
            assert callable(MACHINES[name].function(field.name))
