import asyncio
import contextlib
import io
import json
import logging
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import keras
import numpy as np
import pytest
import small_models
import tensorflow as tf
from aiohttp.test_utils import TestClient, TestServer

from keras_nm import serving
from keras_nm.export import export
from keras_nm_cli import main


@pytest.fixture(scope="session")
def exported(tmp_path_factory, exported_memory, exported_walker):
    """The directory of two models. Tests that change it take a copy."""
    directory = tmp_path_factory.mktemp("models")
    (directory / "memory").symlink_to(exported_memory)
    (directory / "walker").symlink_to(exported_walker)
    return directory


@pytest.fixture(scope="module")
def signatures(exported):
    model = tf.saved_model.load(exported / "memory" / "1")
    yield model.signatures
    del model  # without which the signatures could not run


@contextlib.contextmanager
def server(directory):
    """A running server as a function that asks it questions, and gives the answers.

    A question is a path, a path and a body, or an async function of the client.
    """

    async def ask(client, question):
        if callable(question):
            return await question(client)
        path, *body = [question] if isinstance(question, str) else question
        if not body:
            response = await client.get(path)
        elif isinstance(body[0], bytes):
            response = await client.post(path, data=io.BytesIO(body[0]))
        else:
            response = await client.post(path, json=body[0])
        assert response.content_type == "application/json"
        return response.status, await response.json()

    with asyncio.Runner() as runner:
        client = runner.run(started(directory))
        yield lambda *questions: [runner.run(ask(client, q)) for q in questions]
        runner.run(client.close())


async def started(directory):
    client = TestClient(TestServer(serving.application(directory, poll_seconds=0.05)))
    await client.start_server()
    return client


@pytest.fixture(scope="module")
def asked(exported):
    with server(exported) as ask:
        yield ask


