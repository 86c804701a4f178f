"""Recipes of the Differentiable Neural Computer, and of its rivals on its own tasks."""

from keras_nm.recipes.parts import layer_of_keras, layer_of_ours, of_sequences
from keras_nm.runs.recipe import Recipe


def _dnc(num_locations, width, units, **options):
    return layer_of_ours(
        "DNC",
        memory_shape=[num_locations, width],
        controller=layer_of_keras("LSTMCell", units=units),
        **options,
    )


# The changes of Csordás and Schmidhuber 2019, under the letters that they give them.
_MASK = {"content_mask": True}
_DEALLOCATION = {"deallocate_content": True}
_SHARPENING = {"link_sharpening": True}
_VARIANTS = {
    "dnc": ("A Differentiable Neural Computer as in its paper.", {}),
    "dnc-m": ("A Differentiable Neural Computer that masks its look-ups.", _MASK),
    "dnc-d": (
        "A Differentiable Neural Computer that erases the locations it frees.",
        _DEALLOCATION,
    ),
    "dnc-s": ("A Differentiable Neural Computer that sharpens its links.", _SHARPENING),
    "dnc-md": (
        "A Differentiable Neural Computer with masks and erasure.",
        _MASK | _DEALLOCATION,
    ),
    "dnc-ms": (
        "A Differentiable Neural Computer with masks and sharper links.",
        _MASK | _SHARPENING,
    ),
    "dnc-ds": (
        "A Differentiable Neural Computer with erasure and sharper links.",
        _DEALLOCATION | _SHARPENING,
    ),
    "dnc-mds": (
        "A Differentiable Neural Computer with masks, erasure and sharpening.",
        _MASK | _DEALLOCATION | _SHARPENING,
    ),
}


def _on_its_tasks(task, *, num_locations, width, units, **settings):
    """Makes recipes of all variants, an NTM and an LSTM: one setting, one size."""
    layers = {
        name: (description, _dnc(num_locations, width, units, **options))
        for name, (description, options) in _VARIANTS.items()
    }
    layers["ntm"] = (
        f"A Neural Turing Machine with a controller of {units} LSTM units.",
        layer_of_ours(
            "NTM",
            memory_shape=[num_locations, width],
            controller=layer_of_keras("LSTMCell", units=units),
        ),
    )
    layers["lstm"] = (
        "The baseline: an LSTM of 256 units.",
        layer_of_keras("LSTM", units=256),
    )
    return (
        Recipe(
            name=name,
            description=description,
            **of_sequences(task, layer=layer, batch_size=16, **settings),
        )
        for name, (description, layer) in layers.items()
    )


def _on_a_task_of_the_ntm(task, num_locations, **settings):
    """Makes a recipe with the optimizer and the memory of the NTM on this task."""
    return Recipe(
        name="dnc",
        description="A Differentiable Neural Computer with a controller of 100 LSTM units.",
        **of_sequences(
            task, layer=_dnc(num_locations, 20, 100), memory_size=128, **settings
        ),
    )


DNC_RECIPES = (
    _on_a_task_of_the_ntm("ntm/copy", 24, steps=7500),
    _on_a_task_of_the_ntm("ntm/associative_recall", 32, steps=25_000, stop_below=0.02),
    *_on_its_tasks(
        "dnc/series_copy",
        # Room for the longest copy, its start and one more. A series has up to 48 vectors.
        num_locations=8,
        width=16,
        units=32,
        steps=4000,
        task_options={"max_vectors": 6},
    ),
    *_on_its_tasks("dnc/key_value", num_locations=16, width=32, units=32, steps=4000),
)
