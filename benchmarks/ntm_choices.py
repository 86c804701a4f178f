"""Trains Turing machines to copy with one choice at a time changed, over many seeds.

    python benchmarks/ntm_choices.py --output runs/copy_choices

The base is the recipe of copy with a feed-forward controller, but with the layer's default
for additions, a tanh. Each other line changes what its name says. All lines have the same
data, budget and falling learning rate, if the name gives no other. If it is interrupted,
run it again.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import copy
import dataclasses
from pathlib import Path

import variants

from keras_nm.recipes.parts import LSTM_CONTROLLER
from keras_nm.training import RECIPES

LENGTHS = [20, 120]


def lines():
    """The base's variants by name."""
    recipe = RECIPES["ntm/copy"]["ntm-feedforward"]

    def machine(**cell):
        layer = copy.deepcopy(recipe.layer)
        layer["config"].update({"add_activation": "tanh", **cell})
        return dataclasses.replace(recipe, layer=layer)

    def paper_memory(**cell):
        # The paper's number of locations, at which weights of each location can stay.
        return dataclasses.replace(
            machine(memory_shape=[128, 20], **cell), memory_size=None
        )

    def optimizer(class_name=None, *, rate=None, **config):
        changed = copy.deepcopy(recipe.optimizer)
        if class_name:
            schedule = changed["config"]["learning_rate"]
            clipping = {"global_clipnorm": changed["config"]["global_clipnorm"]}
            changed = {
                "class_name": class_name,
                "config": {"learning_rate": schedule, **clipping},
            }
        if rate:
            schedule = changed["config"]["learning_rate"]["config"]
            schedule.update(initial_learning_rate=rate, end_learning_rate=rate / 50)
        changed["config"].update(config)
        return dataclasses.replace(base, optimizer=changed)

    base = machine()
    unclipped = {"global_clipnorm": None}
    by_element = {"global_clipnorm": None, "clipvalue": 10.0}
    return {
        "the base": base,
        "LSTM controller": machine(controller=LSTM_CONTROLLER),
        "two head pairs": machine(num_read_heads=2, num_write_heads=2),
        "write first": machine(step_order="write_first"),
        "initial read zeros": machine(initial_read="zeros"),
        "strength exponential": machine(key_strength_activation="exponential"),
        "keys linear": machine(key_activation=None),
        "additions linear": machine(add_activation=None),
        "squeezed sigmoids 0.01": machine(sigmoid_epsilon=0.01),
        "parameters not clipped": machine(parameter_clip=None),
        "uniform start, drawn memory": machine(
            initial_weighting="uniform", initial_memory="drawn"
        ),
        "drawn memory": machine(initial_memory="drawn"),
        "128 locations": paper_memory(),
        "128 locations, random memory": paper_memory(initial_memory="random"),
        "128 locations, learned memory": paper_memory(initial_memory="learned"),
        "128 locations, learned start": paper_memory(initial_weighting="learned"),
        "norm 10": optimizer(global_clipnorm=10.0),
        "elements 10": optimizer(**by_element),
        "not clipped": optimizer(**unclipped),
        "elements 10, rate 1e-4": optimizer(rate=1e-4, **by_element),
        "not clipped, rate 1e-4": optimizer(rate=1e-4, **unclipped),
        "Adam, rate 1e-3": optimizer("Adam", rate=1e-3),
        "Adam, rate 1e-3, not clipped": optimizer("Adam", rate=1e-3, **unclipped),
        "Adadelta, rate 1": optimizer("Adadelta", rate=1.0),
        "Adadelta, rate 1, not clipped": optimizer("Adadelta", rate=1.0, **unclipped),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--lines", nargs="+", choices=list(lines()))
    parser.add_argument("--output", type=Path, default=Path("runs/copy_choices"))
    options = parser.parse_args()
    recipes = lines()
    chosen = {name: recipes[name] for name in options.lines or recipes}
    variants.train(chosen, options, LENGTHS)


if __name__ == "__main__":
    main()