def test_status_and_metadata(asked):
    status, versioned, metadata = asked(
        "/v1/models/memory",
        "/v1/models/memory/versions/1",
        "/v1/models/memory/metadata",
    )
    available = {
        "model_version_status": [
            {
                "version": "1",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    assert status == versioned == (200, available)
    assert metadata[0] == 200
    assert metadata[1]["model_spec"] == {
        "name": "memory",
        "signature_name": "",
        "version": "1",
    }
    signatures = metadata[1]["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {"sequence", "step", "initial_state", "serving_default"}
    inputs = signatures["sequence"]["inputs"]["inputs"]
    assert inputs["dtype"] == "DT_FLOAT"
    assert [dim["size"] for dim in inputs["tensor_shape"]["dim"]] == ["-1", "-1", "4"]
    assert signatures["sequence"]["method_name"] == "tensorflow/serving/predict"


def test_predictions_by_rows_and_by_columns(asked, rng, signatures):
    x = rng.normal(size=(2, 6, 4)).astype("float32")
    expected = signatures["sequence"](inputs=x)["outputs"].numpy()
    url = "/v1/models/memory:predict"
    answers = asked(
        (url, {"instances": x.tolist()}),
        (url, {"instances": [{"inputs": row} for row in x.tolist()]}),
        ("/v1/models/memory/versions/1:predict", {"inputs": x.tolist()}),
        (url, {"inputs": {"inputs": x.tolist()}, "signature_name": "sequence"}),
    )
    assert [status for status, _ in answers] == [200] * 4
    for (_, answer), key in zip(
        answers, ["predictions"] * 2 + ["outputs"] * 2, strict=True
    ):
        assert list(answer) == [key]
        np.testing.assert_allclose(answer[key], expected, atol=1e-6)


def test_steps_with_the_state_in_the_clients_hands(asked, rng, signatures):
    x = rng.normal(size=(2, 3, 4)).astype("float32")
    url = "/v1/models/memory:predict"

    async def converse(client):
        body = {"signature_name": "initial_state", "inputs": {"batch_size": 2}}
        states = (await (await client.post(url, json=body)).json())["outputs"]
        outputs = []
        for t in range(3):
            inputs = {"inputs": x[:, t].tolist(), **states}
            body = {"signature_name": "step", "inputs": inputs}
            states = (await (await client.post(url, json=body)).json())["outputs"]
            outputs.append(states.pop("outputs"))
        return np.stack(outputs, axis=1)

    (outputs,) = asked(converse)
    expected = signatures["sequence"](inputs=x)["outputs"]
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_a_machine_on_tapes_answers(asked):
    # From the head at 6, two hops along the list, and none.
    tapes = [[6, 2, 3, 0, 0, 7, 8, 9, 4, 5], [6, 0, 3, 0, 0, 7, 8, 9, 4, 5]]
    inputs = {"tape": tapes, "num_steps": 4}
    url = "/v1/models/walker:predict"
    fuzzy, integer, by_rows = asked(
        (url, {"inputs": inputs}),
        (url, {"inputs": inputs, "signature_name": "integer"}),
        (url, {"instances": [{"tape": [1, 2, 0], "num_steps": 2}]}),
    )
    for status, answer in (fuzzy, integer):
        assert status == 200
        answers = answer["outputs"]["tape"]
        assert answers[0] == [6, 2, 3, 7, 0, 7, 8, 9, 4, 5]
        assert answers[1] == [6, 0, 3, 9, 0, 7, 8, 9, 4, 5]
    assert by_rows[0] == 400
    assert "takes num_steps for the whole batch" in by_rows[1]["error"]


MEMORY = "/v1/models/memory:predict"
X = [[[0.0] * 4]]


@pytest.mark.parametrize(
    ("question", "status", "message"),
    [
        ((MEMORY, b"{broken"), 400, "not JSON"),
        ((MEMORY, b"\xff"), 400, "not JSON"),
        ((MEMORY, b"[" * 100_000), 400, "not JSON"),
        ((MEMORY, b'{"instances": [[[NaN, 0, 0, 0]]]}'), 400, "NaN is not a number"),
        ((MEMORY, b'{"instances": [[[1e999, 0, 0, 0]]]}'), 400, "must be finite"),
        ((MEMORY, {"instances": [[[1e39, 0, 0, 0]]]}), 400, "must be finite"),
        ((MEMORY, {"inputs": X, "signature_name": ["step"]}), 400, "no signature ['step']"),
        ((MEMORY, {"inputs": X, "signature_name": ""}), 400, "no signature ''"),
        (
            (MEMORY, {"inputs": {"batch_size": 10_001}, "signature_name": "initial_state"}),
            400,
            "at most 10000",
        ),
        (f"/v1/models/memory/versions/{'9' * 5000}", 404, "Not Found"),
        (
            (
                "/v1/models/walker:predict",
                {"inputs": {"tape": [[1, -9, 0]], "num_steps": 1}},
            ),
            400,
            "integers from 0 to M - 1",
        ),
        ((MEMORY, []), 400, "a JSON object with"),
        ((MEMORY, {}), 400, 'either "instances" or "inputs"'),
        ((MEMORY, {"instances": X, "inputs": X}), 400, 'either "instances" or "inputs"'),
        ((MEMORY, {"instances": []}), 400, "at least one"),
        ((MEMORY, {"instances": 3}), 400, "must be a list"),
        ((MEMORY, {"instances": [[[0.0] * 5]]}), 400, "(None, None, 4)"),
        ((MEMORY, {"instances": [[0.0] * 4]}), 400, "Received: shape (1, 4)"),
        ((MEMORY, {"instances": [[[0, 0, 0, 0]], [[0] * 4, [0] * 4]]}), 400, "same length"),
        ((MEMORY, {"instances": [[["a"] * 4]]}), 400, "float32"),
        ((MEMORY, {"instances": [[[None] * 4]]}), 400, "float32"),
        ((MEMORY, {"instances": [{"inputs": X[0]}, {"x": X[0]}]}), 400, "the same names"),
        ((MEMORY, {"inputs": {"x": X}}), 400, "float32"),
        ((MEMORY, {"inputs": {"inputs": X, "x": X}}), 400, "must be inputs. Received"),
        ((MEMORY, {"inputs": X, "signature_name": "steps"}), 400, "no signature 'steps'"),
        ((MEMORY, {"inputs": X, "signature_name": "step"}), 400, "an object with"),
        (
            ("/v1/models/copy:predict", {"inputs": X}),
            404,
            "no model 'copy'. Loaded: memory",
        ),
        (("/v1/models/memory/versions/9:predict", {"inputs": X}), 404, "version 9"),
        ("/v1/models/copy", 404, "no model 'copy'"),
        ("/v1/models/copy/metadata", 404, "no model 'copy'"),
        ("/v1/models/memory/versions/9", 404, "version 9"),
        ("/v1/models/../memory", 404, "Not Found"),
        ("/", 404, "Not Found"),
        ("/v1/models/memory:predict", 405, "Method Not Allowed"),
        (
            (
                "/v1/models/walker:predict",
                {"inputs": {"tape": [[1, 9, 0]], "num_steps": 1}},
            ),
            400,
            "integers from 0 to M - 1",
        ),
        (
            (
                "/v1/models/walker:predict",
                {"inputs": {"tape": [[1.5, 1.0, 0.0]], "num_steps": 1}},
            ),
            400,
            "int32",
        ),
        (
            (
                "/v1/models/walker:predict",
                {"inputs": {"tape": [[2**40, 1, 0]], "num_steps": 1}},
            ),
            400,
            "within the range of int32",
        ),
    ],
)
def test_bad_requests(asked, question, status, message):
    bad, good = asked(question, (MEMORY, {"instances": X}))
    assert bad[0] == status
    assert message in bad[1]["error"]
    assert good[0] == 200, "the next request is answered"


def test_states_of_another_batch_are_refused(asked):
    async def converse(client):
        body = {"signature_name": "initial_state", "inputs": {"batch_size": 3}}
        states = (await (await client.post(MEMORY, json=body)).json())["outputs"]
        inputs = {"inputs": [[0.0] * 4] * 2, **states}
        body = {"signature_name": "step", "inputs": inputs}
        response = await client.post(MEMORY, json=body)
        return response.status, (await response.json())["error"]

    [(status, message)] = asked(converse)
    assert status == 400
    assert "must have the same batch size" in message


def test_a_broken_gzip_body_is_refused(asked):
    async def send(client):
        headers = {"Content-Encoding": "gzip"}
        response = await client.post(MEMORY, data=b"not gzip", headers=headers)
        return response.status, await response.json()

    [(status, answer)] = asked(send)
    assert status == 400
    assert "broken" in answer["error"]


def test_a_body_of_100_megabytes_is_refused(asked):
    bad, good = asked((MEMORY, b" " * 100 * 2**20), (MEMORY, {"instances": X}))
    assert bad == (413, {"error": f"The body must be at most {32 * 2**20} bytes"})
    assert good[0] == 200


def test_a_request_that_takes_more_memory_than_there_is():
    def signature():
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory")

    with pytest.raises(serving.RequestError, match="not enough memory") as error:
        serving._run(signature, {})
    assert error.value.status == 429


def until(condition):
    """An async function that asks for a status until it is as it should be."""

    async def wait(client):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            response = await client.get("/v1/models/memory")
            if condition(response.status, await response.json()):
                return True
            await asyncio.sleep(0.02)
        return False

    return wait


def test_versions_are_picked_up_and_damaged_ones_left_out(tmp_path, exported, caplog):
    caplog.set_level(logging.ERROR)
    directory = tmp_path / "models"
    shutil.copytree(exported, directory)
    damaged = directory / "memory" / "2"
    shutil.copytree(directory / "memory" / "1", damaged)
    (damaged / "saved_model.pb").write_bytes(b"damaged")
    (directory / "empty").mkdir()
    # A folder that cannot even be looked at, of a model that the others come after.
    (directory / "walker" / "9").mkdir()
    (directory / "walker" / "9" / "saved_model.pb").symlink_to("nowhere")
    (directory / "file").write_text("not a model")

    def versions(answer):
        return {v["version"]: v["state"] for v in answer["model_version_status"]}

    inputs = keras.Input((None, small_models.FEATURES))
    lstm = keras.Model(inputs, keras.layers.LSTM(6, return_sequences=True)(inputs))

    async def third(client):
        export(lstm, directory / "memory", version=3)
        return await until(lambda _, answer: "3" in versions(answer))(client)

    async def remove(client):
        shutil.rmtree(directory / "memory")
        return await until(lambda status, _: status == 404)(client)

    with server(directory) as asked:
        first, old, empty, picked_up, new, gone, other = asked(
            "/v1/models/memory",
            (MEMORY, {"inputs": X}),
            "/v1/models/empty",
            third,
            (MEMORY, {"inputs": X}),
            remove,
            "/v1/models/walker",
        )
    assert versions(first[1]) == {"1": "AVAILABLE", "2": "END"}
    (status,) = [v for v in first[1]["model_version_status"] if v["version"] == "2"]
    assert status["status"]["error_code"] == "UNKNOWN"
    assert status["status"]["error_message"]
    assert sum("memory version 2 cannot" in r.getMessage() for r in caplog.records) == 1
    assert np.shape(old[1]["outputs"]) == (1, 1, 5)
    assert empty[0] == 404
    assert picked_up
    assert np.shape(new[1]["outputs"]) == (1, 1, 6)
    assert gone
    assert other[0] == 200


def test_a_model_that_does_not_take_the_warmup_is_served(exported, monkeypatch, caplog):
    wrong = {"tape": tf.constant([[9, 9, 9]]), "num_steps": tf.constant(1)}
    monkeypatch.setattr(serving, "read_warmup", lambda _: [("fuzzy", wrong)])
    version = serving.Version(exported / "walker" / "1")
    assert "no warm-up of fuzzy" in caplog.text
    inputs = {"tape": [[6, 2, 3, 0, 0, 7, 8, 9, 4, 5]], "num_steps": 4}
    answer = version.predict({"inputs": inputs})
    assert answer["outputs"]["tape"] == [[6, 2, 3, 7, 0, 7, 8, 9, 4, 5]]


def test_clients_at_once_get_their_own_answers(asked, rng, signatures):
    batches = [
        rng.normal(size=(1 + i % 4, 1 + i % 7, 4)).astype("float32") for i in range(32)
    ]

    async def all_at_once(client):
        async def one(x):
            response = await client.post(MEMORY, json={"instances": x.tolist()})
            return (await response.json())["predictions"]

        return await asyncio.gather(*map(one, batches))

    (answers,) = asked(all_at_once)
    for x, answer in zip(batches, answers, strict=True):
        expected = signatures["sequence"](inputs=x)["outputs"]
        np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_command_line(exported, tmp_path, capsys):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "keras_nm_cli"),
        *("serve", str(exported), "--port", str(port)),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            url = f"http://127.0.0.1:{port}{MEMORY}"
            deadline = time.monotonic() + 60
            while True:
                try:
                    body = json.dumps({"instances": X}).encode()
                    with urllib.request.urlopen(url, body) as response:
                        answer = json.load(response)
                    break
                except urllib.error.URLError:
                    assert server.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            assert np.shape(answer["predictions"]) == (1, 1, 5)
            # What fails runs in this process, which need not start and import.
            assert main(command[3:]) == 2
            assert "address already in use" in capsys.readouterr().err.splitlines()[-1]
        finally:
            server.terminate()
            log = server.stderr.read()
    assert "memory version 1 is loaded" in log
    assert main(["serve", str(tmp_path / "missing")]) == 2
    assert "is not a directory of models" in capsys.readouterr().err.splitlines()[-1]
