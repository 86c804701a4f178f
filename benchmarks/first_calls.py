"""Times eager calls and the compilation of a training step, against LSTM(100) of Keras.

    python benchmarks/first_calls.py

All numbers are seconds of the processor on one thread, which depend less than the time of
day on what else the computer does. Eager calls take turns in one process. The compilation
is split in two: Python and TensorFlow trace a graph, and XLA compiles it.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import time

import keras
import numpy as np
import tensorflow as tf

import keras_nm
from keras_nm.recipes.nram import NRAM_RECIPES

BASELINE = "LSTM(100)"
NRAM_TASKS = ("nram/permutation", "nram/list_k", "nram/walk_bst")


def seconds(function, *arguments):
    started = time.process_time()
    result = function(*arguments)
    return time.process_time() - started, result


def eager_calls():
    """A dict from name to function."""
    keras.utils.set_random_seed(0)
    x = tf.random.normal((4, 20, 9))
    lstm = keras.layers.LSTM(100, return_sequences=True)
    ntm = keras_nm.layers.NTM(8, return_sequences=True)
    # Certain not to stop, so that the integer machine also runs all steps.
    nram = keras_nm.layers.NRAM(num_registers=4, num_steps=10, stop_bias=-100.0)
    tape = tf.constant(np.random.default_rng(0).integers(1, 12, (4, 12)), tf.int32)
    return {
        BASELINE: lambda: lstm(x),
        "NTM": lambda: ntm(x),
        "NRAM": lambda: nram(tape),
        "NRAM, trace": lambda: nram.trace(tape),
        "NRAM, integers": lambda: nram.run_integers(tape),
    }


def training_step(chain, x, y, loss):
    """A function that trains a model, before its first call."""
    model = keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype.name), *chain])
    optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=1.0)
    optimizer.build(model.trainable_variables)

    def step(x, y):
        with tf.GradientTape() as tape:
            total = sum(model.losses, loss(y, model(x, training=True)))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(total, [w.value for w in weights]), weights)
        return total

    return tf.function(step, jit_compile=True)


def training_steps():
    """Yields pairs of a name and a training step with its arguments."""
    rng = np.random.default_rng(0)
    x = tf.constant(rng.integers(0, 2, (16, 41, 9)), tf.float32)
    y = tf.constant(rng.integers(0, 2, (16, 41, 8)), tf.float32)
    loss = keras_nm.training.BitsPerSequenceLoss()
    lstm = [keras.layers.LSTM(100, return_sequences=True), keras.layers.Dense(8)]
    yield BASELINE, (training_step(lstm, x, y, loss), x, y)
    ntm = [keras_nm.layers.NTM(8, return_sequences=True)]
    yield "NTM", (training_step(ntm, x, y, loss), x, y)
    for recipe in NRAM_RECIPES:
        if recipe.task in NRAM_TASKS:
            size = recipe.task_options["num_cells"]
            tape = tf.constant(rng.integers(1, size, (recipe.batch_size, size)), tf.int32)
            loss = keras_nm.training.TapeLoss(**recipe.loss_options)
            chain = [keras.layers.deserialize(recipe.layer)]
            yield recipe.task, (training_step(chain, tape, tape, loss), tape, tape)


def num_operations(graph):
    graph = graph.as_graph_def()
    functions = graph.library.function
    return len(graph.node) + sum(len(function.node_def) for function in functions)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    print(f"eager calls: batch 4, 20 time steps, NRAM 10, medians of {rounds} rounds")
    calls = eager_calls()
    times = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            times[name].append(1e3 * seconds(call)[0])
    print(f"{'':18s}{'first':>10s}{'later':>10s}{'x':>8s}")
    for name, (first, *later) in times.items():
        ratio = np.median(np.divide(later, times[BASELINE][1:]))
        print(f"{name:18s}{first:7.0f} ms{np.median(later):7.0f} ms{ratio:8.2f}")

    print("\ntraining step: compilation")
    print(f"{'':18s}{'operations':>11s}{'tracing':>9s}{'XLA':>8s}{'both, x':>9s}")
    baseline = None
    for name, (step, *arguments) in training_steps():
        tracing, traced = seconds(step.get_concrete_function, *arguments)
        compilation, _ = seconds(step, *arguments)
        total = tracing + compilation
        baseline = baseline or total
        count = num_operations(traced.graph)
        times = f"{tracing:7.2f} s{compilation:6.2f} s{total / baseline:9.2f}"
        print(f"{name:18s}{count:11d}{times}")


if __name__ == "__main__":
    main()
