"""Recipes for the tasks of the Stack-RNN's paper."""

from keras_nm.recipes.parts import clipped_adam, layer_of_keras, layer_of_ours
from keras_nm.runs.recipe import Recipe


def _stack_rnn(units, actions):
    """Returns the paper's machine, without recurrence of its own, with ten stacks."""
    return layer_of_ours(
        "StackRNN",
        stack_shape=[200, 1],
        num_stacks=10,
        controller=layer_of_keras(
            "Dense", units=units, activation="sigmoid", use_bias=False
        ),
        read_depth=2,
        no_op=False,
        empty_value=-1.0,
        use_bias=False,
        actions=actions,
    )


_TAPE_RNN = layer_of_ours(
    "TapeRNN",
    tape_shape=[64, 8],
    moves=["stay", "left", "right"],
    controller=layer_of_keras("SimpleRNNCell", units=64, activation="relu"),
)


def _recipe(task, *, steps, learning_rate, **settings):
    return Recipe(
        task=f"stack/{task}",
        optimizer=clipped_adam(learning_rate, steps),
        steps_per_epoch=250,
        epochs=steps // 250,
        stop_below=0.0,
        task_options={"max_length": 19},
        **settings,
    )


STACK_RECIPES = (
    *(
        _recipe(
            task,
            name="stack-rnn",
            description="A Stack-RNN with 40 units and ten stacks, as in its paper.",
            layer=_stack_rnn(40, actions),
            steps=3000,
            learning_rate=1e-2,
            batch_size=16,
        )
        for task, actions in {
            # The paper's rounding: soft in training, and discrete when it is measured.
            "anbn": "discrete",
            "anbmcnm": "discrete",
            # Rounded, these make mistakes.
            "anbncn": "soft",
            "anbncndn": "soft",
            "anb2n": "soft",
        }.items()
    ),
    _recipe(
        "anbkcnk",
        name="stack-rnn",
        description="A Stack-RNN with 40 units and ten stacks, without rounding.",
        layer=_stack_rnn(40, actions="soft"),
        steps=6000,
        learning_rate=1e-2,
        batch_size=16,
    ),
    _recipe(
        "reverse_memorization",
        name="stack-rnn",
        description="A Stack-RNN with 100 units and ten stacks, without rounding.",
        # Rounded, it makes mistakes.
        layer=_stack_rnn(100, actions="soft"),
        steps=4000,
        learning_rate=1e-2,
        batch_size=16,
    ),
    _recipe(
        "reverse_memorization",
        name="tape-rnn",
        description="A Tape-RNN with an Elman network of 64 units and one tape.",
        layer=_TAPE_RNN,
        steps=3000,
        learning_rate=3e-3,
        batch_size=32,
    ),
)
