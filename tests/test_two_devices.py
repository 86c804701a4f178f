"""With `tf.distribute`, the losses of replicas add up to the loss of their whole batch."""

import subprocess
import sys

import pytest

# In a process of its own, because TensorFlow fixes its devices when it starts.
SCRIPT = """
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

from keras_nm.layers import NRAM
from keras_nm.training import BitsPerSequenceLoss, TapeLoss

rng = np.random.default_rng(0)
bits = rng.integers(0, 2, (4, 3, 5)).astype("float32")
logits = rng.normal(size=(4, 3, 5)).astype("float32")
tape = rng.integers(0, 3, (4, 3))
outputs = NRAM(2, num_steps=2, gates=["READ", "ZERO", "MAX"])(tape).numpy()
for loss, *batch in (
    (BitsPerSequenceLoss(), bits, logits),
    (TapeLoss(), tape[::-1], outputs),
    (TapeLoss("log_expected"), tape[::-1], outputs),
):
    def half_of_batch(context):
        first = 2 * context.replica_id_in_sync_group
        return tuple(tf.constant(each[first : first + 2]) for each in batch)

    values = strategy.experimental_distribute_values_from_function(half_of_batch)
    parts = strategy.run(tf.function(lambda pair: loss(*pair)), (values,))
    total = strategy.reduce("SUM", parts, axis=None)
    np.testing.assert_allclose(total, loss(*batch), rtol=1e-5)
"""


@pytest.mark.slow
def test_losses_of_replicas_add_up():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-5000:]
