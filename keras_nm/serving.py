"""Serves SavedModels over HTTP, in the manner of TensorFlow Serving's REST API.

A directory holds a folder for each model. A model's folder holds a folder for each version,
as `keras_nm.export.export` writes them: `DIR/NAME/VERSION/saved_model.pb`. The highest
version of each model answers. The server checks the folders regularly. A new version takes
over when it is loaded, and the old version answers until then.
"""

import asyncio
import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2

from keras_nm.export.versions import versions_in
from keras_nm.export.warmup import WARMUP_FILE, read_warmup

try:
    from aiohttp import web
    from aiohttp.http import HttpProcessingError
    from aiohttp.log import server_logger
except ImportError as error:
    raise ImportError(
        "Serving needs aiohttp: install it with `pip install keras_nm[serve]`"
    ) from error

_LOG = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
_MAX_BODY = 32 * 2**20
# Limits scalars such as the number of steps, because nothing can stop a running request.
_MAX_NUMBER = 10_000


class RequestError(ValueError):
    """An error in a client's request, with its HTTP status."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Version:
    """A loaded SavedModel.

    Args:
        path: `pathlib.Path` of the folder, whose name is the version.
    """

    def __init__(self, path):
        self.number = int(path.name)
        proto = saved_model_pb2.SavedModel.FromString(
            (path / "saved_model.pb").read_bytes()
        )
        # The signatures only work as long as the model itself exists.
        self._model = tf.saved_model.load(path)
        self.definitions = {
            name: definition
            for name, definition in proto.meta_graphs[0].signature_def.items()
            if name in self._model.signatures
        }
        if (path / "assets.extra" / WARMUP_FILE).exists():
            for name, inputs in read_warmup(path / "assets.extra"):
                try:
                    self._model.signatures[name](**inputs)
                except tf.errors.OpError as error:  # the model does not take zeros
                    _LOG.warning("%s: no warm-up of %s: %s", path, name, error.message)

    def predict(self, body):
        """Answers a request.

        Args:
            body: The parsed JSON: `"instances"`, a list of examples, or `"inputs"`, a
                batch; and `"signature_name"`, which defaults to `"serving_default"`.

        Returns:
            The content of the answer's JSON: `"predictions"`, a list, for instances, or
            `"outputs"` for inputs. A single output has no name.

        Raises:
            RequestError: If the request does not fit the signature.
        """
        if not isinstance(body, dict) or ("instances" in body) == ("inputs" in body):
            raise RequestError(
                400, 'The body must be a JSON object with either "instances" or "inputs"'
            )
        name = body.get("signature_name", "serving_default")
        if not isinstance(name, str) or name not in self.definitions:
            raise RequestError(
                400,
                f"There is no signature {name!r}. The signatures are "
                f"{', '.join(sorted(self.definitions))}",
            )
        signature = self._model.signatures[name]
        specs = signature.structured_input_signature[1]
        if "instances" in body:
            outputs = _run(signature, _stack(body["instances"], specs))
            return {"predictions": _rows(outputs)}
        inputs = body["inputs"]
        if not isinstance(inputs, dict) or not set(inputs) & set(specs):
            inputs = _name_the_only_one(inputs, specs)
        outputs = _run(signature, _tensors(inputs, specs))
        lists = {name: value.tolist() for name, value in outputs.items()}
        return {"outputs": next(iter(lists.values())) if len(lists) == 1 else lists}


def _name_the_only_one(value, specs):
    if len(specs) != 1:
        raise RequestError(400, f"The inputs must be an object with {', '.join(specs)}")
    return {next(iter(specs)): value}


def _stack(instances, specs):
    """Makes a batch of a list of examples."""
    if not isinstance(instances, list) or not instances:
        raise RequestError(400, '"instances" must be a list of at least one example')
    scalars = [name for name, spec in specs.items() if spec.shape.rank == 0]
    if scalars:
        raise RequestError(
            400,
            f"This signature takes {', '.join(scalars)} for the whole batch: send the "
            'batch as "inputs", not as "instances"',
        )
    rows = [
        row if isinstance(row, dict) else _name_the_only_one(row, specs)
        for row in instances
    ]
    if any(set(row) != set(rows[0]) for row in rows):
        raise RequestError(400, "All instances must have the same names")
    return _tensors({name: [row[name] for row in rows] for name in rows[0]}, specs)


def _tensors(inputs, specs):
    if set(inputs) != set(specs):
        raise RequestError(
            400, f"The inputs must be {', '.join(specs)}. Received: {', '.join(inputs)}"
        )
    tensors = {name: _tensor(name, inputs[name], spec) for name, spec in specs.items()}
    sizes = {name: len(x) for name, x in tensors.items() if x.shape.rank}
    if len(set(sizes.values())) > 1:
        raise RequestError(
            400, f"All inputs must have the same batch size. Received: {sizes}"
        )
    return tensors


def _tensor(name, value, spec):
    expected = f"{spec.dtype.name} of shape {tuple(spec.shape)}"
    try:
        array = np.array(value)
    except ValueError:
        raise RequestError(
            400, f"Input {name!r} must be {expected}, with rows of the same length"
        ) from None
    if spec.dtype.is_floating and array.dtype.kind == "O":
        array = _large_numbers(array)
    # Among numbers, NumPy takes a boolean for one of them.
    has_booleans = any(isinstance(x, bool) for x in np.array(value, dtype=object).flat)
    if (
        array.size == 0
        or has_booleans
        or array.dtype.kind not in ("f" if spec.dtype.is_floating else "") + "iu"
    ):
        raise RequestError(
            400, f"Input {name!r} must be {expected}. Received: {_short(value)}"
        )
    if not spec.shape.is_compatible_with(array.shape):
        raise RequestError(
            400, f"Input {name!r} must be {expected}. Received: shape {array.shape}"
        )
    if not spec.dtype.min <= array.min() <= array.max() <= spec.dtype.max:
        raise RequestError(
            400, f"Input {name!r} must be finite and within the range of {spec.dtype.name}"
        )
    if array.ndim == 0 and array > _MAX_NUMBER:
        raise RequestError(400, f"Input {name!r} must be at most {_MAX_NUMBER}")
    return tf.constant(array, spec.dtype)


def _large_numbers(array):
    """Whole numbers beyond 64 bits, which JavaScript writes for large floats, as floats."""
    if all(isinstance(x, int | float) and not isinstance(x, bool) for x in array.flat):
        try:
            return array.astype(float)
        except OverflowError:  # beyond the floats
            return np.full(array.shape, np.inf)
    return array


def _short(value):
    text = json.dumps(value)
    return text if len(text) < 60 else f"{text[:60]}..."


def _run(signature, inputs):
    try:
        outputs = signature(**inputs)
    except tf.errors.ResourceExhaustedError:
        raise RequestError(429, "There is not enough memory for this request") from None
    except (tf.errors.OpError, ValueError) as error:
        # The message of the model's own check, without TensorFlow's words on the graph.
        lines = str(error).splitlines()
        failed = [line for line in lines if line.startswith("assertion failed")]
        raise RequestError(400, (failed or lines)[0]) from None
    return {name: output.numpy() for name, output in outputs.items()}


def _rows(outputs):
    if len(outputs) == 1:
        return next(iter(outputs.values())).tolist()
    rows = zip(*(output.tolist() for output in outputs.values()), strict=True)
    return [dict(zip(outputs, row, strict=True)) for row in rows]


class Models:
    """The models of a directory, each in the latest version that can be loaded.

    Args:
        directory: `pathlib.Path`.
    """

    def __init__(self, directory):
        self._directory = directory
        self._loaded = {}  # from the model's name to its version
        self._broken = {}  # from the path to its content and the error
        self._unreadable = {}  # from the model's name to the error

    def refresh(self):
        """Loads new versions and drops models that are gone."""
        folders = {path.name: path for path in self._directory.iterdir() if path.is_dir()}
        for name in set(self._loaded) - set(folders):
            _LOG.info("%s is gone", name)
            del self._loaded[name]
        broken = {}
        for name, folder in folders.items():
            current = self._loaded.get(name)
            try:
                versions = versions_in(folder)
            except OSError as error:  # the other models are still checked
                if self._unreadable.get(name) != str(error):
                    _LOG.error("%s", error)
                self._unreadable[name] = str(error)
                continue
            self._unreadable.pop(name, None)
            for number, path in versions.items():
                if current is not None and current.number == number:
                    break
                version = self._load(name, path, broken)
                if version is not None:
                    self._loaded[name] = version
                    break
            else:
                self._loaded.pop(name, None)
        self._broken = broken  # in one step, because other threads read it

    def _load(self, name, path, broken):
        content = None
        try:
            content = {(f, f.stat().st_mtime_ns, f.stat().st_size) for f in path.rglob("*")}
            if path in self._broken and self._broken[path][0] == content:
                broken[path] = self._broken[path]
                return None
            version = Version(path)
        except Exception as error:  # a damaged folder can raise anything
            broken[path] = content, f"{type(error).__name__}: {error}"
            if self._broken.get(path) != broken[path]:
                _LOG.error("%s version %s cannot be loaded: %s", name, path.name, error)
            return None
        _LOG.info("%s version %s is loaded", name, path.name)
        return version

    def names(self):
        """Returns the names of the models that answer."""
        return sorted(self._loaded)

    def find(self, name, number=None):
        """Returns the loaded version of a model.

        Raises:
            RequestError: If no version is loaded, or if it has another number.
        """
        version = self._loaded.get(name)
        if version is None or number not in (None, version.number):
            wanted = f"model {name!r}" + ("" if number is None else f" version {number}")
            there = [
                f"{name} version {v.number}" for name, v in sorted(self._loaded.items())
            ]
            raise RequestError(
                404, f"There is no {wanted}. Loaded: {', '.join(there) or 'nothing yet'}"
            )
        return version

    def status(self, name, number=None):
        """Returns the status of a model's versions, as TensorFlow Serving does."""
        broken = {
            int(path.name): message
            for path, (_, message) in self._broken.items()
            if path.parent.name == name
        }
        entries = []
        loaded = self._loaded.get(name)  # once, as another thread may unload it
        if loaded is not None:
            entries.append(_status(loaded.number, "AVAILABLE", "OK", ""))
        for broken_number, message in broken.items():
            entries.append(_status(broken_number, "END", "UNKNOWN", message))
        entries = [e for e in entries if number in (None, int(e["version"]))]
        if not entries:
            self.find(name, number)  # raises an error that says what is loaded
        return {"model_version_status": entries}


