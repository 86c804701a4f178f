"""Times the pipelines of tasks against training steps of their recipes.

    python benchmarks/pipeline.py

Of every task that has a recipe, the first one is taken, with its machine, its sizes and its
batches. The pipeline has one core. The training step has all of them.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import itertools
import multiprocessing
import time

import keras
import numpy as np

from keras_nm.tasks import TASKS
from keras_nm.training import RECIPES, build_model


def on_one_core():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def recipe_and_task(name):
    recipe = next(iter(RECIPES[name].values()))
    return recipe, TASKS[name].make(**recipe.task_options)


def pipeline_rate(name, seconds):
    """Examples per second."""
    recipe, task = recipe_and_task(name)
    batches = iter(task.dataset(recipe.batch_size))
    for _ in range(20):
        next(batches)
    started = time.perf_counter()
    for count in itertools.count(1):
        next(batches)
        elapsed = time.perf_counter() - started
        if elapsed > seconds:
            return count * recipe.batch_size / elapsed


def training_rate(name, seconds):
    """Examples per second."""
    recipe, task = recipe_and_task(name)
    model = build_model(recipe)
    # Of the largest length alone, so that there is one shape.
    batches = list(task.evaluation_set(task.max_length, recipe.batch_size, num_batches=8))
    model.train_on_batch(*batches[0])
    times = []
    while sum(times) < seconds:
        started = time.perf_counter()
        model.train_on_batch(*batches[len(times) % len(batches)])
        times.append(time.perf_counter() - started)
    return recipe.batch_size / np.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="for each number")
    parser.add_argument("--tasks", nargs="+", default=list(RECIPES), choices=RECIPES)
    options = parser.parse_args()
    seconds = options.seconds

    print("| task | up to | ratio | examples per second, one core | the model trains on |")
    print("|---|--:|--:|--:|--:|")
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(1, initializer=on_one_core) as one_core:
        for name in options.tasks:
            pipeline = one_core.apply(pipeline_rate, (name, seconds))
            training = training_rate(name, seconds)
            print(
                f"| {name} | {recipe_and_task(name)[1].max_length} | "
                f"{pipeline / training:.1f} x | {pipeline:,.0f} | {training:,.0f} |",
                flush=True,
            )
            keras.backend.clear_session()


if __name__ == "__main__":
    main()
