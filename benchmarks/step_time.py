"""Times a training step of machines against one of a recurrent layer of Keras.

    python benchmarks/step_time.py
    python benchmarks/step_time.py --num-locations 256
    python benchmarks/step_time.py --stacks

The NTM and the DNC are timed against keras.layers.LSTM(100), and with `--stacks` the
Stack-RNN and the Tape-RNN against keras.layers.SimpleRNN(256), which is their controller.

All models are compiled with XLA and take the same batches in turns, in one process, so
that the ratio does not depend on what else the machine does. A step is one of many that
`model.fit` runs between two returns to Python. The forward pass, and the forward and
backward pass, are timed in the same way as functions of their own.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import time

import keras
import numpy as np
import tensorflow as tf

import keras_nm

FEATURES, UNITS = 9, 8
STEPS = 20


def with_memories(num_locations):
    options = {"memory_shape": (num_locations, 20), "return_sequences": True}
    return {
        "LSTM(100)": [
            keras.layers.LSTM(100, return_sequences=True),
            keras.layers.Dense(UNITS),
        ],
        "NTM, LSTM controller": [keras_nm.layers.NTM(UNITS, **options)],
        "NTM, feed-forward controller": [
            keras_nm.layers.NTM(
                UNITS,
                controller=keras.layers.Dense(100, activation="tanh"),
                **options,
            )
        ],
        "DNC": [keras_nm.layers.DNC(UNITS, **options)],
        "DNC without links": [keras_nm.layers.DNC(UNITS, temporal_links=False, **options)],
    }


def with_stacks(num_locations):
    def elman():
        return keras.layers.SimpleRNNCell(256, activation="relu")

    shape, sequences = (num_locations, 8), {"return_sequences": True}
    return {
        "SimpleRNN(256)": [
            keras.layers.SimpleRNN(256, activation="relu", **sequences),
            keras.layers.Dense(UNITS),
        ],
        "StackRNN": [keras_nm.layers.StackRNN(UNITS, shape, 1, elman(), **sequences)],
        "TapeRNN": [keras_nm.layers.TapeRNN(UNITS, shape, 1, elman(), **sequences)],
    }


def compiled(layers):
    for name, chain in layers.items():
        model = keras.Sequential([keras.Input((None, FEATURES)), *chain])
        model.compile(
            keras.optimizers.RMSprop(1e-4, momentum=0.9, centered=True, clipvalue=10),
            keras_nm.training.BitsPerSequenceLoss(),
            jit_compile=True,
            steps_per_execution=STEPS,
        )
        yield name, model


def functions(model, x, y):
    """What is timed, a dict from name to function. Each runs STEPS steps in graph."""
    batch = len(x) // STEPS
    batch_x, batch_y = x[:batch], y[:batch]

    @tf.function(jit_compile=True)
    def forward(x):
        return tf.reduce_sum(model(x, training=True))

    @tf.function(jit_compile=True)
    def gradients(x):
        with tf.GradientTape() as tape:
            loss = model.loss(batch_y, model(x, training=True))
        weights = [w.value for w in model.trainable_weights]
        return sum(tf.reduce_sum(gradient) for gradient in tape.gradient(loss, weights))

    def repeated(function):
        @tf.function
        def steps():
            total = 0.0
            for step in tf.range(STEPS):  # inputs that differ cannot be computed once
                total += function(batch_x + 1e-9 * tf.cast(step, tf.float32))
            return total

        return steps

    model.fit(x, y, batch_size=batch, shuffle=False, verbose=0)
    iterator = iter(tf.data.Dataset.from_tensors((batch_x, batch_y)).repeat())
    return {
        "forward": repeated(forward),
        "forward and backward": repeated(gradients),
        "training step": lambda: model.train_function(iterator),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument(
        "--num-locations", type=int, help="default: 128, and 64 with --stacks"
    )
    parser.add_argument("--stacks", action="store_true")
    arguments = parser.parse_args()
    rounds = arguments.rounds
    if arguments.stacks:
        num_locations = arguments.num_locations or 64
        batch, time_steps, memory = 128, 40, f"{num_locations} x 8"
        layers = with_stacks(num_locations)
    else:
        num_locations = arguments.num_locations or 128
        batch, time_steps, memory = 16, 41, f"{num_locations} x 20"
        layers = with_memories(num_locations)
    rng = np.random.default_rng(0)
    shape = STEPS * batch, time_steps
    x = tf.constant(rng.integers(0, 2, (*shape, FEATURES)), tf.float32)
    y = tf.constant(rng.integers(0, 2, (*shape, UNITS)), tf.float32)

    timed = {name: functions(model, x, y) for name, model in compiled(layers)}
    seconds = {}
    for _ in range(rounds + 2):
        for name, parts in timed.items():
            for part, function in parts.items():
                started = time.perf_counter()
                function()
                elapsed = time.perf_counter() - started
                seconds.setdefault((name, part), []).append(elapsed)

    print(
        f"batch {batch}, {time_steps} time steps, memory {memory}, "
        f"medians of {rounds} rounds"
    )
    baseline = next(iter(timed))
    for part in timed[baseline]:
        for name in timed:
            # The first two rounds compile and warm up.
            milliseconds = 1e3 * np.median(seconds[name, part][2:]) / STEPS
            ratio = np.median(
                np.divide(seconds[name, part][2:], seconds[baseline, part][2:])
            )
            print(f"{part:22s}{name:30s}{milliseconds:8.2f} ms{ratio:8.2f} x")


if __name__ == "__main__":
    main()
