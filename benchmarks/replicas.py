"""Times how much one more seed costs that a Neural Random-Access Machine trains with.

    python benchmarks/replicas.py

Training steps of the recipe for nram/copy with 1 seed and with more, in one XLA program,
data and metrics included. All take turns in one process, so that their ratios do not depend
on what else the computer does.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import dataclasses
import time

import numpy as np

from keras_nm.tasks import TASKS
from keras_nm.training import RECIPES, build_model

STEPS = 10


def training_steps(recipe, num_replicas):
    """A function that makes as many training steps."""
    model = build_model(recipe, num_replicas)
    task = TASKS[recipe.task].make(**recipe.task_options)
    data = task.dataset(recipe.batch_size, seed=range(num_replicas))
    model.fit(data, steps_per_epoch=STEPS, shuffle=False, verbose=0)
    iterator = iter(data)
    return lambda: model.train_function(iterator)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 4, 16, 32, 64])
    options = parser.parse_args()
    # As many steps as there are in an execution.
    recipe = dataclasses.replace(RECIPES["nram/copy"]["nram"], steps_per_epoch=STEPS)
    timed = {seeds: training_steps(recipe, seeds) for seeds in options.seeds}
    times = {seeds: [] for seeds in timed}
    for _ in range(options.rounds):
        for seeds, function in timed.items():
            started = time.perf_counter()
            {name: np.asarray(x) for name, x in function().items()}
            times[seeds].append((time.perf_counter() - started) / STEPS)
    print(f"{recipe.task}, batch {recipe.batch_size}, medians of {options.rounds} rounds")
    print(f"{'seeds':>8s}{'step, ms':>12s}{'seed-steps/s':>14s}{'x':>8s}")
    first = None
    for seeds, measured in times.items():
        step = np.median(measured)
        first = first or 1 / step
        print(
            f"{seeds:8d}{1e3 * step:12.2f}{seeds / step:14.0f}{seeds / step / first:8.2f}"
        )


if __name__ == "__main__":
    main()
