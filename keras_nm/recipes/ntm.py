"""Recipes of the Neural Turing Machine, for the tasks of its paper."""

from keras_nm.recipes.parts import (
    FEEDFORWARD_CONTROLLER,
    LSTM_CONTROLLER,
    layer_of_ours,
    of_sequences,
)
from keras_nm.runs.recipe import Recipe


def _ntm(*, controller, num_locations=128, num_heads=(1, 1), **options):
    num_read_heads, num_write_heads = num_heads
    return layer_of_ours(
        "NTM",
        memory_shape=[num_locations, 20],
        num_read_heads=num_read_heads,
        num_write_heads=num_write_heads,
        controller=controller,
        **options,
    )


_LSTM = {
    "name": "ntm",
    "description": "A Neural Turing Machine with a controller of 100 LSTM units.",
}
_FEEDFORWARD = {
    "name": "ntm-feedforward",
    "description": "A Neural Turing Machine with a controller of 100 hidden units.",
}


def _associative_recall(controller):
    return of_sequences(
        "ntm/associative_recall",
        layer=_ntm(
            controller=controller,
            num_locations=64,
            # With one read head, hardly any feed-forward controller learned it.
            num_heads=(2, 1),
            # Content can choose a location only where locations differ.
            initial_memory="drawn",
            # With weak keys at first, some LSTM controllers stayed on the plateau.
            key_strength_bias=4.0,
        ),
        steps=3000,
        learning_rate=1e-3,
        # In batches of 16, fewer seeds left the plateau in the search.
        batch_size=32,
        memory_size=128,
    )


NTM_RECIPES = (
    Recipe(
        **_LSTM,
        **of_sequences(
            "ntm/copy",
            # In a small memory, a write head that loses its focus while answering should do
            # harm already in training.
            layer=_ntm(controller=LSTM_CONTROLLER, num_locations=24),
            steps=7500,
            memory_size=128,
        ),
    ),
    Recipe(
        **_FEEDFORWARD,
        **of_sequences(
            "ntm/copy",
            layer=_ntm(
                controller=FEEDFORWARD_CONTROLLER,
                num_locations=24,
                # With tanh, fewer seeds were right at 120 vectors.
                add_activation="linear",
            ),
            steps=7500,
            memory_size=128,
        ),
    ),
    Recipe(
        **_LSTM,
        **of_sequences(
            "ntm/repeat_copy",
            layer=_ntm(controller=LSTM_CONTROLLER),
            steps=12_500,
            # At 2e-3, three of five seeds did not learn.
            learning_rate=1e-3,
            stop_below=0.02,
        ),
    ),
    Recipe(
        **_FEEDFORWARD,
        **of_sequences(
            "ntm/repeat_copy",
            layer=_ntm(controller=FEEDFORWARD_CONTROLLER),
            steps=12_500,
            learning_rate=1e-3,
            stop_below=0.02,
        ),
    ),
    Recipe(**_LSTM, **_associative_recall(LSTM_CONTROLLER)),
    Recipe(**_FEEDFORWARD, **_associative_recall(FEEDFORWARD_CONTROLLER)),
    Recipe(
        **_LSTM,
        **of_sequences(
            "ntm/dynamic_ngrams",
            # Without clipping, fewer seeds came within 1 bit of the optimum.
            layer=_ntm(controller=LSTM_CONTROLLER, gradient_clip=1.0),
            steps=5000,
            # Tables are random, and so are the bits: small batches are noise.
            batch_size=64,
        ),
    ),
    Recipe(
        **_FEEDFORWARD,
        **of_sequences(
            "ntm/dynamic_ngrams",
            layer=_ntm(
                controller=FEEDFORWARD_CONTROLLER,
                num_locations=96,
                num_heads=(2, 2),
                initial_memory="learned",
                gradient_clip=1.0,
            ),
            # Without shorter sequences, or at higher rates, the loss jumps again and again.
            task_options={"min_length": 20},
            steps=5000,
            learning_rate=5e-4,
            batch_size=64,
        ),
    ),
    Recipe(
        **_LSTM,
        **of_sequences(
            "ntm/priority_sort",
            # Where locations differ from the start, a priority can choose one.
            layer=_ntm(
                controller=LSTM_CONTROLLER,
                num_locations=64,
                num_heads=(4, 4),
                initial_memory="learned",
            ),
            steps=15_500,
            learning_rate=4e-3,
            batch_size=64,
        ),
    ),
    Recipe(
        **_FEEDFORWARD,
        **of_sequences(
            "ntm/priority_sort",
            layer=_ntm(
                controller=FEEDFORWARD_CONTROLLER,
                num_locations=64,
                num_heads=(4, 4),
                initial_memory="learned",
            ),
            steps=62_000,
            learning_rate=1e-3,
            batch_size=16,
        ),
    ),
)
