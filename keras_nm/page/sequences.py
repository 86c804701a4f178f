"""Describes any exported machine from sequences to sequences for a page."""

import numpy as np
import tensorflow as tf

from keras_nm.machines import MACHINES

# The lengths of the examples that a page offers.
_LENGTHS = (2, 4, 6)


def describe(path, card, model, spec):
    """Describes a model for the view of sequences.

    Args:
        path: `pathlib.Path` of the exported version.
        card: Dict, its card.
        model: The loaded SavedModel, with the endpoints of `keras_nm.export.recurrent`.
        spec: The task's row in `keras_nm.tasks.TASKS`, or `None` if there is no task.

    Returns:
        A dict that can be written as JSON. `"view"` names the view in the page's scripts.
        `"sizes"` holds the sizes of the machine in words. The rest is for the view.

    Raises:
        ValueError: For a model that does not compute in float32.
    """
    step = model.signatures["step"].structured_input_signature[1]
    if any(tensor.dtype != tf.float32 for tensor in step.values()):
        raise ValueError(f"{path} does not compute in float32, which a page needs")
    states = model.signatures["initial_state"](batch_size=tf.constant(1))
    return {
        **inputs_and_outputs(card, spec, step["inputs"]),
        "view": "sequences",
        "sizes": [],
        "initial_state": {
            name: states[name].numpy()[0].tolist() for name in sorted(states)
        },
    }


def inputs_and_outputs(card, spec, inputs):
    """Describes what goes into a machine from sequences to sequences, and comes out.

    Args:
        card: As for `describe`.
        spec: As for `describe`.
        inputs: The `tf.TensorSpec` of the inputs.

    Returns:
        A part of the dict that `describe` returns.
    """
    typed = "matrix" if spec is None else spec.typed
    return {
        "features": inputs.shape[-1],
        "answers_tokens": _answers_tokens(spec),
        "activation": _activation(card, spec),
        "typed": typed,
        "num_bits": task_of(card, spec).num_bits if typed == "vectors" else None,
        "examples": examples_of(card, spec),
    }


def _activation(card, spec):
    """Returns the name of what makes probabilities of the outputs, or `None`."""
    layer = card["layer"]
    # Outputs of a layer that follows the machine are logits.
    gives_answers = MACHINES[layer["class_name"]].gives_answers
    if gives_answers and layer.get("activation") in ("sigmoid", "softmax"):
        return None
    return "sigmoid" if spec is None else spec.activation


def _answers_tokens(spec):
    """Says whether an answer is one class per step, and not bits."""
    return spec is not None and np.issubdtype(spec.y.dtype, np.integer)


def some(number, word):
    """Returns a number and a word, in the singular or plural."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def task_of(card, spec, **changes):
    """Makes the task of a card, with other options if any are given."""
    return spec.make(**{**card.get("task_options", {}), **changes})


def examples_of(card, spec):
    """Returns short examples of a task of sequences, as people would type them."""
    if spec is None:
        return []
    task = task_of(card, spec)
    examples = []
    for length in short_lengths(task):
        data = task.evaluation_set(length, batch_size=1, num_batches=1)
        arrays = (array.numpy()[0] for array in next(iter(data)))
        x, y, weight = task.unpadded(list(arrays))
        if _answers_tokens(spec):
            y = np.eye(task.output_size, dtype=int)[y]
        examples.append(
            {
                "name": f"{length} {spec.length}",
                "inputs": [[round(float(v), 4) for v in row] for row in x],
                "answer": y.tolist(),
                "counts": weight.tolist(),
            }
        )
    return examples


def short_lengths(task):
    """Returns lengths of the task that fit on a screen, or else its smallest length."""
    smallest, step = task.smallest_length, task.length_step
    above = [max(-(-(length - smallest) // step), 0) for length in _LENGTHS]
    lengths = dict.fromkeys(smallest + steps * step for steps in above)
    own = range(task.min_length, task.max_length + 1)
    return [length for length in lengths if length in own] or [task.min_length]
