"""Draws runs: what a trained machine does, how it learned, and how well it generalizes."""

import dataclasses

import keras
import numpy as np

from keras_nm import plots
from keras_nm.arguments import check_integer
from keras_nm.runs.directory import RunError
from keras_nm.runs.evaluation import evaluate, task_with, with_changes
from keras_nm.runs.recipe import labels_of


def picture(run, length=None, example=0, **task_options):
    """Draws what a run's machine does with an example of the test split.

    Args:
        run: A `Run`.
        length: Positive integer, the example's length. Defaults to the longest in training.
        example: Non-negative integer, the example's index.
        **task_options: Arguments of the task that differ from training, as for `evaluate`.

    Returns:
        A `matplotlib.figure.Figure`, see `keras_nm.plots.machine_picture`.

    Raises:
        ValueError: As for `evaluate`.
    """
    run, inputs = _with_example(run, length, example, task_options)
    return _draw(run, inputs, _trace(run, inputs))


def time_frames(run, length=None, example=0, **task_options):
    """Draws what a run's machine does, step by step.

    Args:
        run: As for `picture`.
        length: As for `picture`.
        example: As for `picture`.
        **task_options: As for `picture`.

    Yields:
        Figures, for `keras_nm.plots.write_animation`.

    Raises:
        ValueError: As for `evaluate`.
    """
    run, inputs = _with_example(run, length, example, task_options)
    trace = _trace(run, inputs)
    for time in range(plots.num_frames(run.layer, trace)):
        yield _draw(run, inputs, trace, time)


def training_frames(run, length=None, example=0, **task_options):
    """Draws what a run's machine does with the weights of each checkpoint.

    Args:
        run: As for `picture`.
        length: As for `picture`.
        example: As for `picture`.
        **task_options: As for `picture`.

    Yields:
        Figures, for `keras_nm.plots.write_animation`. The last is of the run's own weights.

    Raises:
        ValueError: As for `evaluate`.
        RunError: If there are no checkpoints, or one is damaged.
    """
    checkpoints = run.checkpoints()
    if not checkpoints:
        raise RunError(
            f"The run in {run.directory} has no checkpoints: it was too short, or they "
            "were deleted"
        )
    run, inputs = _with_example(run, length, example, task_options)
    # A copy, so that the run's own model stays unchanged.
    model = keras.models.clone_model(run.model)
    moments = dataclasses.replace(run, model=model)
    for num_examples, path in checkpoints.items():
        try:
            model.load_weights(path)
        except Exception as error:  # any error that Keras meets in a damaged file
            raise RunError(
                f"{path} is damaged ({type(error).__name__}). Delete it to animate the "
                "others"
            ) from error
        yield _draw_moment(moments, inputs, num_examples)
    if run.num_examples not in checkpoints:
        yield _draw_moment(run, inputs, run.num_examples)


def answers(run, lengths):
    """Draws answers of several lengths beside the right answers.

    Args:
        run: A `Run` of a task on sequences.
        lengths: Positive integers.

    Returns:
        A `matplotlib.figure.Figure`: `keras_nm.plots.answer_strips`.

    Raises:
        ValueError: For a run of a task whose answers are not bits.
    """
    if run.recipe.spec.activation != "sigmoid":
        raise ValueError(
            "Strips show the bits of sequences. This is a run of "
            f"{run.recipe.task}: draw what its machine does instead"
        )
    by_length = {}
    for length in lengths:
        x, y, sample_weight = next(iter(run.task.evaluation_set(length, batch_size=1)))
        steps = np.asarray(sample_weight[0]) > 0
        probabilities = np.asarray(keras.activations.sigmoid(run.model(x)[0]))
        by_length[length] = (np.asarray(y[0])[steps], probabilities[steps])
    return plots.answer_strips(by_length)


def curves(runs):
    """Draws the learning curves of runs of one task.

    Args:
        runs: List of `Run`. Runs of one recipe differ in their seeds.

    Returns:
        A `matplotlib.figure.Figure`: `keras_nm.plots.learning_curves`.

    Raises:
        RunError: For runs of several tasks.
    """
    groups = _by_recipe(runs)
    spec = runs[0].recipe.spec
    return plots.learning_curves(
        {
            label: [run.curve(f"val_{spec.goal.name}") for run in group]
            for label, group in groups.items()
        },
        measure=spec.goal.words,
        solved_below=spec.goal.solved_below,
        examples=spec.examples,
    )


def generalization(runs, lengths):
    """Draws how wrong the answers of one task's runs are at given lengths.

    Args:
        runs: As for `curves`.
        lengths: Positive integers.

    Returns:
        A `matplotlib.figure.Figure`: `keras_nm.plots.generalization_chart`.

    Raises:
        RunError: For runs of several tasks.
    """
    groups = _by_recipe(runs)
    task, spec = runs[0].task, runs[0].recipe.spec
    measure = spec.compared[0]
    results = {
        label: {
            length: [measure.of(evaluate(run, length)) for run in group]
            for length in lengths
        }
        for label, group in groups.items()
    }
    return plots.generalization_chart(
        results,
        trained=(task.min_length, task.max_length),
        measure=measure.words,
        length=f"length in {spec.length}",
        perfect=measure.perfect,
    )


def _with_example(run, length, example, task_options):
    """Returns a run whose machine can take an example of the test split, and the example.

    The example is a batch by itself.
    """
    task = task_with(run.recipe, task_options)
    length = task.max_length if length is None else check_integer("length", length)
    check_integer("example", example, minimum=0)
    task = task.with_room_for(length, length)
    data = task.evaluation_set(length, batch_size=1, num_batches=1, start=example)
    return with_changes(run, task), np.asarray(next(iter(data))[0])


def _trace(run, inputs):
    if not hasattr(run.layer, "trace"):
        raise RunError(
            "Pictures show what a machine does with its memory. The layer of the run in "
            f"{run.directory} is {run.recipe.machine.words}, which has no `trace`"
        )
    return run.layer.trace(inputs)


def _draw(run, inputs, trace, time=None):
    activation = run.recipe.spec.activation
    return plots.machine_picture(run.layer, trace, inputs, time=time, activation=activation)


def _draw_moment(run, inputs, num_examples):
    figure = _draw(run, inputs, _trace(run, inputs))
    text = f"after {num_examples:,} examples"
    figure.text(0.995, 0.995, text, ha="right", va="top", fontsize=9, color="#0072B2")
    return figure


def _by_recipe(runs):
    """Groups runs in lists, by the names of their recipes."""
    tasks = sorted({run.recipe.task for run in runs})
    if len(tasks) != 1:
        raise RunError(f"A chart has runs of one task. These are of {', '.join(tasks)}")
    groups = {}
    labels = labels_of((_name(run.recipe), run.recipe) for run in runs)
    for label, run in zip(labels, runs, strict=True):
        groups.setdefault(label, []).append(run)
    return groups


def _name(recipe):
    if recipe.name:
        return recipe.name
    controller = recipe.layer["config"].get("controller") or {}
    names = [recipe.layer["class_name"], controller.get("class_name")]
    return ", ".join(name for name in names if name)
