"""Ctrl-C, in a process of its own."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from keras_nm_cli.interruption import interruptible

# `keras-nm train` with another action, which says when it has begun.
COMMAND = """
import signal, sys, time
# The tests may run in the background of a shell, where Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
import tensorflow as tf
import keras_nm_cli as cli

def compute():
    print("begun", flush=True)
    print("a line that is not flushed")
    # One call that does not end, as a compilation that takes long.
    tf.while_loop(lambda i: True, lambda i: i + 1, [0])

def sleep():
    print("begun", flush=True)
    try:
        time.sleep(60)
    finally:
        time.sleep(3)  # Python is interrupted already, and has time to clean up
        print("cleaned up")

action = {"compute": tf.function(compute), "sleep": sleep}[sys.argv.pop()]
cli.train.run = lambda options: action()
sys.exit(cli.main())
"""

# `keras-nm train` where the import of TensorFlow takes long.
IMPORTING_COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import keras_nm_cli as cli
sys.path.insert(0, sys.argv.pop())
sys.exit(cli.main())
"""

SLOW_IMPORTS = {
    "python": """
        time.sleep(60)
    """,
    "python_that_catches_all": """
        try:
            time.sleep(60)
        except:
            time.sleep(60)
    """,
    # A lock that is never released, without a return to Python.
    "extension": """
        lock = ctypes.create_string_buffer(256)
        for _ in range(2):
            ctypes.CDLL(None).pthread_mutex_lock(lock)
    """,
}


@pytest.fixture(autouse=True)
def _not_ignored():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(command, argument):
    """Runs a command, interrupts it once, and returns the exit code, output and errors."""
    arguments = ["train", "ntm/copy", "--output", "run", argument]
    with subprocess.Popen(
        [sys.executable, "-c", command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout.readline() == "begun\n"
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)  # the call has begun, too
            process.send_signal(signal.SIGINT)
            process.wait(20)
            # `communicate` would lose what `readline` has read ahead.
            output, errors = process.stdout.read(), process.stderr.read()
        finally:
            process.kill()
    return process.returncode, output, errors


def test_a_long_call_of_tensorflow_is_interrupted():
    code, output, errors = interrupted(COMMAND, "compute")
    assert code == 130
    assert output == "a line that is not flushed\n"
    assert errors.endswith("\nkeras-nm: interrupted\n")


@pytest.mark.slow
def test_python_cleans_up():
    code, output, errors = interrupted(COMMAND, "sleep")
    assert code == 130
    assert output == "cleaned up\n"
    assert errors.endswith("\nkeras-nm: interrupted\n")


@pytest.mark.parametrize("kind", SLOW_IMPORTS)
def test_imports_are_interrupted(tmp_path, kind):
    source = 'import ctypes, os, time\nprint("begun", flush=True)\n'
    source += textwrap.dedent(SLOW_IMPORTS[kind])
    (tmp_path / "tensorflow.py").write_text(source)
    code, output, errors = interrupted(IMPORTING_COMMAND, str(tmp_path))
    assert (code, output, errors) == (130, "", "\nkeras-nm: interrupted\n")


def test_nothing_is_left_behind():
    with pytest.raises(KeyboardInterrupt), interruptible():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    descriptor = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(descriptor)
    assert descriptor == -1


def test_an_ignored_signal_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            os.kill(os.getpid(), signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
