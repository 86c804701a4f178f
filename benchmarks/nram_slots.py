"""Trains random-access machines that choose which gate runs, beside machines that do not.

    python benchmarks/nram_slots.py nram/copy --output runs/copy_slots

`fixed` is the recipe for the task: each of the 14 gates runs once in a step, in its place.
In the other lines a step has some slots, and for each of them the controller chooses the
gate, with its arguments. In the last line it chooses among six gates, which suffice for
these tasks. Nothing else changes. If it is interrupted, run it again.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import copy
import dataclasses
from pathlib import Path

import variants

from keras_nm.training import RECIPES

NUM_SLOTS = (2, 4, 8)
SIX_GATES = ["READ", "ZERO", "INC", "DEC", "ADD", "WRITE"]
LENGTHS = (20, 50)


def lines(recipe):
    """The recipe's variants by name."""

    def changed(**config):
        layer = copy.deepcopy(recipe.layer)
        layer["config"].update(config)
        return dataclasses.replace(recipe, layer=layer)

    return {
        "fixed": recipe,
        **{f"{number} slots": changed(num_slots=number) for number in NUM_SLOTS},
        "8 slots, six gates": changed(num_slots=8, gates=SIX_GATES),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    # Recipes of other tasks have gates of their own, some of them twice.
    tasks = ["nram/access", "nram/increment", "nram/copy", "nram/reverse"]
    parser.add_argument("task", choices=tasks)
    parser.add_argument("--seeds", type=int, default=32)
    parser.add_argument("--replicas", type=int, default=16, help="seeds in one program")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    recipe = RECIPES[options.task]["nram"]
    lengths = [recipe.task_options["max_length"], *LENGTHS]
    variants.train(lines(recipe), options, lengths, replicas=options.replicas)


if __name__ == "__main__":
    main()
