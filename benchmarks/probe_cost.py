"""What it costs to watch a machine learn.

    python benchmarks/probe_cost.py

Trains copy by its recipes, with everything that `keras-nm train` does and without the probe
and the gradient's norm, and prints a table.
"""

import statistics
import tempfile
import time
from pathlib import Path

import keras

import keras_nm

SEED = 0


class Watch(keras.callbacks.Callback):
    """Measures epochs, without what the other callbacks do at their ends."""

    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_test_begin(self, logs=None):
        self.epochs.append(time.perf_counter() - self.started)


def train(name, watched):
    """Gives seconds for all of it, for the median epoch, and inside the probe."""
    spent = []
    timed = {}
    for method in ("on_train_begin", "on_epoch_end", "on_train_end"):

        def measure(self, *arguments, method=method, **options):
            started = time.perf_counter()
            timed[method](self, *arguments, **options)
            spent.append(time.perf_counter() - started)

        timed[method] = getattr(keras_nm.training.Probe, method)
        setattr(keras_nm.training.Probe, method, measure)
    watch = Watch()
    fit = keras.Model.fit

    def fit_and_watch(model, *arguments, callbacks, **options):
        if not watched:
            unwatched = (keras_nm.training.Probe, keras_nm.training.GradientNorm)
            callbacks = [c for c in callbacks if not isinstance(c, unwatched)]
        return fit(model, *arguments, callbacks=[watch, *callbacks], **options)

    keras.Model.fit = fit_and_watch
    try:
        with tempfile.TemporaryDirectory() as directory:
            started = time.perf_counter()
            recipe = keras_nm.training.RECIPES["ntm/copy"][name]
            keras_nm.training.train(recipe, Path(directory) / "run", SEED, verbose=0)
            total = time.perf_counter() - started
    finally:
        keras.Model.fit = fit
        for method, original in timed.items():
            setattr(keras_nm.training.Probe, method, original)
    return total, statistics.median(watch.epochs[1:]), sum(spent), len(watch.epochs)


def main():
    print("| layer | epochs | training | in the probe | an epoch | without the norm |")
    print("|---|--:|--:|--:|--:|--:|")
    for name in keras_nm.training.RECIPES["ntm/copy"]:
        _, plain, _, _ = train(name, watched=False)
        total, epoch, spent, epochs = train(name, watched=True)
        print(
            f"| {name} | {epochs} | {total:.1f} s | {spent:.2f} s, {spent / total:.1%} "
            f"| {epoch:.2f} s | {plain:.2f} s |",
            flush=True,
        )


if __name__ == "__main__":
    main()
