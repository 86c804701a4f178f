"""Times all machines on a GPU, with JAX, and prints Markdown tables.

    python benchmarks/gpu.py

It takes at most about eight minutes, and says what it left out for lack of time or memory.
On a computer without a GPU, `--smoke` runs the same at tiny sizes.

A training step is the model, the loss, the gradients and the optimizer in one compiled
program, on a batch that is on the device already. Each table compares everything with one
baseline, which takes turns with it. The times are medians, without compilation. Needs no
TensorFlow.
"""

import os

os.environ["KERAS_BACKEND"] = "jax"

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import keras
import numpy as np

import keras_nm
from keras_nm.layers import DNC, NPI, NRAM, NTM, NeuralGPU, StackRNN, TapeRNN
from keras_nm.programs import PROGRAMS
from keras_nm.training import BitsPerSequenceLoss, NoisyAdam, TapeLoss

TIME, FEATURES, UNITS = 41, 9, 8
INTEGER_BATCHES = (1, 16)


@dataclass(frozen=True)
class Sizes:
    """What is measured, and how long.

    Args:
        batches: Batch sizes of the machines on sequences.
        tapes: Sizes M of the random-access machine in training.
        replicas: Numbers of random-access machines in one program.
        integer_tapes: Sizes M of the random-access machine on integers.
        rounds: How often everything takes its turn.
        turn: How many seconds a turn takes at least.
    """

    batches: tuple[int, ...] = (16, 64, 256, 1024, 4096)
    tapes: tuple[int, ...] = (16, 32, 64, 128, 256)
    replicas: tuple[int, ...] = (1, 4, 16, 64, 256)
    integer_tapes: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    rounds: int = 7
    turn: float = 0.1


SMOKE = Sizes(
    batches=(2,),
    tapes=(8, 12),
    replicas=(1, 2),
    integer_tapes=(100, 1_000),
    rounds=3,
    turn=0.001,
)


@dataclass(frozen=True)
class Table:
    """A table with a row for each size, from small to large.

    Args:
        title: What it shows.
        head: Names of the columns, first that of the sizes.
        sizes: The sizes.
        row: Function from a size to the other cells of its row.
        share: Its share of the time.
    """

    title: str
    head: tuple[str, ...]
    sizes: tuple[int, ...]
    row: Callable[[int], list[str]]
    share: float

    def print(self, end):
        """Prints the rows for which there is time: the first, and others until `end`."""
        print(f"\n## {self.title}\n")
        print(f"| {' | '.join(self.head)} |")
        print("|" + "--:|" * len(self.head), flush=True)
        left_out, reason, took = (), "", 0.0
        for index, size in enumerate(self.sizes):
            started = time.monotonic()
            # A size takes at least as long as the one before it.
            if index and started + took > end:
                left_out, reason = self.sizes[index:], "no time is left"
                break
            try:
                cells = self.row(size)
            except jax.errors.JaxRuntimeError as error:  # such as too little memory
                left_out, reason = self.sizes[index:], str(error).splitlines()[0]
                break
            print(f"| {size:,} | {' | '.join(cells)} |", flush=True)
            took = time.monotonic() - started
        if left_out:
            names = ", ".join(f"{size:,}" for size in left_out)
            print(f"\nLeft out: {self.head[0]} {names}: {reason}", flush=True)


def in_turns(runs, sizes):
    """Measures the seconds of a step.

    Args:
        runs: Dict from names to functions that run a number of steps.
        sizes: The `Sizes`.

    Returns:
        A dict from the names to the medians.
    """
    steps = {}
    for name, run in runs.items():
        run(1)  # compiles it
        steps[name] = 1
        while seconds(run, steps[name]) < sizes.turn:
            steps[name] *= 2
    times = {name: [] for name in runs}
    for _ in range(sizes.rounds):
        for name, run in runs.items():
            times[name].append(seconds(run, steps[name]) / steps[name])
    return {name: np.median(each) for name, each in times.items()}


def seconds(run, steps):
    started = time.perf_counter()
    run(steps)
    return time.perf_counter() - started


def training(model, optimizer, loss_of, x, y):
    """Returns a function that trains for a number of steps."""
    x, y = jax.device_put((x, y))
    optimizer.build(model.trainable_variables)
    fixed = [variable.value for variable in model.non_trainable_variables]
    start = (
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in optimizer.variables],
    )

    def loss(weights, x, y):
        outputs, _, losses = model.stateless_call(
            weights, fixed, x, training=True, return_losses=True
        )
        return loss_of(y, outputs) + sum(losses)

    # The batch is an argument, because XLA computes with constants when it compiles.
    @jax.jit
    def step(weights, state, x, y):
        gradients = jax.grad(loss)(weights, x, y)
        return optimizer.stateless_apply(state, gradients, weights)

    def run(steps):
        weights, state = start
        for _ in range(steps):
            weights, state = step(weights, state, x, y)
        jax.block_until_ready(weights)

    return run


