"""Describes a Neural GPU for a page."""

import tensorflow as tf

from keras_nm.page.sequences import inputs_and_outputs, some


def describe(path, card, model, spec):
    """Describes an exported `NeuralGPU`: its sizes, what goes in, and examples.

    The arguments, the result and the errors are those of
    `keras_nm.page.sequences.describe`. Only the endpoints differ: they are those of
    `keras_nm.export.in_place`.
    """
    step = model.signatures["step"].structured_input_signature[1]
    if any(step[name].dtype != tf.float32 for name in ("inputs", "state")):
        raise ValueError(
            f"{path} does not compute in float32, or takes tokens as integers. A page "
            "needs a model that takes one-hot vectors in float32"
        )
    width, maps = step["state"].shape[2:]
    return {
        **inputs_and_outputs(card, spec, step["inputs"]),
        "view": "neural_gpu",
        "sizes": [some(maps, "map"), *([f"a width of {width}"] if width > 1 else [])],
        "width": width,
        "maps": maps,
    }
