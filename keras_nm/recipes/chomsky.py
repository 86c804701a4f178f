"""Recipes for the tasks of the Chomsky hierarchy: one setting per layer, for all tasks."""

from keras_nm.recipes.parts import (
    FEEDFORWARD_CONTROLLER,
    LSTM_CONTROLLER,
    clipped_adam,
    layer_of_keras,
    layer_of_ours,
)
from keras_nm.runs.recipe import Recipe

_TASKS = (
    "even_pairs",
    "modular_arithmetic",
    "parity_check",
    "cycle_navigation",
    "stack_manipulation",
    "reverse_string",
    "modular_arithmetic_brackets",
    "solve_equation",
    "duplicate_string",
    "missing_duplicate_string",
    "odds_first",
    "binary_addition",
    "binary_multiplication",
    "compute_sqrt",
    "bucket_sort",
)

_STEPS = 10_000


_ELMAN = layer_of_keras("SimpleRNNCell", units=100, activation="relu")

# By the recipes' name: a description, and the layer. The first is the default.
_LAYERS = {
    "stack-rnn": (
        "A Stack-RNN with an Elman network of 100 units and one stack of vectors.",
        layer_of_ours("StackRNN", controller=_ELMAN, stack_shape=[64, 8]),
    ),
    "tape-rnn": (
        "A Tape-RNN with an Elman network of 100 units and one tape.",
        layer_of_ours(
            "TapeRNN",
            controller=_ELMAN,
            tape_shape=[64, 8],
            moves=["stay", "left", "right", "jump_left", "jump_right"],
            length_channel=-1,
        ),
    ),
    "ntm": (
        "A Neural Turing Machine with an LSTM controller.",
        layer_of_ours("NTM", controller=LSTM_CONTROLLER, memory_shape=[64, 8]),
    ),
    "ntm-feedforward": (
        "A Neural Turing Machine with a feed-forward controller.",
        layer_of_ours("NTM", controller=FEEDFORWARD_CONTROLLER, memory_shape=[64, 8]),
    ),
    "dnc": (
        "A Differentiable Neural Computer with an LSTM controller.",
        layer_of_ours("DNC", controller=LSTM_CONTROLLER, memory_shape=[64, 8]),
    ),
    "lstm": (
        "The baseline: an LSTM of 100 units.",
        layer_of_keras("LSTM", units=100),
    ),
}

CHOMSKY_RECIPES = tuple(
    Recipe(
        name=name,
        description=description,
        task=f"chomsky/{task}",
        layer=layer,
        optimizer=clipped_adam(2e-3, _STEPS),
        batch_size=64,
        steps_per_epoch=250,
        epochs=_STEPS // 250,
        # The benchmark trains to the end.
        stop_below=0.0,
        task_options={
            "max_length": 40,
            "one_length_per_batch": True,
            # As in the benchmark, tapes know the question's length from its first step.
            **({"length_channel": True} if name == "tape-rnn" else {}),
        },
    )
    for task in _TASKS
    for name, (description, layer) in _LAYERS.items()
)