def on_sequences(sizes):
    def layers():
        dense = keras.layers.Dense(100, activation="tanh")
        lstm = keras.layers.LSTM(100, return_sequences=True)
        options = {"return_sequences": True}
        return {
            "LSTM(100)": [lstm, keras.layers.Dense(UNITS)],
            "NTM, LSTM controller": [NTM(UNITS, **options)],
            "NTM, feed-forward controller": [NTM(UNITS, controller=dense, **options)],
            "DNC": [DNC(UNITS, **options)],
            "StackRNN": [StackRNN(UNITS, **options)],
            "TapeRNN": [TapeRNN(UNITS, **options)],
            "NeuralGPU": [NeuralGPU(UNITS)],
            "NPI": [NPI(UNITS - 1, **options)],  # and the end of a call
        }

    def steps(chain, batch):
        rng = np.random.default_rng(0)
        return training(
            keras.Sequential([keras.Input((None, FEATURES)), *chain]),
            keras.optimizers.RMSprop(1e-4, momentum=0.9, centered=True, clipvalue=10),
            BitsPerSequenceLoss(),
            rng.integers(0, 2, (batch, TIME, FEATURES)).astype("float32"),
            rng.integers(0, 2, (batch, TIME, UNITS)).astype("float32"),
        )

    def row(batch):
        runs = {name: steps(chain, batch) for name, chain in layers().items()}
        times = in_turns(runs, sizes)
        baseline = times["LSTM(100)"]
        return [
            f"{each / baseline:.2f} x, {1e3 * each:.2f} ms, {batch / each:,.0f} /s"
            for each in times.values()
        ]

    return Table(
        f"A training step: {TIME} time steps, and sequences per second",
        ("batch", *layers()),
        sizes.batches,
        row,
        share=0.45,
    )


def on_tapes(sizes, batch=32):
    def steps(size):
        tape = keras.Input((size,), dtype="int32")
        tapes = np.random.default_rng(0).integers(1, size, (batch, size)).astype("int32")
        return training(
            keras.Model(tape, NRAM(4, num_steps=10)(tape)),
            keras.optimizers.Adam(global_clipnorm=1.0),
            TapeLoss(),
            tapes,
            tapes,
        )

    def row(size):
        times = in_turns({size: steps(size), smallest: baseline}, sizes)
        return [f"{times[size] / times[smallest]:.2f} x, {1e3 * times[size]:.2f} ms"]

    smallest = sizes.tapes[0]
    baseline = steps(smallest)
    return Table(
        f"NRAM, a training step: batch {batch}, 10 time steps, 4 registers, 14 gates",
        ("M", f"training step, against M = {smallest}"),
        sizes.tapes,
        row,
        share=0.2,
    )


def of_replicas(sizes, batch=16, size=13):
    # The recipe's settings once more, because recipes need TensorFlow.
    def steps(num_replicas):
        tape = keras.Input((size,), dtype="int32")
        layer = NRAM(
            5,
            num_steps=8,
            entropy_weight=-4.0,
            activation_gradient_clip=16.0,
            num_replicas=num_replicas,
        )
        shape = (num_replicas * batch, size)
        tapes = np.random.default_rng(0).integers(1, size, shape).astype("int32")
        return training(
            keras.Model(tape, layer(tape)),
            NoisyAdam(0.01, num_replicas=num_replicas),
            TapeLoss(),
            tapes,
            tapes,
        )

    def row(seeds):
        times = in_turns({seeds: steps(seeds), 1: baseline}, sizes)
        ratio = times[seeds] / times[1]
        return [
            f"{ratio:.2f} x, {1e3 * times[seeds]:.2f} ms",
            f"{seeds / ratio:.2f} x, {seeds / times[seeds]:,.0f} /s",
        ]

    baseline = steps(1)
    return Table(
        f"NRAM, seeds in one program: the recipe for nram/copy, batch {batch}, M = {size}",
        ("seeds", "training step, against 1 seed", "seeds x steps per second"),
        sizes.replicas,
        row,
        share=0.2,
    )


def on_integers(sizes):
    program = PROGRAMS["increment"]  # which never stops
    machine = jax.jit(program.into_layer(NRAM(program.num_registers)).run_integers)

    def steps(size, batch):
        rng = np.random.default_rng(0)
        tape = jnp.asarray(rng.integers(0, size, (batch, size)), "int32")

        def run(steps):
            result = machine(tape, steps)
            if not np.all(np.asarray(result["num_steps"]) == steps):
                raise RuntimeError(f"A machine stopped before its {steps} steps")

        return run

    def row(size):
        runs = {(size, batch): steps(size, batch) for batch in INTEGER_BATCHES}
        times = in_turns(runs | baselines, sizes)
        return [
            f"{times[size, batch] / times[smallest, batch]:.2f} x, "
            f"{1e6 * times[size, batch]:.2f} us"
            for batch in INTEGER_BATCHES
        ]

    smallest = sizes.integer_tapes[0]
    baselines = {(smallest, batch): steps(smallest, batch) for batch in INTEGER_BATCHES}
    return Table(
        f"NRAM on integers, a time step: against M = {smallest:,}",
        ("M", *(f"batch {batch}" for batch in INTEGER_BATCHES)),
        sizes.integer_tapes,
        row,
        share=0.15,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="run at tiny sizes")
    parser.add_argument("--seconds", type=float, default=450, help="leave out the rest")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    versions = f"JAX {jax.__version__}, Keras {keras.__version__}"
    print(
        f"{jax.devices()[0].device_kind}, {versions}, keras_nm {keras_nm.__version__}",
        flush=True,
    )
    sizes = SMOKE if options.smoke else Sizes()
    share_left = 1.0
    for make in (on_sequences, on_tapes, of_replicas, on_integers):
        started = time.monotonic()
        table = make(sizes)
        # What a table does not use is left to the others.
        table.print(started + (end - started) * table.share / share_left)
        share_left -= table.share


if __name__ == "__main__":
    main()
