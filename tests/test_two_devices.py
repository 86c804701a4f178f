"""With `tf.distribute`, two devices do together what one does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("on_two_devices.py")


# In a process of its own, because TensorFlow fixes its devices when it starts.
@pytest.mark.slow
def test_two_devices():
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}  # that of the strategy
    done = subprocess.run(
        [sys.executable, SCRIPT], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-5000:]
    assert done.stdout.endswith("the same on two devices\n")
