"""Trains Neural GPUs to add and to multiply, and measures them on ever longer numbers.

    python benchmarks/neural_gpu.py --output runs/neural_gpu --seeds 5

Prints, for each task and seed, the percentage of problems with a wrong digit: of random
problems at several lengths, and of those that are rare among random ones. Runs that are
already there are not trained again, and one that was interrupted goes on, with `resumed`
instead of CPU seconds. The process takes one thread, or a GPU if TensorFlow finds one.
"""

import argparse
import dataclasses
import itertools
import json
import time
from pathlib import Path

import tensorflow as tf

from keras_nm.files import write_text
from keras_nm.training import RECIPES, train_or_resume

# How many random problems of each number of positions, and how many of each other kind.
LENGTHS = {
    "binary_addition": {
        19: (512, 64),
        41: (512, 64),
        101: (512, 64),
        401: (128, 32),
        2001: (16, 4),
    },
    "binary_multiplication": {27: (512, 64), 41: (512, 64), 101: (256, 32), 401: (64, 16)},
}
KINDS = ("random", "overflow", "carries", "powers", "small", "zeros")
LARGEST_BATCH = 64


def problems(task, length, kind, split="test"):
    """Returns an evaluation set of problems of one kind and length."""
    number = LENGTHS[task][length][0 if kind == "random" else 1]
    batch_size = min(number, LARGEST_BATCH)
    source = RECIPES[f"neural_gpu/{task}"]["neural-gpu"].made_task
    source = dataclasses.replace(source.with_lengths(length, length), operands=kind)
    return source.evaluation_set(
        batch_size=batch_size, num_batches=number // batch_size, split=split
    )


def percent_wrong(model, data):
    """Returns the percentage of problems with a wrong digit."""
    results = model.evaluate(data, verbose=0, return_dict=True)
    return 100 * (1 - results["exact_answers"])


def measured(task, seed, output):
    """Trains a machine, unless its results are there. Returns its results."""
    directory = output / f"{task}-{seed}"
    results = output / f"{task}-{seed}.json"
    resumed, begin = directory.exists(), time.process_time()
    recipe = RECIPES[f"neural_gpu/{task}"]["neural-gpu"]
    run = train_or_resume(recipe, directory, seed, verbose=0)
    if results.exists():
        return json.loads(results.read_text())
    seconds = None if resumed else time.process_time() - begin
    found = {"seconds": seconds, "examples": run.num_examples}
    for length, kind in itertools.product(LENGTHS[task], KINDS):
        found[f"{kind} {length}"] = percent_wrong(run.model, problems(task, length, kind))
    write_text(results, json.dumps(found, indent=2) + "\n")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("runs/neural_gpu"))
    parser.add_argument("--tasks", nargs="+", default=list(LENGTHS), choices=list(LENGTHS))
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for task in options.tasks:
        titles = ["seed", "CPU seconds", "sequences", "problems", *map(str, LENGTHS[task])]
        print(f"\n{task}: percent of problems with a wrong digit, by the positions\n")
        print(f"| {' | '.join(titles)} |\n|{'--:|' * len(titles)}")
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            found = measured(task, seed, options.output)
            seconds = found["seconds"]
            seconds = "resumed" if seconds is None else f"{seconds:.0f}"
            for kind in KINDS:
                cells = [seed, seconds, found["examples"], kind]
                cells += [f"{found[f'{kind} {length}']:.1f}" for length in LENGTHS[task]]
                print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
