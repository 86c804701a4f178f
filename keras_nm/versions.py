"""What results depend on, beside what was asked for."""

import platform
import subprocess
from pathlib import Path

import keras
import tensorflow as tf

import keras_nm


def current_versions() -> dict[str, str | None]:
    """Versions of packages, and the commit of keras_nm, or `None` if it is installed."""
    return {
        "keras_nm": keras_nm.__version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "python": platform.python_version(),
        "commit": _commit(),
    }


def _commit():
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout[
            :-1
        ]
    except (OSError, subprocess.CalledProcessError):
        return None  # no git, or one that does not trust the checkout
