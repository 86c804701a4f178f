"""HTTP as clients in other languages use it."""

import asyncio
import json
import logging

import keras
import numpy as np
import pytest
from aiohttp.test_utils import TestClient, TestServer

from keras_nm import serving
from keras_nm.export import export

LARGEST = 2**63 - 1


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model that returns its inputs, in the highest version that there is."""
    directory = tmp_path_factory.mktemp("models")
    cell = keras.layers.SimpleRNNCell(1, "linear", use_bias=False)
    layer = keras.layers.RNN(cell, return_sequences=True)
    model = keras.Sequential([keras.Input((None, 1)), layer])
    model.set_weights([np.ones((1, 1)), np.zeros((1, 1))])
    export(model, directory / "identity", version=LARGEST)
    return directory


def ask(models, method, path, **options):
    """The answer of a server, its JSON and its headers."""

    async def answer():
        async with TestClient(TestServer(serving.application(models))) as client:
            response = await client.request(method, f"/v1/models/{path}", **options)
            return response.status, await response.json(), response.headers

    return asyncio.run(answer())


def test_versions_of_19_digits_have_an_address(models):
    status, body, _ = ask(models, "GET", f"identity/versions/{LARGEST}")
    assert status == 200
    assert body["model_version_status"][0]["version"] == str(LARGEST)
    assert ask(models, "GET", f"identity/versions/{LARGEST - 1}")[0] == 404


def test_other_methods_are_answered_with_those_allowed(models):
    status, body, headers = ask(models, "DELETE", "identity")
    assert status == 405
    assert set(headers["Allow"].split(",")) == {"GET", "HEAD"}
    assert "DELETE" in body["error"]


@pytest.mark.parametrize("number", [10**20, -(10**20), 2**64, 1.5])
def test_whole_numbers_of_any_size_are_floats(models, number):
    body = {"instances": [[[number], [1]]]}
    status, answer, _ = ask(models, "POST", "identity:predict", json=body)
    assert status == 200
    assert answer["predictions"] == [[[np.float32(number)], [1]]]


@pytest.mark.parametrize("number", [10**40, 10**400, True, None])
def test_numbers_that_are_no_floats_are_refused(models, number):
    for other in (10**20, 1, 1.5):
        body = {"instances": [[[number], [other]]]}
        status, answer, _ = ask(models, "POST", "identity:predict", json=body)
        assert status == 400
        assert "Input 'inputs' must be" in answer["error"]


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /v1/models/identity HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20000 + b"\r\n\r\n",
        b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/models/identity HTTP/1.1\r\nHost: x\r\nX: \0\r\n\r\n",
        b"GET /v1/models/identity HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
    ],
    ids=["long header", "long address", "NUL", "no host", "TLS"],
)
def test_what_is_not_http_is_answered_in_json(models, caplog, sent):
    async def answer():
        async with TestServer(serving.application(models)) as server:
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(sent)
            received = await reader.read()  # until the server closes the connection
            writer.close()
            return received

    head, body = asyncio.run(answer()).decode().split("\r\n\r\n")
    assert head.split()[1] == "400"
    assert "application/json" in head
    error = json.loads(body)["error"]
    assert error.startswith("The request is not valid HTTP: ")
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in said] == [error]
    assert "\n" not in error
    assert len(error) < 300
    assert said[0].exc_info is None


def test_a_missing_directory_is_said_once(tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    directory = tmp_path / "models"
    directory.mkdir()
    checks, refresh = [], serving.Models.refresh

    def counted(models):
        checks.append(models)
        refresh(models)

    async def begun(number):
        """Waits until that many checks more have begun, one after the other."""
        number += len(checks)
        while len(checks) < number:
            await asyncio.sleep(0.01)

    async def lose_and_find():
        application = serving.application(directory, poll_seconds=0.02)
        async with TestClient(TestServer(application)):
            directory.rmdir()
            await begun(3)  # so two are over
            directory.mkdir()
            await begun(2)

    monkeypatch.setattr(serving.Models, "refresh", counted)
    asyncio.run(asyncio.wait_for(lose_and_find(), 60))
    said = [record.message for record in caplog.records if "checked" in record.message]
    assert len(said) == 2
    assert said[0].startswith("The models cannot be checked: ")
    assert said[1] == "The models can be checked again"
