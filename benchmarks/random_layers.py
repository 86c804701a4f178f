"""Times a training step with random layers in the controller against one without.

    python benchmarks/random_layers.py

The machine and the batch are those of the recipe for copy: 4 sequences of 41 time steps,
24 locations of 20 numbers, an LSTM controller of 100 units. All models are compiled with
XLA and take turns in one process.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import statistics
import time

import keras
import numpy as np

import keras_nm

ROUNDS, STEPS = 15, 20


def chained(layer):
    return keras_nm.layers.ChainedCell([keras.layers.LSTMCell(100), layer])


CONTROLLERS = {
    "none": lambda: keras.layers.LSTMCell(100),
    "GaussianNoise(0.2)": lambda: chained(keras.layers.GaussianNoise(0.2)),
    "Dropout(0.2)": lambda: chained(keras.layers.Dropout(0.2)),
    "GaussianDropout(0.2)": lambda: chained(keras.layers.GaussianDropout(0.2)),
    "LSTMCell(dropout=0.2)": lambda: keras.layers.LSTMCell(100, dropout=0.2),
}


def compiled_model(controller):
    x = keras.Input((None, 9))
    layer = keras_nm.layers.NTM(8, (24, 20), controller, return_sequences=True)
    model = keras.Model(x, layer(x))
    loss = keras_nm.training.BitsPerSequenceLoss()
    model.compile("rmsprop", loss, jit_compile=True)
    return model


def main():
    task = keras_nm.tasks.ntm.Copy(min_length=20, max_length=20)
    batch = next(iter(task.dataset(batch_size=4)))
    models = {name: compiled_model(make()) for name, make in CONTROLLERS.items()}
    times = {name: [] for name in models}
    for round_ in range(ROUNDS + 1):
        for name, model in models.items():
            start = time.perf_counter()
            for _ in range(STEPS):
                model.train_on_batch(*batch)
            if round_:  # the first compiles
                times[name].append((time.perf_counter() - start) / STEPS)
    print("| random layer | training step | |\n|---|--:|--:|")
    without = np.array(times["none"])
    for name, seconds in times.items():
        ratio = statistics.median(np.array(seconds) / without)
        print(f"| {name} | {statistics.median(seconds) * 1e3:.1f} ms | {ratio:.2f} x |")


if __name__ == "__main__":
    main()
