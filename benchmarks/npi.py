"""Trains Neural Programmer-Interpreters with recursive programs and with loops.

    python benchmarks/npi.py --output runs/npi --seeds 5

Prints, for each recipe and seed, whether verification proves the machine right, and the
share of random problems that it solves at several lengths. Runs that are already there are
not trained again, and one that was interrupted goes on. Both have `resumed` instead of CPU
seconds. The process takes one thread.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_nm.programs import npi
from keras_nm.training import RECIPES, train_or_resume

# How many problems of each length.
LENGTHS = {
    "addition": {3: 20, 10: 20, 20: 20, 100: 10, 1000: 3, 3000: 3},
    "bubble_sort": {2: 20, 3: 20, 4: 20, 8: 20, 20: 10, 60: 3, 90: 3},
}


def problem(task, length, rng):
    """Returns the arguments of a library's `environment`."""
    if task == "bubble_sort":
        return [rng.integers(0, 10, length).tolist()]
    numbers = rng.integers(0, 10, (2, length))
    return [sum(int(x) * 10**i for i, x in enumerate(digits)) for digits in numbers]


def share_right(library, layer, task, length, number):
    """Returns the share of random problems that a layer solves."""
    rng = np.random.default_rng(length)
    shown, learned = npi.Interpreter(library), npi.Interpreter(library, layer)
    right = 0
    for _ in range(number):
        question = problem(task, length, rng)
        pad, expected = (library.environment(*question) for _ in range(2))
        # A machine that takes much longer than the programs loops.
        learned.max_steps = 2 * shown.run(expected)
        try:
            learned.run(pad)
        except npi.ExecutionError:
            continue
        right += pad.result == expected.result
    return right / number


def row(task, name, seed, output):
    """Returns the cells of a table's row."""
    directory = output / f"{task}-{name}-{seed}"
    resumed, begin = directory.exists(), time.process_time()
    run = train_or_resume(RECIPES[f"npi/{task}"][name], directory, seed, verbose=0)
    seconds = "resumed" if resumed else f"{time.process_time() - begin:.0f}"
    library = run.task.library
    proof = "-"
    if library.recursive:
        verification = npi.verify(library, run.layer)
        wrong = sum(map(len, verification.faults.values()))
        total = sum(verification.num_calls.values())
        proof = f"{wrong} of {total:,}" if wrong else f"0, margin {verification.margin:.1f}"
    shares = [
        f"{100 * share_right(library, run.layer, task, length, number):.0f}"
        for length, number in LENGTHS[task].items()
    ]
    wrong_calls = f"{run.result['wrong_calls']:.4f}"
    return [name, str(seed), seconds, wrong_calls, proof, *shares]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("runs/npi"))
    parser.add_argument("--tasks", nargs="+", default=list(LENGTHS), choices=list(LENGTHS))
    parser.add_argument("--recipes", nargs="+", default=["npi", "npi-loops"])
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for task in options.tasks:
        names = ["recipe", "seed", "CPU seconds", "wrong calls in validation"]
        names += ["wrong of all calls", *(f"{length}" for length in LENGTHS[task])]
        print(f"\n{task}: percent right at each length\n\n| {' | '.join(names)} |")
        print("|---" + "|--:" * (len(names) - 1) + "|")
        for name in options.recipes:
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                cells = row(task, name, seed, options.output)
                print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
