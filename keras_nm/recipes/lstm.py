"""Recipes of the baseline, an LSTM followed by a linear layer."""

from keras_nm.recipes.parts import layer_of_keras, of_sequences
from keras_nm.runs.recipe import Recipe


def _baseline(task, *, units=256, **settings):
    return Recipe(
        name="lstm",
        description=f"The baseline: an LSTM of {units} units.",
        **of_sequences(task, layer=layer_of_keras("LSTM", units=units), **settings),
    )


LSTM_RECIPES = (
    _baseline("ntm/copy", steps=7500),
    _baseline("ntm/repeat_copy", steps=12_500, learning_rate=1e-3, stop_below=0.02),
    _baseline("ntm/associative_recall", steps=25_000, stop_below=0.02),
    # Only 128 units, because of the training time.
    _baseline("ntm/dynamic_ngrams", units=128, steps=5000, batch_size=64),
    _baseline("ntm/priority_sort", steps=10_000, batch_size=16),
)
