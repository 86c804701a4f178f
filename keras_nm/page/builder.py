"""Writes a page of models: one HTML file that needs no server and no network."""

import base64
import gzip
import json
import re
from pathlib import Path

from keras_nm.files import write_text
from keras_nm.page.models import describe_models
from keras_nm.page.runtime import VERSION, fetch_runtime

_STATIC = Path(__file__).parent / "static"
# Each script comes after those that it uses.
_SCRIPTS = (
    "runtime.js",
    "parts.js",
    "heatmap.js",
    "sequences.js",
    "ntm.js",
    "nram.js",
    "neural_gpu.js",
    "page.js",
)


def write_page(directory, path):
    """Writes a page in which exported models run in the browser.

    The page is one HTML file with everything in it: the newest version of each model,
    converted to ONNX, and ONNX Runtime Web. It opens with a double-click or from any web
    server, and contacts no other address. It shows what happens inside the models step by
    step.

    Args:
        directory: Path of the models, `directory/NAME/VERSION`, as
            `keras_nm.export.export` writes them: models of the machines of keras_nm.
        path: Path of the HTML file.

    Returns:
        The `pathlib.Path` of the file.

    Raises:
        FileExistsError: If the file exists.
        NotADirectoryError: If there is no such directory.
        ValueError: If a model is of another kind, or if there are no models.
        OSError: If npm, which fetches the runtime, is missing or fails.

    Example:

    >>> from keras_nm.page import write_page
    >>> write_page("saved_models", "page.html")  # doctest: +SKIP
    PosixPath('page.html')
    """
    path = Path(path)
    if path.exists():
        raise FileExistsError(
            f"{path} already exists and is not overwritten: choose another path"
        )
    blobs = fetch_runtime()  # may fail, so it comes before the conversion of models
    models = describe_models(Path(directory))
    blobs |= {f"model-{index}": model.pop("onnx") for index, model in enumerate(models)}
    parts = {
        "style": _static("page.css"),
        "script": "\n".join(_static(name) for name in _SCRIPTS),
        # JSON that is also JavaScript, without text that would end the script element.
        "models": json.dumps(models, allow_nan=False).replace("<", "\\u003c"),
        "blobs": "\n".join(
            f'<script type="application/gzip" id="{name}">{_packed(content)}</script>'
            for name, content in blobs.items()
        ),
        "runtime_version": VERSION,
    }
    page = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _static("template.html"))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page)
    return path


def _static(name):
    return (_STATIC / name).read_text(encoding="utf-8")


def _packed(content):
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
