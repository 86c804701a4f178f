"""Files that are always complete, and directories that one process uses at a time."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

LOCK_FILE = ".lock"
_PARTIAL = "partial-"


@contextlib.contextmanager
def completed(path: Path) -> Iterator[Path]:
    """Gives a path next to the final place of a file, and moves the complete file there."""
    partial = path.with_name(f"{_PARTIAL}{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_text(path: Path, content: str) -> None:
    """Writes a file that is never seen incomplete."""
    with completed(path) as partial:
        partial.write_text(content, encoding="utf-8")


def is_empty(directory: Path) -> bool:
    """Returns whether a directory has no files but those that a killed process left."""
    return all(_is_left(child) for child in directory.iterdir())


def remove_empty(directory: Path) -> None:
    """Removes a directory in which there is nothing, see `is_empty`."""
    for child in directory.iterdir():
        if _is_left(child):
            child.unlink()
    directory.rmdir()


def _is_left(path):
    return path.name == LOCK_FILE or path.name.startswith(_PARTIAL)


@contextlib.contextmanager
def locked(directory: Path, busy: Exception) -> Iterator[None]:
    """Keeps other processes out of a directory. Makes the directory if it does not exist.

    The lock ends with the process that holds it, however that process ends. The error
    `busy` is raised if another process is in the directory.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / LOCK_FILE, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise busy from None
        yield
