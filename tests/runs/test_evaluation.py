"""Measuring what was trained, on examples that differ from those of training."""

import keras
import pytest

from keras_nm.layers import NRAM
from keras_nm.programs import PROGRAMS
from keras_nm.runs.evaluation import task_with
from keras_nm.training import RECIPES, Run, evaluate, evaluate_runs

RECIPE = RECIPES["nram/copy"]["nram"]


def run_of(layer):
    """A run of the recipe, as if training had found this layer."""
    tape = keras.Input(RECIPE.spec.x.sizes(RECIPE.made_task), dtype="int32")
    model = keras.Model(tape, layer(tape))
    model.compile("sgd", **RECIPE.spec.compile_arguments(RECIPE.made_task))
    return Run(None, RECIPE, 0, {}, model, None)


@pytest.mark.parametrize(("length", "num_steps"), [(1, 12), (3, 12), (6, 12), (9, 18)])
def test_a_machine_takes_no_fewer_steps_for_smaller_tapes(length, num_steps):
    program = PROGRAMS["copy"]
    layer = NRAM(program.num_registers, 12, gates=list(program.gates), name="machine")
    result = evaluate(run_of(program.into_layer(layer)), length)
    assert result["num_steps"] == num_steps
    assert result["discrete_wrong_cells"] == 0


def test_one_run_is_measured_whatever_its_controller_is():
    # Replicas cannot have a regularizer.
    controller = keras.layers.Dense(4, activation="relu", kernel_regularizer="l2")
    run = run_of(NRAM(2, 3, controller=controller, name="machine"))
    assert 0 <= evaluate(run, 2)["wrong_cells"] <= 1
    with pytest.raises(ValueError, match="without constraints and regularizers"):
        evaluate_runs([run, run], 2)


def test_a_tape_has_as_many_cells_as_asked_for():
    assert task_with(RECIPE, {"num_cells": 40}, (9, 9)).num_cells == 40


@pytest.mark.parametrize("name", ["min_length", "max_length"])
def test_lengths_are_no_options_of_the_task(name):
    run = run_of(NRAM(2, 3, name="machine"))
    with pytest.raises(ValueError, match=f"lengths to measure at .* Received: {name}"):
        evaluate(run, 2, **{name: 4})
