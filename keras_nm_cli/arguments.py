"""Arguments that several commands take, and what they name."""

import argparse
import ast
import math
from pathlib import Path


def integer(minimum, maximum=None):
    """Returns the type of an argument that is an integer within limits."""

    def read(text):
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < minimum:
            raise argparse.ArgumentTypeError(
                f"expected an integer of at least {minimum}, received {text!r}"
            )
        if maximum is not None and value > maximum:
            raise argparse.ArgumentTypeError(
                f"expected an integer of at most {maximum}, received {text!r}"
            )
        return value

    return read


def positive(text):
    """The type of an argument that is a positive number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a positive number, received {text!r}")
    return value


def add_task(parser):
    """Adds the argument for the name of a task that has recipes."""
    parser.add_argument(
        "task",
        metavar="TASK",
        help="such as ntm/copy; the error for an unknown name lists all",
    )


def add_run_directory(parser):
    """Adds the argument for a run directory."""
    parser.add_argument(
        "directory",
        type=Path,
        metavar="DIR",
        help="a run directory, made by `keras-nm train`",
    )


def add_lengths(parser):
    """Adds the option for the lengths of the examples to measure on."""
    parser.add_argument(
        "--lengths",
        type=integer(1),
        nargs="+",
        metavar="N",
        help="lengths to measure at (default: the task's own, within and beyond the "
        "lengths of the paper's training)",
    )


def add_memory_size(parser, use):
    """Adds the option for another memory size with the same weights."""
    parser.add_argument(
        "--memory-size",
        "--locations",
        type=integer(1),
        metavar="N",
        help=f"{use} the same weights with another memory size, such as N locations",
    )


def add_task_options(parser):
    """Adds the option for a task that differs from that of training."""
    parser.add_argument(
        "--task-options",
        type=_task_option,
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="settings of the task that differ from training, such as min_repeats=15 "
        "max_repeats=15, operands=powers or loss_on_padding=False",
    )


def _task_option(text):
    name, separator, value = text.partition("=")
    if not (separator and name.isidentifier()):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, received {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value  # a word, such as powers


def run_of(options):
    """Loads the run that is named, with the given memory size."""
    from keras_nm.runs.run import load_run

    run = load_run(options.directory)
    return run if options.memory_size is None else run.with_memory_size(options.memory_size)


def task_options_of(options, run):
    """Returns the given options of the task in a dict.

    Raises a ValueError if the task or the run's model does not take them.
    """
    from keras_nm.runs.evaluation import task_with

    task_options = dict(options.task_options)
    # A name such as length would be taken for another argument of what is called with them.
    task_with(run.recipe, task_options)
    return task_options


def lengths_of(options, task):
    """Returns the given lengths, or the task's own."""
    from keras_nm.tasks import TASKS

    return options.lengths or list(TASKS[task].lengths)


def recipes_of(task):
    """Returns a task's recipes by name, or raises an error that lists the tasks."""
    from keras_nm.recipes import RECIPES

    if task not in RECIPES:
        raise ValueError(
            f"The task must be one of {', '.join(sorted(RECIPES))}. Received: {task}"
        )
    return RECIPES[task]


def recipe_of(task, name):
    """Returns a task's recipe by its name, or raises an error that lists the names."""
    recipes = recipes_of(task)
    if name not in recipes:
        raise ValueError(
            f"The layer for {task} must be one of {', '.join(sorted(recipes))}. "
            f"Received: {name}"
        )
    return recipes[name]
