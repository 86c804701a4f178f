"""Trains the copy recipes from several seeds and measures what they learned.

    python benchmarks/copy_seeds.py --seeds 5 --output runs/copy_seeds

Every seed from 0 on is trained and reported. Wrong bits are means over 128 sequences of
each length, from the test split, which plays no part in training or in stopping it.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import csv
import time
from pathlib import Path

from keras_nm.training import RECIPES, evaluate, train

LENGTHS = (10, 20, 30, 50, 120)
SOLVED = 0.05  # bits per sequence at length 20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()

    print("| layer | seed | solved at | sequences | time | bits at 20 |", end="")
    print("".join(f" {length} |" for length in LENGTHS))
    print("|---|" + "--:|" * (5 + len(LENGTHS)))
    for layer, recipe in RECIPES["ntm/copy"].items():
        for seed in range(options.seeds):
            directory = options.output / f"{layer}-{seed}"
            started = time.monotonic()
            run = train(recipe, directory, seed, verbose=0)
            seconds = time.monotonic() - started
            with open(directory / "curve.csv") as file:
                curve = [
                    float(row["val_bits_per_sequence"]) for row in csv.DictReader(file)
                ]
            sequences = recipe.batch_size * recipe.steps_per_epoch
            solved = next(
                (i * sequences for i, bits in enumerate(curve, 1) if bits < SOLVED), "never"
            )
            results = {length: evaluate(run, length) for length in LENGTHS}
            print(
                f"| {layer} | {seed} | {solved} | {run.result['examples']} | "
                f"{seconds:.0f} s | {results[20]['bits_per_sequence']:.4f} |",
                "".join(
                    f" {results[length]['wrong_bits_per_sequence']:.3f} |"
                    for length in LENGTHS
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
