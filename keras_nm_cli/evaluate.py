"""`keras-nm evaluate`: measures a trained model at given lengths."""

import argparse
import sys

from keras_nm_cli.arguments import (
    add_memory_size,
    add_run_directory,
    add_task_options,
    integer,
    lengths_of,
    run_of,
    task_options_of,
)
from keras_nm_cli.output import print_table


def add_command(commands):
    parser = commands.add_parser(
        "evaluate",
        help="measure a trained model at given lengths",
        description="Measures the model in DIR on held-out examples.",
    )
    add_run_directory(parser)
    parser.add_argument(
        "--lengths",
        type=_length_or_range,
        nargs="+",
        metavar="N",
        help="lengths to measure at, or ranges such as 41:500 for the mean over these "
        "lengths (default: the task's own, within and beyond the lengths of the paper's "
        "training)",
    )
    # Sequences that are longer than the memory need it.
    add_memory_size(parser, use="run")
    add_task_options(parser)
    parser.add_argument(
        "--structured",
        action="store_true",
        help="measure instead on cases that hardly ever occur at random: equal, sorted, "
        "reversed and highest data, the shortest and the longest examples",
    )
    parser.set_defaults(run=run)


def run(options):
    from keras_nm.runs.evaluation import evaluate_structured

    run = run_of(options)
    if options.structured:
        if options.lengths or options.task_options:
            raise ValueError("use --structured without --lengths and --task-options")
        print_table("case", evaluate_structured(run).items())
        return
    lengths = lengths_of(options, run.recipe.task)
    if (name := run.recipe.machine.memory_size) is not None:
        longest = max(x[-1] if isinstance(x, range) else x for x in lengths)
        _warn_of_small_memory(longest, getattr(run.layer.cell, name), name)
    task_options = task_options_of(options, run)
    print_table("length", (_measured(run, length, task_options) for length in lengths))


def _measured(run, length, task_options):
    from keras_nm.runs.evaluation import evaluate, evaluate_range

    if isinstance(length, range):
        name = f"{length[0]}:{length[-1]}"
        return name, evaluate_range(run, length, **task_options)
    return length, evaluate(run, length, **task_options)


def _warn_of_small_memory(length, memory_size, name):
    if length > memory_size:
        words = name.replace("num_", "number of ").replace("_", " ")
        print(
            f"keras-nm: note: the memory's {words} is {memory_size}. If length {length} "
            "takes more, use --memory-size N",
            file=sys.stderr,
        )


def _length_or_range(text):
    first, separator, last = text.partition(":")
    if not separator:
        return integer(1)(text)
    lengths = range(integer(1)(first), integer(1)(last) + 1)
    if not lengths:
        raise argparse.ArgumentTypeError(
            f"expected a range such as 41:500, received {text}"
        )
    return lengths
