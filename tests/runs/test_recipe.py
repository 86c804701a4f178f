import dataclasses
import json
import pickle

import keras
import numpy as np
import pytest
import small_runs

from keras_nm.training import RECIPES, Recipe

# Recipes as earlier versions wrote them, without the fields that came later.
OF_AN_NTM = {
    "task": "ntm/copy",
    "layer": {
        "module": "keras_nm.layers",
        "class_name": "NTM",
        "registered_name": "keras_nm>NTM",
        "config": {"memory_shape": [24, 20]},
    },
    "optimizer": {
        "module": "keras.optimizers",
        "class_name": "Adam",
        "config": {"learning_rate": 0.01},
    },
    "batch_size": 4,
    "steps_per_epoch": 250,
    "epochs": 30,
    "stop_below": 0.02,
    "task_options": {"max_length": 7},
    "num_locations": 128,
    "curriculum": None,
    "entropy_schedule": None,
}
OF_AN_NRAM = {
    "task": "nram/access",
    "layer": {
        "module": "keras_nm.layers",
        "class_name": "NRAM",
        "registered_name": "keras_nm>NRAM",
        "config": {"num_registers": 2, "num_steps": 3, "entropy_weight": -4.0},
    },
    "optimizer": {
        "module": "keras_nm.training",
        "class_name": "NoisyAdam",
        "registered_name": "keras_nm>NoisyAdam",
        "config": {"learning_rate": 0.01, "noise": 0.0},
    },
    "batch_size": 16,
    "steps_per_epoch": 50,
    "epochs": 12,
    "stop_below": 0.0,
    "task_options": {"max_length": 6, "num_cells": 8},
    "num_locations": None,
    "curriculum": {"monitor": "wrong_cells", "threshold": 0.1, "min_batches": 50},
    "entropy_schedule": {"half_life": 1500, "penalty": 0.5, "penalty_from": 300},
    "loss_options": {"likelihood": "log_expected"},
}


def test_a_recipe_of_an_ntm_by_an_earlier_version():
    recipe = Recipe.from_dict(OF_AN_NTM)
    assert recipe.memory_size == 128
    assert recipe.callbacks == {}
    assert recipe.made_task.max_length == 7
    assert recipe.build().get_layer("machine").cell.memory_shape == (24, 20)
    assert "num_locations" in OF_AN_NTM, "the argument is left as it is"


def test_a_recipe_of_an_nram_by_an_earlier_version():
    recipe = Recipe.from_dict(OF_AN_NRAM)
    assert recipe.memory_size is None
    assert recipe.callbacks == {
        "entropy_schedule": {"half_life": 1500, "penalty": 0.5, "penalty_from": 300}
    }
    model = recipe.build()
    [callback] = recipe.make_callbacks(model.get_layer("machine"))
    assert callback.half_life == 1500
    assert model.loss.likelihood == "log_expected"
    assert type(model.optimizer).__name__ == "NoisyAdam"


@pytest.mark.parametrize("recipe", [small_runs.COPY, small_runs.ACCESS])
def test_a_recipe_goes_into_json_and_back(recipe):
    settings = json.loads(json.dumps(dataclasses.asdict(recipe)))
    assert Recipe.from_dict(settings) == recipe


def test_recipes_that_differ_in_their_names_only_have_the_same_settings():
    renamed = dataclasses.replace(small_runs.COPY, name="other", description="Another.")
    assert renamed.to_json() == small_runs.COPY.to_json()
    faster = dataclasses.replace(small_runs.COPY, batch_size=16)
    assert faster.to_json() != small_runs.COPY.to_json()


def test_a_recipe_that_was_used_can_be_sent_to_another_process():
    recipe = dataclasses.replace(small_runs.ACCESS)
    recipe.build()
    again = pickle.loads(pickle.dumps(recipe))
    assert again == recipe
    assert again.monitors == ["val_wrong_cells", "val_discrete_wrong_cells"]


def test_a_layer_is_no_configuration():
    recipe = dataclasses.replace(RECIPES["ntm/copy"]["ntm"], layer=keras.layers.LSTM(3))
    with pytest.raises(ValueError, match="`layer` must be a Keras configuration"):
        recipe.build()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "adam"}, "`optimizer` must be a Keras configuration"),
        ({"optimizer": {"class_name": "Adam"}}, "`optimizer` must be a Keras config"),
        ({"epochs": 0}, "`epochs` must be an integer of at least 1"),
        ({"stop_below": None}, "`stop_below` must be a finite number"),
        ({"batch_size": 2.5}, "`batch_size` must be an integer"),
        ({"epochs": np.int64(2)}, r"plain data.* int64 .*Convert numbers .* by int\(\)"),
        ({"loss_options": {"likelihood": 1}}, "The recipe's loss_options do not fit"),
    ],
)
def test_settings_that_do_not_fit_fail_before_training(changes, message):
    recipe = dataclasses.replace(small_runs.COPY, **changes)
    with pytest.raises(ValueError, match=message):
        recipe.build()


def test_xla_compiles_the_model_unless_the_recipe_says_otherwise():
    recipe = RECIPES["ntm/copy"]["ntm"]
    assert recipe.jit_compile is True
    for each in (recipe, dataclasses.replace(recipe, jit_compile=False)):
        assert each.build().jit_compile is each.jit_compile
