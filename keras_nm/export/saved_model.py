"""Exports models as SavedModels that run without keras_nm."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import keras
from tensorflow.core.protobuf import saved_model_pb2

from keras_nm.arguments import check_integer
from keras_nm.export.card import write_card
from keras_nm.export.endpoints import add_endpoints
from keras_nm.export.versions import MAX_VERSION, versions_in
from keras_nm.export.warmup import write_warmup
from keras_nm.files import locked

# Nothing else begins like this, such as what a sweep has not finished.
_PARTIAL = ".partial-export-"


def export(model, path, version=None, *, card=None, overwrite=False):
    """Writes a model as `<path>/<version>/`, a SavedModel with named endpoints.

    A model of recurrent layers, such as `NTM`, has the endpoints `sequence`, `step` and
    `initial_state`, see `keras_nm.export.recurrent`. A model of one `NRAM` layer has the
    endpoints `fuzzy`, `integer` and `step`, see `keras_nm.export.tapes`. A model of one
    `NeuralGPU` layer has `sequence` and `step`, see `keras_nm.export.in_place`. The first
    endpoint is also `serving_default`.

    The folder has the layout that TensorFlow Serving reads. Its `assets.extra` holds
    `model_card.json` and `model_card.md`, which describe the model, and
    `tf_serving_warmup_requests`, with which servers warm up. If the controller of an `NRAM`
    has no states, the card holds its program. The card of an `NPI` says where the parts of
    its inputs and outputs are. The folder is written next to its final place
    and moved there when it is complete.

    Args:
        model: A built `keras.Model`. It has either one input
            `(batch, timesteps, features)` and is a chain of recurrent layers
            (`keras.layers.RNN` and its kind) and of layers that treat every time step
            alike, or it has one input, and an `NRAM` or a `NeuralGPU` layer.
        path: Path of the directory of all versions. Its name is the model's name.
        version: Positive integer below 2**63. Defaults to one more than the latest
            version.
        card: Dict of values that can be written as JSON, to add to the card, such as
            `keras_nm.training.describe(run, [20, 120])`.
        overwrite: Boolean, whether to replace the version if it exists.

    Returns:
        The `pathlib.Path` of the version.

    Raises:
        FileExistsError: If the version exists and `overwrite` is false, or if `path` is
            something other than a directory of versions.
        ValueError: If the model is of another kind, if Keras has another backend than
            TensorFlow, or if another process is exporting to the same path.

    Example:

    >>> import keras, keras_nm, tempfile
    >>> x = keras.Input((None, 9))
    >>> model = keras.Model(x, keras_nm.layers.NTM(8, return_sequences=True)(x))
    >>> path = keras_nm.export.export(model, tempfile.mkdtemp() + "/copy")
    >>> path.name
    '1'
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "Exports need Keras with TensorFlow. Save the model by `model.save`, and load "
            "and export it in a process with the environment variable "
            f"KERAS_BACKEND=tensorflow. Received: the backend {keras.backend.backend()}"
        )
    check_free(path, version, overwrite=overwrite)
    # The model is named after its directory, which may be given as "." or "..".
    path = Path(os.path.abspath(path))
    archive = keras.export.ExportArchive()
    add_endpoints(archive, model)
    busy = ValueError(f"Another process is exporting to {path}. Wait until it has finished")
    with locked(path, busy):
        for left_over in path.glob(f"{_PARTIAL}*"):  # of an export that was killed
            _clear(left_over, path)
        version = int(version or 1 + next(iter(versions_in(path)), 0))
        check_free(path, version, overwrite=overwrite)  # nor did another process take it
        target = path / str(version)
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=path))
        try:
            _write(archive, model, partial / "new", path.name, version, card or {})
            if target.exists():
                os.rename(target, partial / target.name)
            os.rename(partial / "new", target)
        finally:
            _clear(partial, path)
    return target


def check_free(path, version=None, *, overwrite=False):
    """Checks whether a model could be exported, before the work that this takes.

    Args:
        path: As in `export`.
        version: As in `export`.
        overwrite: As in `export`.

    Raises:
        FileExistsError: As for `export`.
        ValueError: If the version is not a positive integer below 2**63.
    """
    path = Path(os.path.abspath(path))
    if path.exists() and not _may_hold_versions(path):
        raise FileExistsError(
            f"{path} is not a directory of versions of one model, and an export writes to "
            "nothing else: choose another path"
        )
    if version is None:
        return
    check_integer("version", version, maximum=MAX_VERSION)
    target = path / str(version)
    if target.exists() and not overwrite:
        raise FileExistsError(
            f"{target} exists, and by default an export overwrites nothing: choose "
            "another version, or ask to overwrite it"
        )


def _may_hold_versions(path):
    """Returns whether a path is a directory of versions, or an empty one."""
    if not path.is_dir() or (path / "saved_model.pb").exists():
        return False
    others = [each for each in path.iterdir() if not each.name.startswith(".")]
    return not others or any(versions_in(path))


def _clear(partial, path):
    """Removes a partial export and puts back the version that it was about to replace."""
    for old in partial.iterdir():
        if old.name.isdecimal() and not (path / old.name).exists():
            os.rename(old, path / old.name)
    shutil.rmtree(partial)


def _write(archive, model, folder, name, version, card):
    with open(os.devnull, "w") as devnull, contextlib.redirect_stdout(devnull):
        archive.write_out(folder, verbose=False)
    content = (folder / "saved_model.pb").read_bytes()
    signatures = saved_model_pb2.SavedModel.FromString(content).meta_graphs[0].signature_def
    signatures = {
        name: signature
        for name, signature in signatures.items()
        if not name.startswith("__")  # SavedModel's own
    }
    extra = folder / "assets.extra"
    extra.mkdir()
    write_card(extra, model, name, version, signatures, card)
    write_warmup(extra, name, signatures)
