"""Times training steps of the NTM against keras.layers.LSTM(100) on a GPU, with JAX.

    KERAS_BACKEND=jax python benchmarks/step_time_gpu.py

A step is the model, the loss, the gradients and the optimizer in one compiled program, on
a batch that is on the device already. The models take turns in one process. Needs no
TensorFlow.
"""

import argparse
import time

import jax
import jax.numpy as jnp
import keras
import numpy as np

from keras_nm.layers import NTM
from keras_nm.training import BitsPerSequenceLoss

TIME, FEATURES, UNITS = 41, 9, 8
BATCHES = (16, 64, 256, 1024, 4096)
STEPS = 30


def layers():
    dense = keras.layers.Dense(100, activation="tanh")
    return {
        "LSTM(100)": [
            keras.layers.LSTM(100, return_sequences=True),
            keras.layers.Dense(UNITS),
        ],
        "NTM, LSTM controller": [NTM(UNITS, return_sequences=True)],
        "NTM, feed-forward controller": [
            NTM(UNITS, controller=dense, return_sequences=True)
        ],
    }


def training_steps(chain, x, y):
    """A function that trains for STEPS steps."""
    model = keras.Sequential([keras.Input((None, FEATURES)), *chain])
    optimizer = keras.optimizers.RMSprop(1e-4, momentum=0.9, centered=True, clipvalue=10)
    optimizer.build(model.trainable_variables)
    loss_of = BitsPerSequenceLoss()
    fixed = [variable.value for variable in model.non_trainable_variables]

    def loss(weights):
        outputs, _ = model.stateless_call(weights, fixed, x, training=True)
        return loss_of(y, outputs)

    @jax.jit
    def step(weights, state):
        gradients = jax.grad(loss)(weights)
        return optimizer.stateless_apply(state, gradients, weights)

    def run():
        weights = [variable.value for variable in model.trainable_variables]
        state = [variable.value for variable in optimizer.variables]
        for _ in range(STEPS):
            weights, state = step(weights, state)
        jax.block_until_ready(weights)

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    device = jax.devices()[0].device_kind
    print(f"{device}, JAX {jax.__version__}, Keras {keras.__version__}")
    print("| batch | | step | against the LSTM | sequences per second |")
    print("|--:|---|--:|--:|--:|")
    rng = np.random.default_rng(0)
    for batch in BATCHES:
        x = jnp.asarray(rng.integers(0, 2, (batch, TIME, FEATURES)), "float32")
        y = jnp.asarray(rng.integers(0, 2, (batch, TIME, UNITS)), "float32")
        timed = {name: training_steps(chain, x, y) for name, chain in layers().items()}
        seconds = {name: [] for name in timed}
        for _ in range(rounds + 1):
            for name, run in timed.items():
                started = time.perf_counter()
                run()
                seconds[name].append((time.perf_counter() - started) / STEPS)
        medians = {name: np.median(values[1:]) for name, values in seconds.items()}
        for name, median in medians.items():
            ratio = median / medians["LSTM(100)"]
            print(
                f"| {batch} | {name} | {1e3 * median:.2f} ms | {ratio:.2f} x | "
                f"{batch / median:,.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
