"""Files that are complete at any moment, and directories of one process at a time."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def write_text(path: Path, content: str) -> None:
    """Writes a file beside its place and moves it there when it is complete."""
    partial = path.with_name(f"partial-{path.name}")
    partial.write_text(content, encoding="utf-8")
    os.replace(partial, path)


@contextlib.contextmanager
def locked(directory: Path, message: str) -> Iterator[None]:
    """Keeps other processes out of a directory, which is made if there is none.

    The lock goes with the process that holds it, however that ends.

    Raises:
        ValueError: With the message, if another process is in the directory.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(message) from None
        yield
