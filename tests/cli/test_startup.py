"""What commands do before their work, in processes of their own."""

import resource
import subprocess
import sys

import pytest

COMMANDS = ("train", "resume", "evaluate", "export", "trace", "sweep", "chart", "serve")

# Runs a command to its end, and says whether it has imported what takes seconds.
ASKED = """
import sys
from keras_nm_cli import main
try:
    main()
except SystemExit:
    print("ended by the parser")
print(*{"tensorflow", "keras", "keras_nm"} & set(sys.modules), sep=", ")
"""


def run(source, *arguments):
    """Runs Python, and returns its output and the processor time that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        [sys.executable, "-c", source, *arguments], capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = sum(
        getattr(after, kind) - getattr(before, kind) for kind in ("ru_utime", "ru_stime")
    )
    return result.stdout, seconds


@pytest.fixture(scope="module")
def start_of_python():
    return max(run("pass")[1] for _ in range(3))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
        *([command, "--help"] for command in (*COMMANDS, "page", "data")),
        ["data", "build", "--help"],
        [],
        ["nonsense"],
        ["train", "ntm/copy"],
        ["train", "ntm/copy", "--output", "x", "--nonsense"],
        ["train", "ntm/copy", "--output", "x", "--seed", "one"],
    ],
    ids=" ".join,
)
def test_what_needs_no_import_is_answered_at_once(arguments, start_of_python):
    output, seconds = run(ASKED, *arguments)
    assert output.endswith("ended by the parser\n\n")
    # It takes about three times as long as Python alone, and TensorFlow a hundred times.
    assert seconds < 20 * start_of_python
