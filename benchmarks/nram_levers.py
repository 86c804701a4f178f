"""Trains random-access machines with one setting at a time changed, over many seeds.

    python benchmarks/nram_levers.py nram/copy --output runs/copy_levers

Each line is the recipe for the task in 600 training steps, if `--steps` says nothing else:
`plain` without the entropy bonus and `bonus` with it, both with gradient noise and without.
The others are changes of the one with a bonus that has the recipe's noise. A penalty is in
the last third, and a rate that falls does so in these steps. All seeds of a line train in
one program. If it is interrupted, run it again.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import copy
import dataclasses
from pathlib import Path

import variants

from keras_nm.training import RECIPES


def scheduled(arguments):
    """The callbacks of a recipe that changes the weight of the entropy."""
    return {"entropy_schedule": arguments}


def lines(recipe, steps):
    """The recipe's variants by name."""
    schedule = recipe.callbacks["entropy_schedule"]
    with_penalty = scheduled({**schedule, "penalty_from": steps * 2 // 3})
    epochs = steps // recipe.steps_per_epoch
    noise = recipe.optimizer["config"]["noise"]
    base = f"bonus, noise {noise:g}" if noise else "bonus"
    tried = noise or 0.01
    other_loss = "log of expected tape", {"likelihood": "log_expected"}
    if recipe.loss_options == other_loss[1]:
        other_loss = "expected log of tape", {"likelihood": "expected_log"}
    recipe = dataclasses.replace(recipe, epochs=epochs, callbacks=with_penalty)

    def changed(cell=(), optimizer=(), **others):
        layer, adam = copy.deepcopy((recipe.layer, recipe.optimizer))
        layer["config"].update(cell)
        adam["config"].update(optimizer)
        if isinstance(adam["config"]["learning_rate"], dict):
            adam["config"]["learning_rate"]["config"]["decay_steps"] = steps
        return dataclasses.replace(recipe, layer=layer, optimizer=adam, **others)

    no_penalty = scheduled({"half_life": schedule["half_life"]})
    step_penalty = {
        "module": "keras_nm.training",
        "class_name": "StepPenalty",
        "registered_name": "keras_nm>StepPenalty",
        "config": {"weight": 0.1},
    }
    lstm = {
        "module": "keras_nm.layers",
        "class_name": "ChainedCell",
        "registered_name": "keras_nm>ChainedCell",
        "config": {
            "layers": [
                {
                    "module": "keras.layers",
                    "class_name": "Dense",
                    "config": {"units": 32, "activation": "relu"},
                },
                {
                    "module": "keras.layers",
                    "class_name": "LSTMCell",
                    "config": {"units": 32},
                },
            ]
        },
    }
    no_bonus = {"entropy_weight": None}
    return {
        "plain": changed(no_bonus, {"noise": 0.0}, callbacks={}),
        f"plain, noise {tried:g}": changed(no_bonus, {"noise": tried}, callbacks={}),
        "bonus": changed((), {"noise": 0.0}, callbacks=no_penalty),
        f"bonus, noise {tried:g}": changed((), {"noise": tried}, callbacks=no_penalty),
        f"{base}, penalty": changed(),
        f"{base}, step penalty": changed(
            {"activity_regularizer": step_penalty}, callbacks=no_penalty
        ),
        f"{base}, straight-through": changed(
            {"selection": "straight_through"}, callbacks=no_penalty
        ),
        f"{base}, {other_loss[0]}": changed(
            callbacks=no_penalty, loss_options=other_loss[1]
        ),
        f"{base}, no curriculum": changed(callbacks=no_penalty, curriculum=None),
        f"{base}, LSTM controller": changed({"controller": lstm}, callbacks=no_penalty),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks = [task for task in RECIPES if task.startswith("nram/")]
    parser.add_argument("task", choices=tasks)
    parser.add_argument("--seeds", type=int, default=32)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    recipe = RECIPES[options.task]["nram"]
    if options.steps < 1 or options.steps % recipe.steps_per_epoch:
        parser.error(
            f"--steps must be a multiple of {recipe.steps_per_epoch}. "
            f"Received: {options.steps}"
        )
    length = recipe.task_options["max_length"]
    variants.train(lines(recipe, options.steps), options, [length], replicas=options.seeds)


if __name__ == "__main__":
    main()
