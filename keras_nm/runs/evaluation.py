"""Measures the models of runs."""

import dataclasses
import math

import keras
import numpy as np
import tensorflow as tf

from keras_nm.machines import MACHINES, machine_of, resolve


def evaluate(run, length, **task_options):
    """Measures a model on examples of one length, from the test split.

    A machine may need other arguments than in training: an `NRAM` gets as many additional
    steps, and spare cells, as the task's program needs.

    Args:
        run: A `Run`.
        length: Positive integer.
        **task_options: Arguments of the task that differ from training, such as
            `min_repeats=15, max_repeats=15`.

    Returns:
        A dict with the task's metrics, such as `"bits_per_sequence"`; the machine's
        measures, such as `"discrete_wrong_cells"`; the arguments that were changed, such
        as `"num_steps"`; and `"examples"`, the number of examples.

    Raises:
        ValueError: For options that the task does not have, for lengths among them, and
            for options under which the model does not fit the task.
    """
    return evaluate_runs([run], length, **task_options)[0]


def evaluate_runs(runs, length, **task_options):
    """Measures the models of several runs of one recipe, all replicas at once.

    Args:
        runs: List of `Run` objects of one recipe.
        length: As in `evaluate`.
        **task_options: As in `evaluate`.

    Returns:
        A list of dicts, see `evaluate`.

    Raises:
        ValueError: As for `evaluate`.
    """
    recipe = runs[0].recipe
    if any(run.recipe.to_json() != recipe.to_json() for run in runs):
        raise ValueError(
            "Runs that are measured together must have the same recipe. Measure runs of "
            "other recipes apart"
        )
    task = task_with(recipe, task_options, (length, length))
    changed = _changes(runs[0], task)
    batch_size, num_batches = task.evaluation_size
    data = task.evaluation_set(batch_size=batch_size, num_batches=num_batches)
    together = recipe.machine.has_replicas and len(runs) > 1
    measure_runs = _measure_replicas if together else _measure_each
    return [
        {**result, **changed, "examples": batch_size * num_batches}
        for result in measure_runs(runs, task, data, changed)
    ]


def task_with(recipe, task_options, lengths=None):
    """Returns a recipe's task with other options, for which the model still fits.

    Args:
        recipe: A `Recipe`.
        task_options: Dict, as for `evaluate`.
        lengths: Optional pair, the smallest and the largest length, which the task gets
            room for. Defaults to those of the recipe or the options.

    Returns:
        A `Task`.

    Raises:
        ValueError: As for `evaluate`.
    """
    trained = recipe.made_task
    if lengths is not None:
        if misplaced := {"min_length", "max_length"} & task_options.keys():
            raise ValueError(
                "Give the lengths to measure at as lengths, not among the task's options. "
                f"Received: {', '.join(sorted(misplaced))}"
            )
        trained = trained.with_room_for(*lengths)
    try:
        task = dataclasses.replace(trained, **task_options)
    except TypeError:
        options = [option.name for option in dataclasses.fields(trained)]
        raise ValueError(
            f"{recipe.task} has the options {', '.join(options)}. "
            f"Received: {', '.join(task_options)}"
        ) from None
    sizes, fitting = (_known_sizes(recipe.spec, each) for each in (task, trained))
    if sizes != fitting:
        raise ValueError(
            f"The model's inputs and outputs have the sizes {fitting}. With these task "
            f"options, examples have the sizes {sizes}. Choose options that keep the sizes"
        )
    return task


def with_changes(run, task):
    """Returns a run whose machine can take a task of other lengths, as `evaluate` does.

    Args:
        run: A `Run`.
        task: The `Task`.

    Returns:
        A `Run` with the same weights.
    """
    changed = _changes(run, task)
    return run.with_layer(_changed(run.layer, changed)) if changed else run


def _changes(run, task):
    """Returns the arguments of a run's layer that a task of other lengths takes."""
    recipe = run.recipe
    if recipe.machine.task_change is None:
        return {}
    return resolve(recipe.machine.task_change)(run.layer, recipe.made_task, task)


def evaluate_range(run, lengths, **task_options):
    """Measures a model at every length of a range, and averages over the lengths.

    Every length counts alike, however many tokens its answers have. This is how results on
    the benchmark of Delétang et al. (2023) are reported, for lengths 41 to 500. If a task
    has several `words`, the last one has the length, and those before have any length from
    the shortest of the range up to it.

    Args:
        run: A `Run`.
        lengths: A `range` of positive integers, such as `range(41, 501)`. Lengths that
            examples of the task cannot have are left out.
        **task_options: As in `evaluate`.

    Returns:
        A dict like that of `evaluate`, with means over the lengths. `"examples"` is the
        number of examples of all lengths together.

    Raises:
        ValueError: As for `evaluate`, and for a range without such lengths.
    """
    smallest, step = run.task.smallest_length, run.task.length_step
    given = lengths
    lengths = [n for n in given if n >= smallest and (n - smallest) % step == 0]
    if not lengths:
        raise ValueError(
            f"`lengths` must be a range with lengths that examples of {run.task.name} can "
            f"have: {smallest}, {smallest + step} and so on. Received: {given}"
        )
    if run.recipe.machine.task_change is not None or run.recipe.machine.measures:
        # Each length takes another machine, or another look at it.
        results = [evaluate(run, length, **task_options) for length in lengths]
    else:
        results = list(_measure_lengths(run, lengths, task_options))
    means = {
        name: float(np.mean([result[name] for result in results])) for name in results[0]
    }
    return {**means, "examples": sum(result["examples"] for result in results)}