def _status(number, state, code, message):
    return {
        "version": str(number),
        "state": state,
        "status": {"error_code": code, "error_message": message},
    }


def application(directory, poll_seconds=_POLL_SECONDS):
    """Makes the web application.

    Args:
        directory: Path of the models.
        poll_seconds: Float, the seconds between checks of the folders.

    Returns:
        An `aiohttp.web.Application`.

    Raises:
        NotADirectoryError: If there is no such directory.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise NotADirectoryError(f"{directory} is not a directory of models")
    models = Models(directory)
    # As many threads as can compute at once. Further requests wait for their turn.
    workers = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="predict")

    async def refresh_for_ever(app):
        await asyncio.to_thread(models.refresh)
        if not models.names():
            _LOG.warning(
                "There are no models in %s. Put them in DIR/NAME/VERSION", directory
            )
        task = asyncio.create_task(_repeat(models.refresh, poll_seconds))
        yield
        task.cancel()
        workers.shutdown(wait=False, cancel_futures=True)

    async def status(request):
        return web.json_response(models.status(*_wanted(request)))

    async def metadata(request):
        name, number = _wanted(request)
        version = models.find(name, number)
        definitions = {
            key: json_format.MessageToDict(
                definition,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for key, definition in version.definitions.items()
        }
        spec = {"name": name, "signature_name": "", "version": str(version.number)}
        signatures = {"signature_def": {"signature_def": definitions}}
        return web.json_response({"model_spec": spec, "metadata": signatures})

    async def predict(request):
        version = models.find(*_wanted(request))
        body = await request.read()
        loop = asyncio.get_running_loop()
        text = await loop.run_in_executor(workers, _answer, version, body)
        return web.Response(text=text, content_type="application/json")

    app = web.Application(
        client_max_size=_MAX_BODY,
        middlewares=[_errors_as_json],
        handler_args={"logger": _ServerLog(server_logger)},
    )
    app.cleanup_ctx.append(refresh_for_ever)
    model = "/v1/models/{name:[^/:]+}"
    for path in (model, model + "/versions/{version:[0-9]{1,19}}"):
        app.router.add_get(path, status)
        app.router.add_get(f"{path}/metadata", metadata)
        app.router.add_post(f"{path}:predict", predict)
    return app


def _wanted(request):
    number = request.match_info.get("version")
    return request.match_info["name"], None if number is None else int(number)


def _answer(version, body):
    try:
        body = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"The body is not JSON: {error}") from None
    return json.dumps(version.predict(body))


def _refuse_constant(name):
    raise ValueError(f"{name} is not a number")


async def _repeat(function, seconds):
    said = None
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(function)
            if said is not None:
                _LOG.info("The models can be checked again")
            said = None
        except Exception as error:  # such as a directory that is gone: said once
            if str(error) != said:
                said = str(error)
                _LOG.error("The models cannot be checked: %s", error)


@web.middleware
async def _errors_as_json(request, handler):
    try:
        return await handler(request)
    except RequestError as error:
        return web.json_response({"error": str(error)}, status=error.status)
    except web.HTTPRequestEntityTooLarge:
        message = f"The body must be at most {_MAX_BODY} bytes"
        return web.json_response({"error": message}, status=413)
    except web.RequestPayloadError as error:
        return web.json_response({"error": f"The body is broken: {error}"}, status=400)
    except ConnectionResetError:  # the client is gone
        raise
    except web.HTTPException as error:
        message = f"{error.reason}: {request.method} {request.path}"
        response = web.json_response({"error": message}, status=error.status)
        if "Allow" in error.headers:  # the methods that the address answers
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception:
        _LOG.exception("%s %s", request.method, request.path)
        return web.json_response({"error": "Internal error, see the log"}, status=500)


class _ServerLog(logging.LoggerAdapter):
    """aiohttp's log. It answers what is not valid HTTP, such as a header that is too long.

    Such a request reaches no middleware. aiohttp logs it with a traceback and then answers
    in plain text, unless the log raises another answer.
    """

    def log(self, level, message, *args, exc_info=None, **options):
        if not isinstance(exc_info, HttpProcessingError):
            super().log(level, message, *args, exc_info=exc_info, **options)
            return
        reason = (exc_info.message.splitlines() or [""])[0].rstrip(":")
        error = f"The request is not valid HTTP: {reason}"
        _LOG.warning("%s", error)
        raise web.HTTPBadRequest(
            text=json.dumps({"error": error}), content_type="application/json"
        )


def serve(directory, host="127.0.0.1", port=8501):
    """Serves the models of a directory until it is interrupted.

    Args:
        directory: Path.
        host: String, the address to listen on.
        port: Integer.

    Raises:
        NotADirectoryError: If there is no such directory.
        OSError: If the port is taken.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    app = application(directory)
    web.run_app(app, host=host, port=port, print=_LOG.info, shutdown_timeout=5)
