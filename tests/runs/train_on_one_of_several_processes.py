"""Run by `test_train_on_several_processes.py`: trains a small machine, and tells of it.

python train_on_one_of_several_processes.py MODEL EPOCHS RESULTS
"""

import sys
from pathlib import Path

import numpy as np
import small_runs
import train_on_several_processes as example

example.distribute()
path, epochs, results = sys.argv[1:]
# The optimizer makes fewer steps than there are batches.
config = {**small_runs.COPY.optimizer["config"], "gradient_accumulation_steps": 2}
optimizer = {**small_runs.COPY.optimizer, "config": config}
recipe = small_runs.changed(
    small_runs.COPY,
    layer={"controller": small_runs.NOISY_CONTROLLER},
    optimizer=optimizer,
    task_options={"max_length": 20, "num_bits": 3},
    batch_size=4,
    steps_per_epoch=2,
    epochs=int(epochs),
    jit_compile=True,
)
model = example.train(recipe, Path(path), seed=1)
np.savez(results, *[np.asarray(each.value) for each in model.variables])
