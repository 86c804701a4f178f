"""Trains layers on tasks of the Chomsky hierarchy and writes tables of their scores.

    python benchmarks/chomsky.py --output runs/chomsky

After an interruption it goes on where it was. Two processes with the same output share the
work. With `--table` it only prints the tables of the same layers and seeds.

The published scores are maxima over seeds, learning rates and other settings, after a
million training steps (Delétang et al. 2023, table 2 and appendix B).
"""

import argparse
import itertools
import json
import statistics
from pathlib import Path

import tensorflow as tf

from keras_nm.files import write_text
from keras_nm.tasks import TASKS, guess_accuracy
from keras_nm.training import RECIPES, RunError, evaluate_range, train_or_resume

# Regular, context-free, and context-sensitive languages.
TASK_NAMES = (
    "even_pairs",
    "parity_check",
    "cycle_navigation",
    "modular_arithmetic",
    "stack_manipulation",
    "reverse_string",
    "modular_arithmetic_brackets",
    "solve_equation",
    "duplicate_string",
    "missing_duplicate_string",
    "odds_first",
    "binary_addition",
    "binary_multiplication",
    "compute_sqrt",
    "bucket_sort",
)
LAYERS = ("stack-rnn", "lstm", "ntm-feedforward", "tape-rnn", "ntm", "dnc")
SEEDS = range(3)
# Every tenth length that the benchmark tests, and enough memory for the longest.
LENGTHS = range(41, 501, 10)
MEMORY_SIZE = 512
# Links between all pairs of 512 locations take a minute per length.
FEWER_LENGTHS = {"dnc": range(41, 501, 50)}

# What a table of the paper or a summary of it says, in percent.
PUBLISHED = {
    "modular_arithmetic": {"stack-rnn": 100, "tape-rnn": 100, "lstm": 100},
    "parity_check": {"stack-rnn": 100, "tape-rnn": 100, "lstm": 100},
    "stack_manipulation": {"stack-rnn": 100, "tape-rnn": 100, "lstm": 59.1},
    "reverse_string": {"stack-rnn": 100, "tape-rnn": 100, "lstm": 60.9},
    "duplicate_string": {"stack-rnn": 52.8, "tape-rnn": 100, "lstm": 57.6},
    "missing_duplicate_string": {"tape-rnn": 100},
    "odds_first": {"stack-rnn": 51.9, "tape-rnn": 100, "lstm": 55.6},
    "binary_addition": {"tape-rnn": 100},
}


def measure(task, layer, seed, output):
    """Trains one machine, unless its results are there, and writes its results."""
    results = output / task / f"{layer}-{seed}.json"
    if results.exists():
        return
    directory = output / task / f"{layer}-{seed}"
    recipe = RECIPES[f"chomsky/{task}"][layer]
    try:
        run = train_or_resume(recipe, directory, seed, verbose=0)
    except RunError as error:  # another process has it
        print(error)
        return
    # At the training lengths, the memory is that of training.
    trained = evaluate_range(run, range(1, 41))
    if recipe.machine.memory_size is not None:
        run = run.with_memory_size(MEMORY_SIZE)
    longer = evaluate_range(run, FEWER_LENGTHS.get(layer, LENGTHS))
    text = json.dumps({"1:40": trained, "41:500": longer}, indent=2) + "\n"
    write_text(results, text)
    print(task, layer, seed, f"{accuracy(trained):.1f} {accuracy(longer):.1f}", flush=True)


def accuracy(result):
    """Returns the share of right tokens in percent."""
    return 100 * (1 - result["wrong_tokens"])


def whole_answers(result):
    """Returns the share of answers without a wrong token in percent."""
    return 100 * result["exact_answers"]


def guess(task):
    """Returns the accuracy of the best constant answers, averaged as that of machines."""
    task = TASKS[f"chomsky/{task}"].make()
    accuracies = [guess_accuracy(task, length, num_batches=8) for length in LENGTHS]
    return 100 * statistics.mean(accuracies)


def tables(options):
    """Prints the scores at lengths 41 to 500 as Markdown: of tokens, of whole answers."""
    layers = options.layers
    for score in (accuracy, whole_answers):
        beside = ["guess"] if score is accuracy else []
        print("\n| task |", " | ".join([*beside, *layers]), "|")
        print("|---|" + "--:|" * len(beside) + "---|" * len(layers))
        for task in options.tasks:
            cells = [f"{guess(task):.1f}"] if score is accuracy else []
            for layer in layers:
                cell = scores_of(options.output / task, layer, options.seeds, score)
                if score is accuracy and layer in PUBLISHED.get(task, {}):
                    cell += f" paper {PUBLISHED[task][layer]}"
                cells.append(cell)
            print(f"| `{task}` |", " | ".join(cells), "|")


def scores_of(directory, layer, seeds, score):
    """Returns the best score of a layer's seeds, and all of them in order."""
    paths = [directory / f"{layer}-{seed}.json" for seed in seeds]
    # Those that are measured so far.
    results = [json.loads(path.read_text())["41:500"] for path in paths if path.exists()]
    scores = sorted(map(score, results))
    each = ", ".join(f"{score:.1f}" for score in scores)
    return f"**{scores[-1]:.1f}** ({each})" if scores else ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("runs/chomsky"))
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--tasks", nargs="+", default=TASK_NAMES, choices=TASK_NAMES)
    parser.add_argument("--layers", nargs="+", default=LAYERS, choices=LAYERS)
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    options = parser.parse_args()
    if options.table:
        tables(options)
    else:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        work = itertools.product(options.seeds, options.layers, options.tasks)
        for seed, name, task in work:
            measure(task, name, seed, options.output)
