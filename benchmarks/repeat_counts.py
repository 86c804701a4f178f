"""Trains Turing machines on repeat copy with the count given in several ways.

    python benchmarks/repeat_counts.py --output runs/repeat_counts

Each line changes how the input gives the count, or the largest count. The last table has
the wrong bits with 10 vectors and larger counts, one row per machine. If it is interrupted,
run it again.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import dataclasses
from pathlib import Path

import variants

from keras_nm.training import RECIPES, evaluate, load_run

NUM_VECTORS = 10
COUNTS = (10, 12, 15, 20, 30)


def lines(recipe):
    """The recipe's variants by name."""

    def changed(**options):
        options = {**recipe.task_options, **options}
        return dataclasses.replace(recipe, task_options=options)

    return {
        "number": recipe,
        "vector": changed(count_code="vector"),
        "marks": changed(count_code="marks"),
        "number, to 20": changed(max_repeats=20),
        "marks, to 20": changed(count_code="marks", max_repeats=20),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layer", choices=["ntm", "ntm-feedforward"], default="ntm")
    names = list(lines(RECIPES["ntm/repeat_copy"]["ntm"]))
    parser.add_argument("--lines", nargs="+", choices=names, default=names)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("runs/repeat_counts"))
    options = parser.parse_args()
    recipes = lines(RECIPES["ntm/repeat_copy"][options.layer])
    recipes = {name: recipes[name] for name in options.lines}
    variants.train(recipes, options, [NUM_VECTORS])
    print("| line | seed |", " | ".join(f"{count} times" for count in COUNTS), "|")
    print("|---|--:|" + "--:|" * len(COUNTS))
    for name in recipes:
        for seed in range(options.seeds):
            run = load_run(options.output / f"{name}-{seed}")
            wrong = (
                evaluate(run, NUM_VECTORS, min_repeats=count, max_repeats=count)
                for count in COUNTS
            )
            cells = (f"{result['wrong_bits_per_sequence']:.2f}" for result in wrong)
            print(f"| {name} | {seed} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