def _measure_lengths(run, lengths, task_options):
    """Yields the results at each length, from one pipeline and compiled for few shapes."""
    task = task_with(run.recipe, task_options, (min(lengths), max(lengths)))
    # One batch per length, because Keras gives the results of each batch by itself.
    num_examples = math.prod(task.evaluation_size)
    level = tf.Variable(0)

    def draw_lengths(draws):
        return tf.fill((draws.batch_size, 1), level)

    data = task.dataset(num_examples, split="test", draw_lengths=draw_lengths)
    batches = data.as_numpy_iterator()  # not every backend takes TensorFlow's tensors
    for length in lengths:
        level.assign(length)
        result = run.model.test_on_batch(*next(batches), return_dict=True)
        result.pop("loss")
        yield {**result, "examples": num_examples}


def _known_sizes(spec, task):
    """Returns the sizes of inputs and answers that are the same for all examples."""
    sizes = (*spec.x.sizes(task), *spec.y.sizes(task))
    return tuple(size for size in sizes if size is not None)


def _measure_each(runs, task, data, changed):
    if changed:
        runs = [run.with_layer(_changed(run.layer, changed)) for run in runs]
    return [{**measure(run.model, data), **measure_layer(run.layer, data)} for run in runs]


def _measure_replicas(runs, task, data, changed):
    """Measures the layers of several runs as replicas of one."""
    recipe, layers = runs[0].recipe, [run.layer for run in runs]
    layer = _changed(layers[0], {**changed, "num_replicas": len(runs)})
    x = recipe.spec.x
    inputs = keras.Input(x.sizes(task), dtype=x.dtype)
    model = keras.Model(inputs, layer(inputs))
    for index, single in enumerate(layers):
        layer.assign_replica(index, single)
    arguments = recipe.spec.compile_arguments(task, len(runs))
    model.compile(**arguments, jit_compile=recipe.jit_compile)
    data = repeated(data, len(runs)).cache()
    results = {**measure(model, data), **measure_layer(layer, data)}
    return [
        # Keras returns a single value as a number and not as an array.
        {name: float(np.atleast_1d(x)[index]) for name, x in results.items()}
        for index in range(len(runs))
    ]


def _changed(layer, arguments):
    """Returns a layer like another one with other arguments."""
    return type(layer).from_config({**layer.get_config(), **arguments})


def repeated(data, times):
    """Repeats the examples of every batch, so that all replicas get the same ones."""

    def repeat(*arrays):
        return tuple(tf.concat([array] * times, axis=0) for array in arrays)

    return data.map(repeat)


def evaluate_structured(run):
    """Measures a model on structured cases, which random examples hardly ever contain.

    Args:
        run: A `Run`.

    Returns:
        A dict from the cases of `keras_nm.tasks.Task.structured_sets` to dicts like those
        of `evaluate`.
    """
    batch_size = 64
    return {
        name: {
            **measure(run.model, data),
            **measure_layer(run.layer, data),
            "examples": batch_size,
        }
        for name, data in run.task.structured_sets(batch_size).items()
    }


def measures_of(spec, results):
    """Returns the measures by which models of a task are compared.

    Args:
        spec: The task's row in `keras_nm.tasks.TASKS`.
        results: The dict that `evaluate` returned for one of the models.

    Returns:
        A list of `keras_nm.metrics.Measure`: those of the task, then those of machines.
    """
    known = [*spec.compared, *(each for row in MACHINES.values() for each in row.measures)]
    return [each for each in dict.fromkeys(known) if each.name in results]


def describe(run, lengths):
    """Describes a run and measures its model, for a model card.

    Args:
        run: A `Run`.
        lengths: Positive integers, the lengths of the examples to measure on.

    Returns:
        A dict that can be written as JSON, for `keras_nm.export.export`.
    """
    results = [{"length": length, **evaluate(run, length)} for length in lengths]
    spec, layer, machine = run.recipe.spec, run.layer, run.recipe.machine
    facts = {}
    if machine.task_facts is not None:
        facts = machine.function("task_facts")(layer, run.task)
    return {
        "task": run.recipe.task,
        "task_options": dataclasses.asdict(run.task),
        "paper": f"{spec.paper.name}, section {spec.section}",
        "layer": {
            "class_name": type(layer).__name__,
            **{
                name: value
                for name, value in layer.get_config().items()
                if isinstance(value, int | float | str | list | tuple)
            },
        },
        "recipe": dataclasses.asdict(run.recipe),
        "seed": run.seed,
        "trained_on_examples": run.num_examples,
        "versions": run.versions,
        **facts,
        "results": results,
    }


def measure(model, data):
    """Evaluates a model and returns a dict of its metrics."""
    result = model.evaluate(data, verbose=0, return_dict=True)
    del result["loss"]  # the same as a metric, or a sum that depends on the length
    return result


def measure_layer(layer, data):
    """Returns a dict of the measures in a machine's row, which no metric can take.

    In the models of runs, a layer's call has no argument but its input.
    """
    return {x.name: x.of_layer(layer, {})(data) for x in machine_of(layer).measures}
