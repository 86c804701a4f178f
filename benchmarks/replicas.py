"""Times how much one more seed costs that a Neural Random-Access Machine trains with.

    python benchmarks/replicas.py

Training steps of the recipe for nram/copy, of several seeds in one XLA program, data and
metrics included: in one process with all cores, and shared out among as many processes as
there are cores, as `keras-nm sweep --replicas --jobs` does. All take turns, so that their
ratios do not depend on what else the computer does.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import dataclasses
import multiprocessing
import statistics
import time

import numpy as np
import tensorflow as tf

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


def work(recipe, num_replicas, num_threads, connection):
    """Times training steps whenever it is asked to, until it is told to stop."""
    tf.config.threading.set_intra_op_parallelism_threads(num_threads)
    function = training_steps(recipe, num_replicas)
    connection.send("ready")
    while connection.recv() == "go":
        started = time.perf_counter()
        {name: np.asarray(x) for name, x in function().items()}
        connection.send((time.perf_counter() - started) / STEPS)


def begin(recipe, num_seeds, num_processes):
    """Starts processes, each with its share of the seeds and of the cores."""
    context = multiprocessing.get_context("spawn")
    num_threads = max(1, os.cpu_count() // num_processes)
    processes = []
    for _ in range(num_processes):
        ours, theirs = context.Pipe()
        arguments = (recipe, num_seeds // num_processes, num_threads, theirs)
        context.Process(target=work, args=arguments, daemon=True).start()
        processes.append(ours)
    for connection in processes:
        connection.recv()
    return processes


def step_time(processes):
    """Runs training steps in all processes at once, and returns the slowest's time."""
    for connection in processes:
        connection.send("go")
    return max(connection.recv() for connection in processes)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 4, 16, 32, 64])
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    # As many steps as there are in an execution.
    recipe = dataclasses.replace(RECIPES["nram/copy"]["nram"], steps_per_epoch=STEPS)
    cases = [(seeds, 1) for seeds in options.seeds]
    if options.processes > 1:
        cases += [
            (seeds, options.processes)
            for seeds in options.seeds
            if seeds % options.processes == 0
        ]
    running = {case: begin(recipe, *case) for case in cases}
    times = {case: [] for case in cases}
    for _ in range(options.rounds):
        for case, processes in running.items():
            times[case].append(step_time(processes))
    print(f"{recipe.task}, batch {recipe.batch_size}, medians of {options.rounds} rounds")
    print(
        "| seeds | processes | seeds x steps per second | | step |\n|--:|--:|--:|--:|--:|"
    )
    first = None
    for processes in running.values():
        for connection in processes:
            connection.send("stop")
    for (seeds, processes), measured in times.items():
        step = statistics.median(measured)
        first = first or 1 / step
        print(
            f"| {seeds} | {processes} | {seeds / step:.0f} | {seeds / step / first:.1f} x "
            f"| {1e3 * step:.1f} ms |"
        )


if __name__ == "__main__":
    main()
