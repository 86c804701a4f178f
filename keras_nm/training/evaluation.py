"""Measures the models of runs."""

import dataclasses

from keras_nm.layers import NRAM
from keras_nm.tasks import TASKS
from keras_nm.tasks.ntm import SequenceTask

# By metric: what it measures, with its unit.
MEASURES = {
    "bits_per_sequence": "bits per sequence",
    "wrong_bits_per_sequence": "wrong bits per sequence",
    "wrong_cells": "share of wrong answer cells",
}

# By a task's first metric: below what the task counts as solved in the field.
SOLVED_BELOW = {"bits_per_sequence": 0.05}

# The examples that a model is measured on, at every length.
_BATCH_SIZE, _NUM_BATCHES = 64, 2


def evaluate(run, length, **task_options):
    """Measures a model on examples of one length, from the test split.

    Args:
        run: A `Run`.
        length: Positive integer.
        **task_options: Arguments of the task that are not as in training, such as
            `min_repeats=15, max_repeats=15`.

    Returns:
        A dict of the task's metrics, such as `"bits_per_sequence"`, and `"examples"`, the
        number of examples.

    Raises:
        ValueError: For options that the task does not have, and those under which the
            model does not fit it.
    """
    try:
        task = dataclasses.replace(run.task, **task_options)
    except TypeError:
        options = [option.name for option in dataclasses.fields(run.task)]
        raise ValueError(
            f"{run.recipe.task} has the options {', '.join(options)}. "
            f"Received: {', '.join(task_options)}"
        ) from None
    if isinstance(task, SequenceTask):
        sizes, trained = ((each.input_size, each.output_size) for each in (task, run.task))
        if sizes != trained:
            raise ValueError(
                f"The model takes inputs and gives outputs of the sizes {trained}. With "
                f"these task options they have the sizes {sizes}"
            )
    data = task.evaluation_set(length, _BATCH_SIZE, _NUM_BATCHES)
    return {**measure(run.model, data), "examples": _BATCH_SIZE * _NUM_BATCHES}


def comparison(metrics):
    """Chooses what models of a task are compared by at all lengths.

    Args:
        metrics: Names of the task's metrics.

    Returns:
        Words for it, a function from what `evaluate` gives to a number, and whether that
        number is 0 for a model that makes no mistake.
    """
    if "optimal_bits_per_sequence" in metrics:  # no model can do without wrong bits
        return (
            "bits per sequence above the optimum",
            lambda result: (
                result["bits_per_sequence"] - result["optimal_bits_per_sequence"]
            ),
            False,
        )
    name = next(name for name in metrics if name.startswith("wrong"))
    return MEASURES[name], lambda result: result[name], True


def evaluate_structured(run):
    """Measures a model on the cases that random examples hardly ever are.

    Args:
        run: A `Run`.

    Returns:
        A dict from the cases of `keras_nm.tasks.Task.structured_sets` to dicts as those
        of `evaluate`.
    """
    return {
        name: {**measure(run.model, data), "examples": _BATCH_SIZE}
        for name, data in run.task.structured_sets(_BATCH_SIZE).items()
    }


def describe(run, lengths):
    """Describes a run and measures its model, for a model card.

    Args:
        run: A `Run`.
        lengths: Positive integers, the lengths of the examples to measure on.

    Returns:
        A dict that can be written as JSON, for `keras_nm.export.export`.
    """
    results = [{"length": length, **evaluate(run, length)} for length in lengths]
    spec, machine = TASKS[run.recipe.task], run.model.get_layer("machine")
    if isinstance(machine, NRAM):
        for result in results:
            result["num_steps"] = machine.num_steps
    return {
        "task": run.recipe.task,
        "task_options": dataclasses.asdict(run.task),
        "paper": f"{spec.paper.name}, section {spec.section}",
        "layer": {
            "class_name": type(machine).__name__,
            **{
                name: value
                for name, value in machine.get_config().items()
                if isinstance(value, int | float | str | list | tuple)
            },
        },
        "recipe": dataclasses.asdict(run.recipe),
        "seed": run.seed,
        "trained_on_examples": run.num_examples,
        "versions": run.versions,
        "results": results,
    }


def measure(model, data):
    """Evaluates a model: gives a dict of its metrics."""
    result = model.evaluate(data, verbose=0, return_dict=True)
    del result["loss"]  # the same as a metric, or a sum that depends on the length
    return result
