"""Trains each of two machines with memory by the recipe of the other.

    python benchmarks/dnc_and_ntm.py --output runs/dnc_and_ntm

A Neural Turing Machine learns by the recipe of the Differentiable Neural Computer, and the
other way round, with the controller, the memory's shape, the optimizer and the batches of
that recipe. The task is associative recall: in copy, both have the same recipe. If it is
interrupted, run it again.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import dataclasses
from pathlib import Path

import variants

from keras_nm.recipes.parts import layer_of_ours
from keras_nm.training import RECIPES

LENGTHS = [6, 12, 15, 20]


def exchanged(recipe, name):
    """The recipe with another machine, of what both of them have in common."""
    config = {key: recipe.layer["config"][key] for key in ("memory_shape", "controller")}
    return dataclasses.replace(recipe, layer=layer_of_ours(name, **config))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    recipes = RECIPES["ntm/associative_recall"]
    lines = {
        "ntm by the recipe of dnc": exchanged(recipes["dnc"], "NTM"),
        "dnc by the recipe of ntm": exchanged(recipes["ntm"], "DNC"),
    }
    variants.train(lines, options, LENGTHS)


if __name__ == "__main__":
    main()
