"""Times the Neural Random-Access Machine against M, the size of tape and integers.

    python benchmarks/nram_size.py

First a training step of the machine on distributions, compiled with XLA, and the exponent
of its growth with M. Then a time step of the integer machine, with and without XLA: the
difference between two runs of many steps, so that what is done once per run cancels out.
All sizes take turns in one process, so that their ratios do not depend on what else the
computer does.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import itertools
import time

import keras
import numpy as np
import tensorflow as tf

import keras_nm
from keras_nm.programs import PROGRAMS

BATCH, STEPS, REGISTERS = 32, 10, 4
SIZES = (8, 16, 32, 64, 128)
INTEGER_SIZES = (1_000, 10_000, 100_000, 1_000_000)
INTEGER_BATCHES = (1, 16)
INTEGER_STEPS = (100, 300)


def training_step(size):
    """A function that trains on one batch again and again, and how often."""
    updates = 20
    tape = keras.Input((size,), dtype="int32")
    layer = keras_nm.layers.NRAM(REGISTERS, num_steps=STEPS)
    model = keras.Model(tape, layer(tape))
    model.compile(
        keras.optimizers.Adam(global_clipnorm=1.0),
        keras_nm.training.TapeLoss(),
        jit_compile=True,
        steps_per_execution=updates,
    )
    tapes = np.random.default_rng(0).integers(1, size, (updates * BATCH, size))
    model.fit(tapes, tapes, batch_size=BATCH, shuffle=False, verbose=0)
    batch = tf.constant(tapes[:BATCH], tf.int32)
    iterator = iter(tf.data.Dataset.from_tensors((batch, batch)).repeat())
    return lambda: model.train_function(iterator), updates


def integer_step(size, batch_size, jit_compile):
    """A function that runs the integer machine for a number of steps."""
    program = PROGRAMS["increment"]
    layer = program.into_layer(keras_nm.layers.NRAM(program.num_registers))
    run = tf.function(layer.run_integers, jit_compile=jit_compile)
    tape = tf.constant(
        np.random.default_rng(0).integers(0, size, (batch_size, size)), tf.int32
    )
    return lambda num_steps: run(tape, tf.constant(num_steps))


def seconds(function, *arguments):
    started = time.perf_counter()
    tf.nest.map_structure(lambda x: x.numpy(), function(*arguments))
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds

    print(
        f"training step: batch {BATCH}, {STEPS} time steps, {REGISTERS} registers, "
        f"14 gates, medians of {rounds} rounds"
    )
    timed = {size: training_step(size) for size in SIZES}
    times = {size: [] for size in SIZES}
    for _ in range(rounds + 1):
        for size, (function, updates) in timed.items():
            times[size].append(1e3 * seconds(function) / updates)
    medians = [np.median(times[size][1:]) for size in SIZES]
    print(f"{'M':>8s}{'ms':>10s}{'x':>8s}{'exponent':>10s}")
    for index, size in enumerate(SIZES):
        row = f"{size:8d}{medians[index]:10.2f}{medians[index] / medians[0]:8.2f}"
        if index:
            row += f"{np.log2(medians[index] / medians[index - 1]):10.2f}"
        print(row)
    exponent = np.polyfit(np.log(SIZES), np.log(medians), 1)[0]
    print(f"fitted: M^{exponent:.2f}")

    for jit_compile, batch_size in itertools.product((True, False), INTEGER_BATCHES):
        xla = "with" if jit_compile else "without"
        print(f"\ninteger machine, {xla} XLA, batch {batch_size}: a time step")
        timed = {
            size: integer_step(size, batch_size, jit_compile) for size in INTEGER_SIZES
        }
        times = {size: [] for size in INTEGER_SIZES}
        for _ in range(rounds + 1):
            for size, function in timed.items():
                short, long = (seconds(function, steps) for steps in INTEGER_STEPS)
                step = (long - short) / (INTEGER_STEPS[1] - INTEGER_STEPS[0])
                times[size].append(1e6 * step)
        medians = [np.median(times[size][1:]) for size in INTEGER_SIZES]
        print(f"{'M':>8s}{'us':>10s}{'x':>8s}")
        for size, median in zip(INTEGER_SIZES, medians, strict=True):
            print(f"{size:8d}{median:10.2f}{median / medians[0]:8.2f}")


if __name__ == "__main__":
    main()
