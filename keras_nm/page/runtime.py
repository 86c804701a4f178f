"""The WebAssembly runtime of the page: ONNX Runtime Web, fetched with npm."""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

VERSION = "1.30.0"
_PACKAGE = f"onnxruntime-web@{VERSION}"
# Of the package's archive, so that a page never holds a runtime that was not tested.
_INTEGRITY = (
    "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4C"
    "XAfKYQ=="
)
# One thread. More threads would need headers that only a server can send.
_FILES = {
    "runtime": "package/dist/ort.wasm.bundle.min.mjs",
    "wasm": "package/dist/ort-wasm-simd-threaded.wasm",
}


def fetch_runtime():
    """Fetches the runtime.

    Returns:
        A dict of bytes: `"runtime"`, a JavaScript module, and `"wasm"`.

    Raises:
        OSError: If npm is missing or fails, or if it fetches a package that the page was
            not tested with.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise OSError(
            "npm is missing. It fetches the runtime that goes into a page. Install Node.js "
            "with npm, for example with `apt-get install npm`"
        )
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            [npm, "pack", _PACKAGE, "--json", "--loglevel=error"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise OSError(f"`npm pack {_PACKAGE}` failed: {_reason(result)}")
        [archive] = Path(folder).iterdir()
        digest = hashlib.sha512(archive.read_bytes()).digest()
        if f"sha512-{base64.b64encode(digest).decode()}" != _INTEGRITY:
            raise OSError(
                f"`npm pack {_PACKAGE}` fetched an archive that the page was not tested "
                f"with: its SHA-512 is not {_INTEGRITY}"
            )
        with tarfile.open(archive) as files:
            return {key: files.extractfile(file).read() for key, file in _FILES.items()}


def _reason(result):
    """Returns the reason that npm gives for its failure, in one line."""
    try:
        error = json.loads(result.stdout)["error"]
        return error["summary"].strip().splitlines()[0]
    except (ValueError, LookupError, AttributeError):
        lines = (result.stderr or result.stdout).strip().splitlines()
        return lines[0] if lines else f"exit code {result.returncode}"
