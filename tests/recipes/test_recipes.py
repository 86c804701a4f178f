import copy
import dataclasses
import json

import keras
import numpy as np
import pytest

from keras_nm.tasks import TASKS
from keras_nm.training import RECIPES, build_model

# The tasks of the Chomsky hierarchy share their recipes, and so do the two of the DNC.
SHARED = [
    task
    for task in RECIPES
    if task.startswith(("chomsky/", "dnc/"))
    and task not in ("chomsky/binary_addition", "dnc/series_copy")
]
ALL = [
    pytest.param(task, layer, marks=[pytest.mark.slow] * (task in SHARED))
    for task in RECIPES
    for layer in RECIPES[task]
]


def optimizer_after(recipe, **state):
    """The recipe's optimizer on one variable `w`, with its state set by hand."""
    optimizer = build_model(recipe).optimizer
    optimizer = type(optimizer).from_config(
        {
            **optimizer.get_config(),
            "learning_rate": state["learning_rate"],
            "global_clipnorm": None,
        }
    )
    w = keras.Variable([state["w"]])
    optimizer.build([w])
    optimizer._velocities[0].assign([state["n"]])
    optimizer._average_gradients[0].assign([state["m"]])
    optimizer._momentums[0].assign([-state["d"]])  # Keras subtracts its momentum
    optimizer.apply([keras.ops.convert_to_tensor([state["g"]])], [w])
    return optimizer, w


@pytest.mark.parametrize("layer", ["ntm", "ntm-feedforward"])
def test_optimizer_is_rmsprop_as_in_graves_2013(layer):
    # One step by hand: n = .95 n + .05 g^2, m = .95 m + .05 g,
    # d = .9 d - lr g / sqrt(n - m^2 + 1e-4), w = w + d.
    optimizer, w = optimizer_after(
        RECIPES["ntm/copy"][layer], learning_rate=1e-4, n=10.3, m=1.8, d=3.7, g=2.7, w=1.1
    )
    np.testing.assert_allclose(optimizer._velocities[0], [10.1495], atol=1e-5)
    np.testing.assert_allclose(optimizer._average_gradients[0], [1.845], atol=1e-6)
    np.testing.assert_allclose(optimizer._momentums[0], [-3.329896], atol=1e-6)
    np.testing.assert_allclose(w, [4.429896], atol=1e-6)


@pytest.mark.parametrize(("task", "layer"), ALL)
def test_recipes_are_plain_data_that_build(task, layer):
    recipe = RECIPES[task][layer]
    assert recipe.task == task
    assert dataclasses.asdict(recipe) == json.loads(json.dumps(dataclasses.asdict(recipe)))
    before = copy.deepcopy(recipe)
    model = build_model(recipe)
    assert recipe == before
    built = TASKS[task].make(**recipe.task_options)
    if task.startswith("nram/"):
        assert model.input_shape == (None, None)
    else:
        assert model.input_shape == (None, None, built.input_size)
        assert model.output_shape == (None, None, built.output_size)
