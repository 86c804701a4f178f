"""The version of the package, and of everything that a result depends on."""

import platform
import subprocess
from pathlib import Path

__version__ = "0.2.0"


def current_versions() -> dict[str, str | None]:
    """Returns package versions, and the commit of keras_nm, `None` if it is installed."""
    # Not at the top, so that the version is known without TensorFlow.
    import keras
    import tensorflow as tf

    return {
        "keras_nm": __version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "python": platform.python_version(),
        "commit": _commit(),
    }


def _commit() -> str | None:
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None  # no git, or one that does not trust the checkout
    return result.stdout.strip()
