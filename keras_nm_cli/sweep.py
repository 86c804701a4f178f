"""`keras-nm sweep`: trains a task from many seeds, in parallel."""

import dataclasses
import math
from pathlib import Path

from keras_nm_cli.arguments import (
    add_lengths,
    add_memory_size,
    add_task,
    integer,
    lengths_of,
    positive,
    recipe_of,
    recipes_of,
)
from keras_nm_cli.notices import notices_held_back


def add_command(commands):
    parser = commands.add_parser(
        "sweep",
        help="train a task from many seeds, in parallel",
        description="Trains a task by its recipes from several seeds, in parallel "
        "processes, each run in DIR/LAYER-SEED, and measures the trained models. At the "
        "end, it writes the table of all runs of the task in DIR to DIR/table.md and, if "
        "matplotlib is installed, the charts to DIR/curves.png and DIR/lengths.png. If it "
        "is interrupted, run it again.",
    )
    add_task(parser)
    parser.add_argument(
        "--layer",
        nargs="+",
        dest="layers",
        metavar="LAYER",
        help="the names of some of the task's recipes, such as ntm (default: all); the "
        "error for an unknown name lists all",
    )
    parser.add_argument(
        "--seeds",
        type=integer(1),
        default=5,
        metavar="N",
        help="number of seeds (default: %(default)s)",
    )
    parser.add_argument(
        "--first-seed",
        type=integer(0),
        default=0,
        metavar="N",
        help="the first seed (default: %(default)s). To search for settings, take others "
        "than those that you will report",
    )
    parser.add_argument(
        "--jobs",
        type=integer(1),
        default=2,
        metavar="N",
        help="number of processes at a time (default: %(default)s)",
    )
    parser.add_argument(
        "--replicas",
        type=integer(1),
        default=1,
        metavar="N",
        help="number of seeds that a process trains at once, in one program, for tasks of "
        "the random-access machine (default: %(default)s)",
    )
    parser.add_argument(
        "--give-up",
        nargs=2,
        type=positive,
        metavar=("ABOVE", "EXAMPLES"),
        help="for searches: stop a run after so many EXAMPLES, at the next validation, if "
        "the number that decides whether it is solved, such as bits per sequence, was "
        "never below ABOVE",
    )
    add_lengths(parser)
    add_memory_size(parser, use="measure")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="the directory of all runs",
    )
    parser.set_defaults(run=run)


def run(options):
    from keras_nm.runs.report import write_report
    from keras_nm.runs.sweep import read_rows, sweep

    names = options.layers or list(recipes_of(options.task))
    recipes = {name: recipe_of(options.task, name) for name in names}
    if options.memory_size is not None:
        if not any(recipe.machine.memory_size for recipe in recipes.values()):
            raise ValueError(
                f"no memory of {', '.join(recipes)} has a size that can be changed. Leave "
                "--memory-size out"
            )
        recipes = {
            # A baseline may have no memory.
            name: dataclasses.replace(recipe, memory_size=options.memory_size)
            if recipe.machine.memory_size
            else recipe
            for name, recipe in recipes.items()
        }
    if options.give_up is not None:
        above, examples = options.give_up
        rule = {"above": above, "examples": math.ceil(examples)}
        recipes = {
            name: dataclasses.replace(recipe, give_up=rule)
            for name, recipe in recipes.items()
        }
    lengths = lengths_of(options, options.task)
    num_done, errors = 0, {}
    runs = sweep(
        recipes,
        range(options.first_seed, options.first_seed + options.seeds),
        options.output,
        lengths,
        options.jobs,
        options.replicas,
    )
    with notices_held_back():  # every process has its own
        for num_done, (name, row) in enumerate(runs, start=1):
            if isinstance(row, Exception):
                errors[name] = row
            print(f"{num_done} of {len(recipes) * options.seeds}: {name}", flush=True)
    if num_done > len(errors):
        rows = read_rows(options.output, options.task, lengths)
        print(write_report(rows, options.task, options.output), end="")
    if errors:
        name, error = next(iter(errors.items()))
        raise ValueError(
            f"{len(errors)} of {num_done} runs failed; run the sweep again to continue "
            f"them. {name}: {type(error).__name__}: {error}"
        )
