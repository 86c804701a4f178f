"""Times a training step of the NTM against the best-known implementation in PyTorch.

    git clone https://github.com/loudinthecloud/pytorch-ntm
    python benchmarks/pytorch_ntm.py pytorch-ntm

Both train on copies of 20 vectors with the sizes of that project: a memory of 128 x 20, an
LSTM of 100 units, RMSprop, gradients clipped by element. Ours is compiled with XLA and
trains as `model.fit` does; theirs trains as its `train.py` does. They take turns in one
process, each on all cores.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import sys
import time
from pathlib import Path

import keras
import numpy as np
import torch

import keras_nm

LENGTH, BITS = 20, 8
OUR_STEPS = 20


def our_steps(batch_size):
    """Returns a function that trains for `OUR_STEPS` steps."""
    task = keras_nm.tasks.ntm.Copy(min_length=LENGTH, max_length=LENGTH)
    model = keras.Sequential(
        [
            keras.Input((None, task.input_size)),
            keras_nm.layers.NTM(BITS, memory_shape=(128, 20), return_sequences=True),
        ]
    )
    model.compile(
        keras.optimizers.RMSprop(1e-4, momentum=0.9, clipvalue=10),
        keras_nm.training.BitsPerSequenceLoss(),
        jit_compile=True,
        steps_per_execution=OUR_STEPS,
    )
    # One batch again and again, as theirs. Neither has to make examples.
    data = task.dataset(batch_size).take(1).cache().repeat()
    model.fit(data, steps_per_epoch=OUR_STEPS, verbose=0)
    iterator = iter(data)
    return lambda: model.train_function(iterator)


def their_step(module, batch_size):
    """Returns a function that trains for one step, as that project's `train_batch`."""
    net = module.EncapsulatedNTM(BITS + 1, BITS, 100, 1, 1, 128, 20)
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-4, momentum=0.9, alpha=0.95)
    criterion = torch.nn.BCELoss()
    rng = np.random.default_rng(0)
    right = torch.tensor(rng.integers(0, 2, (LENGTH, batch_size, BITS)), dtype=torch.float)
    inputs = torch.zeros(LENGTH + 1, batch_size, BITS + 1)
    inputs[:LENGTH, :, :BITS] = right
    inputs[LENGTH, :, BITS] = 1.0

    def step():
        optimizer.zero_grad()
        net.init_sequence(batch_size)
        for x in inputs:
            net(x)
        outputs = torch.stack([net()[0] for _ in range(LENGTH)])
        criterion(outputs, right).backward()
        torch.nn.utils.clip_grad_value_(net.parameters(), 10)
        optimizer.step()

    return step


def seconds(function):
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path, help="where pytorch-ntm was cloned to")
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[1, 16, 64])
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    sys.path.insert(0, str(options.checkout))
    from ntm import aio  # that project's package

    print("| batch | pytorch-ntm, sequences per second | keras_nm | |")
    print("|--:|--:|--:|--:|")
    for batch_size in options.batch_sizes:
        ours, theirs = our_steps(batch_size), their_step(aio, batch_size)
        times = []
        for _ in range(options.rounds + 1):
            times.append((seconds(theirs), seconds(ours) / OUR_STEPS))
        their_time, our_time = np.median(times[1:], axis=0)  # the first warms up
        cells = [f"{batch_size / x:,.1f}" for x in (their_time, our_time)]
        print(f"| {batch_size} | {' | '.join(cells)} | {their_time / our_time:.0f} x |")


if __name__ == "__main__":
    main()
