"""Times the pipelines of all tasks against training steps of the machines they are for.

    python benchmarks/pipeline.py

Every task is taken at the length that the paper trains to, in batches of 64. The pipeline
has one core. The training step has all of them and is compiled with XLA: for bits an NTM
with the paper's memory and an LSTM controller of 100 units, for tokens a Stack-RNN with an
Elman network of 100 units and a stack of 64 cells of 8 numbers, and for tapes an NRAM with
as many registers and time steps as the program that solves the task.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import itertools
import multiprocessing
import time

import keras
import numpy as np

from keras_nm.layers import NRAM, NTM, StackRNN
from keras_nm.tasks import TASKS, SequenceTask, TokenTask

BATCH = 64


def on_one_core():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def make(name):
    return TASKS[name].make(max_length=max(TASKS[name].frozen))


def pipeline_rate(name, seconds):
    """Examples per second."""
    batches = iter(make(name).dataset(BATCH))
    for _ in range(20):
        next(batches)
    started = time.perf_counter()
    for count in itertools.count(1):
        next(batches)
        elapsed = time.perf_counter() - started
        if elapsed > seconds:
            return count * BATCH / elapsed


def training_rate(name, seconds):
    """Examples per second."""
    task = make(name)
    if isinstance(task, SequenceTask):
        x = keras.Input((None, task.input_size))
        machine = StackRNN if isinstance(task, TokenTask) else NTM
        layer = machine(task.output_size, return_sequences=True)
    else:
        x = keras.Input((None,), dtype="int32")
        program = task.program
        layer = NRAM(
            program.num_registers,
            num_steps=task.num_steps,
            gate_repeats=program.gate_repeats,
        )
    model = keras.Model(x, layer(x))
    model.compile("adam", jit_compile=True, **TASKS[name].compile_arguments(task))
    # Of the largest length alone, so that there is one shape.
    batches = list(task.evaluation_set(task.max_length, BATCH, num_batches=8))
    model.train_on_batch(*batches[0])
    times = []
    while sum(times) < seconds:
        started = time.perf_counter()
        model.train_on_batch(*batches[len(times) % len(batches)])
        times.append(time.perf_counter() - started)
    return BATCH / np.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="for each number")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=TASKS)
    options = parser.parse_args()
    seconds = options.seconds

    print("| task | up to | examples per second, one core | a model trains on | ratio |")
    print("|---|--:|--:|--:|--:|")
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(1, initializer=on_one_core) as one_core:
        for name in options.tasks:
            pipeline = one_core.apply(pipeline_rate, (name, seconds))
            training = training_rate(name, seconds)
            print(
                f"| {name} | {max(TASKS[name].frozen)} | {pipeline:,.0f} | "
                f"{training:,.0f} | {pipeline / training:.0f} x |",
                flush=True,
            )
            keras.backend.clear_session()


if __name__ == "__main__":
    main()
