"""Measures the models of runs."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from keras_nm.layers import NRAM
from keras_nm.tasks import TASKS
from keras_nm.tasks.ntm import SequenceTask
from keras_nm.training.tapes import DiscreteMachine

# By metric: what it measures, with its unit.
MEASURES = {
    "bits_per_sequence": "bits per sequence",
    "wrong_bits_per_sequence": "wrong bits per sequence",
    "wrong_cells": "share of wrong answer cells",
    "discrete_wrong_cells": "share of wrong answer cells of the discrete machine",
}

# By a task's first metric: below what the task counts as solved in the field.
SOLVED_BELOW = {"bits_per_sequence": 0.05, "wrong_cells": 1e-6}

# The examples that a model is measured on, at every length.
_BATCH_SIZE, _NUM_BATCHES = 64, 2
_NUM_TAPES = 32  # for each of many machines, whose work grows with the size cubed


def evaluate(run, length, **task_options):
    """Measures a model on examples of one length, from the test split.

    An `NRAM` gets as many more steps than in training as the task's program needs more, and
    as many cells to spare. It is measured as it is, and as the discrete machine that makes
    its choices by argmax.

    Args:
        run: A `Run`.
        length: Positive integer.
        **task_options: Arguments of the task that are not as in training, such as
            `min_repeats=15, max_repeats=15`.

    Returns:
        A dict of the task's metrics, such as `"bits_per_sequence"`, and `"examples"`, the
        number of examples; for an `NRAM` also of `"discrete_wrong_cells"` and
        `"num_steps"`.

    Raises:
        ValueError: For options that the task does not have, and those under which the
            model does not fit it.
    """
    return evaluate_runs([run], length, **task_options)[0]


def evaluate_runs(runs, length, **task_options):
    """Measures the models of several runs of one recipe: `NRAM`s all at once.

    Args:
        runs: List of `Run`s of one recipe.
        length: As in `evaluate`.
        **task_options: As in `evaluate`.

    Returns:
        A list of dicts, see `evaluate`.

    Raises:
        ValueError: As `evaluate`.
    """
    trained, recipe = runs[0].task, runs[0].recipe
    if any(run.recipe.to_json() != recipe.to_json() for run in runs):
        raise ValueError("Runs that are measured together must be of one recipe")
    try:
        task = dataclasses.replace(trained, **task_options)
    except TypeError:
        options = [option.name for option in dataclasses.fields(trained)]
        raise ValueError(
            f"{recipe.task} has the options {', '.join(options)}. "
            f"Received: {', '.join(task_options)}"
        ) from None
    if not isinstance(task, SequenceTask):
        task = task.with_room_for(length, length)
        data = task.evaluation_set(batch_size=_NUM_TAPES, num_batches=1)
        results = _measure_machines(runs, task, data)
        return [{**result, "examples": _NUM_TAPES} for result in results]
    data = task.evaluation_set(length, _BATCH_SIZE, _NUM_BATCHES)
    examples = {"examples": _BATCH_SIZE * _NUM_BATCHES}
    sizes, fitting = ((each.input_size, each.output_size) for each in (task, trained))
    if sizes != fitting:
        raise ValueError(
            f"The model takes inputs and gives outputs of the sizes {fitting}. With "
            f"these task options they have the sizes {sizes}"
        )
    return [{**measure(run.model, data), **examples} for run in runs]


def _measure_machines(runs, task, data):
    """Measures `NRAM`s, as replicas of one layer."""
    machines = [run.model.get_layer("machine") for run in runs]
    more = task.num_steps - runs[0].task.num_steps
    num_steps = max(machines[0].num_steps + more, 1)
    layer = NRAM.from_config(
        {
            **machines[0].get_config(),
            "num_steps": num_steps,
            "num_replicas": len(runs),
        }
    )
    tape = keras.Input((None,), dtype="int32")
    model = keras.Model(tape, layer(tape))
    for index, machine in enumerate(machines):
        layer.assign_replica(index, machine)
    arguments = TASKS[runs[0].recipe.task].compile_arguments(task, len(runs))
    model.compile(**arguments, jit_compile=True)
    data = repeated(data, len(runs)).cache()
    results = measure(model, data)
    results["discrete_wrong_cells"] = DiscreteMachine(layer).error(data)
    return [
        {
            # Keras makes a number of what is one.
            **{name: float(np.atleast_1d(x)[index]) for name, x in results.items()},
            "num_steps": num_steps,
        }
        for index in range(len(runs))
    ]


def repeated(data, times):
    """Every batch of a dataset, so many times as one batch: the same for all replicas."""

    def repeat(*arrays):
        return tuple(tf.concat([array] * times, axis=0) for array in arrays)

    return data.map(repeat)


def comparisons(metrics):
    """Chooses what models of a task are compared by at all lengths.

    Args:
        metrics: Names of the task's metrics.

    Returns:
        A list of: words for it, a function from what `evaluate` gives to a number, and
        words for a model where that is 0, or `None` if no model can be so good.
    """
    if "optimal_bits_per_sequence" in metrics:  # no model can do without wrong bits
        return [
            (
                "bits per sequence above the optimum",
                lambda result: (
                    result["bits_per_sequence"] - result["optimal_bits_per_sequence"]
                ),
                None,
            )
        ]
    faultless = {"discrete_wrong_cells": "with a faultless discrete machine"}
    return [
        (
            MEASURES[name],
            lambda result, name=name: result[name],
            faultless.get(name, "with none wrong"),
        )
        for name in metrics
        if name.startswith(("wrong", "discrete"))
    ]


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
    also = {}
    if getattr(machine, "register_loss", None) is not None:
        also["also_trained_on"] = "the registers of a program after each of its steps"
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
        **also,
        "versions": run.versions,
        "results": results,
    }


def measure(model, data):
    """Evaluates a model: gives a dict of its metrics."""
    result = model.evaluate(data, verbose=0, return_dict=True)
    del result["loss"]  # the same as a metric, or a sum that depends on the length
    return result
