"""The folders of a model's versions, as TensorFlow Serving names them."""

from pathlib import Path

# Versions are 64-bit integers, with a sign.
MAX_VERSION = 2**63 - 1


def versions_in(folder: Path) -> dict[int, Path]:
    """Returns the versions of a model, the latest first.

    Args:
        folder: `pathlib.Path` of all versions.

    Returns:
        A dict from version numbers, positive integers, to their folders.
    """
    found = {}
    for path in folder.iterdir():
        name = path.name
        if name.isascii() and name.isdecimal() and path.is_dir():
            number = int(name)
            # Not "007", which is another folder than "7".
            if 1 <= number <= MAX_VERSION and str(number) == name:
                found[number] = path
    return dict(sorted(found.items(), reverse=True))
