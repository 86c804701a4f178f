"""The command line: argparse over the Python API, one file per command.

Importing keras_nm takes seconds. So this is a package beside it, which imports it when a
command is about to run, and answers requests for help and wrong arguments before.
"""

import argparse
import contextlib
import importlib.util
import os
import runpy
import sys
from pathlib import Path

from keras_nm_cli import (
    chart,
    data,
    evaluate,
    export,
    page,
    resume,
    serve,
    sweep,
    trace,
    train,
)
from keras_nm_cli.interruption import EXIT_CODE, MESSAGE, interruptible
from keras_nm_cli.notices import notices_held_back

# In the order in which the help lists them.
_COMMANDS = (train, resume, evaluate, export, trace, sweep, chart, serve, page, data)

_DESCRIPTION = """\
Trains, measures, shows and exports neural machines, and makes data for them.

A first session, from nothing to a served model:

  keras-nm train ntm/copy --output runs/copy
  keras-nm evaluate runs/copy --lengths 10 20 30 50 120
  keras-nm trace runs/copy --output copy.png
  keras-nm export runs/copy exported/copy
  keras-nm serve exported

Every command is a few lines of code on top of keras_nm.training, keras_nm.tasks,
keras_nm.plots or keras_nm.export.
TensorFlow's notices are shown with the environment variable TF_CPP_MIN_LOG_LEVEL=0.
Exit codes: 0 done, 2 bad arguments or files (one line says which), 130 interrupted,
141 the reader of the output has stopped.
"""


def main(arguments=None):
    """Runs the command line and returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not in notebooks
            # No character that the terminal lacks makes a command fail after its work.
            stream.reconfigure(errors="backslashreplace")
    options = make_parser().parse_args(arguments)
    # A notebook, which passes arguments, goes on after an interruption.
    is_process = arguments is None
    try:
        if is_process:
            with interruptible(at_once=True), notices_held_back():
                _import_everything()
        with interruptible() if is_process else contextlib.nullcontext():
            options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output has stopped, as `head` does. Python would fail once more
        # at its end, when it writes the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, OSError, ImportError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        print(f"keras-nm: error: {reason}", file=sys.stderr)
        return 2
    except Exception as error:
        if not _lacks_memory(error):
            raise
        print(
            "keras-nm: error: there is not enough memory. Take smaller lengths, a smaller "
            "memory or fewer examples at a time",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print(MESSAGE, file=sys.stderr)
        return EXIT_CODE
    return 0


def make_parser():
    parser = argparse.ArgumentParser(
        prog="keras-nm",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"keras_nm {_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_command(commands)
    return parser


def _lacks_memory(error):
    import tensorflow as tf

    return isinstance(error, MemoryError | tf.errors.ResourceExhaustedError)


def _import_everything():
    import tensorflow as tf

    import keras_nm  # noqa: F401

    tf.config.list_physical_devices()  # says that there is no GPU, as an error


def _version():
    package = Path(importlib.util.find_spec("keras_nm").origin)
    return runpy.run_path(package.with_name("version.py"))["__version__"]
