"""Times a training step of the NTM as its memory, its heads and its batches grow.

    python benchmarks/growth.py

Prints a Markdown table. Everything else is as in `step_time.py`: 41 time steps, an LSTM
controller of 100 units, XLA; each machine takes turns with keras.layers.LSTM(100) on the
same batches.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import time

import keras
import numpy as np
import tensorflow as tf

import keras_nm

TIME, FEATURES, UNITS, STEPS = 41, 9, 8, 5

PAPER = {"locations": 128, "width": 20, "heads": 1, "batch": 16}
GROWTH = {
    "locations": [128, 256, 512, 1024, 2048, 4096, 8192, 16384],
    "width": [20, 40, 80, 160],
    "heads": [1, 2, 4, 8],
    "batch": [1, 4, 16, 64, 256],
}


def training_step(batch, *layers):
    """A function that takes `STEPS` training steps."""
    model = keras.Sequential([keras.Input((None, FEATURES)), *layers])
    model.compile(
        keras.optimizers.RMSprop(1e-4, momentum=0.9, centered=True, clipvalue=10),
        keras_nm.training.BitsPerSequenceLoss(),
        jit_compile=True,
        steps_per_execution=STEPS,
    )
    rng = np.random.default_rng(0)
    x = tf.constant(rng.integers(0, 2, (STEPS * batch, TIME, FEATURES)), tf.float32)
    y = tf.constant(rng.integers(0, 2, (STEPS * batch, TIME, UNITS)), tf.float32)
    model.fit(x, y, batch_size=batch, shuffle=False, verbose=0)
    iterator = iter(tf.data.Dataset.from_tensors((x[:batch], y[:batch])).repeat())
    return lambda: model.train_function(iterator)


def seconds_of(functions, rounds):
    seconds = []
    for _ in range(rounds + 1):
        seconds.append([])
        for function in functions:
            started = time.perf_counter()
            function()
            seconds[-1].append((time.perf_counter() - started) / STEPS)
    return np.array(seconds[1:])  # the first warms up


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    print("| locations | width | read and write heads | batch | step | x LSTM(100) |")
    print("|--:|--:|--:|--:|--:|--:|")
    sizes = [{**PAPER, name: value} for name, values in GROWTH.items() for value in values]
    for size in [size for index, size in enumerate(sizes) if size not in sizes[:index]]:
        keras.backend.clear_session()
        baseline = training_step(
            size["batch"],
            keras.layers.LSTM(100, return_sequences=True),
            keras.layers.Dense(UNITS),
        )
        machine = training_step(
            size["batch"],
            keras_nm.layers.NTM(
                UNITS,
                memory_shape=(size["locations"], size["width"]),
                num_read_heads=size["heads"],
                num_write_heads=size["heads"],
                return_sequences=True,
            ),
        )
        seconds = seconds_of([baseline, machine], rounds)
        milliseconds = 1e3 * np.median(seconds[:, 1])
        ratio = np.median(seconds[:, 1] / seconds[:, 0])
        cells = [*size.values(), f"{milliseconds:.1f} ms", f"{ratio:.1f}"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
