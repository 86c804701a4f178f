"""Recipes for the counting languages of the Stack-RNN's paper."""

from keras_nm.recipes.parts import falling
from keras_nm.runs.recipe import Recipe

_STEPS = 3000

# The paper's machine: 40 units without recurrence of their own, and ten stacks of numbers.
_STACK_RNN = {
    "module": "keras_nm.layers",
    "class_name": "StackRNN",
    "registered_name": "keras_nm>StackRNN",
    "config": {
        "stack_shape": [200, 1],
        "num_stacks": 10,
        "controller": {
            "module": "keras.layers",
            "class_name": "Dense",
            "config": {"units": 40, "activation": "sigmoid", "use_bias": False},
        },
        "read_depth": 2,
        "no_op": False,
        "empty_value": -1.0,
        "use_bias": False,
        # The paper's rounding: soft in training, and discrete when it is measured.
        "actions": "discrete",
    },
}

STACK_RECIPES = tuple(
    Recipe(
        name="stack-rnn",
        description="A Stack-RNN with 40 units and ten stacks, as in its paper.",
        task=f"stack/{task}",
        layer=_STACK_RNN,
        optimizer={
            "class_name": "Adam",
            "config": {"learning_rate": falling(1e-2, _STEPS), "global_clipnorm": 1.0},
        },
        batch_size=16,
        steps_per_epoch=250,
        epochs=_STEPS // 250,
        stop_below=0.0,
        task_options={"max_length": 19},
    )
    for task in ("anbn", "anbncn", "anbncndn", "anb2n", "anbmcnm")
)
