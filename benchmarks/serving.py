"""Loads a server with many clients at once, and checks every answer.

    python benchmarks/serving.py

Starts `keras-nm serve saved_models` and asks the copy model and the list machine for a
minute: 32 clients, of which each waits for an answer and then asks again, with batches and
lengths of its own. Every answer is compared with that of TensorFlow in this process.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import aiohttp
import numpy as np
import tensorflow as tf

from keras_nm.tasks import TASKS

BATCHES = (1, 4, 16)
# Requests are drawn from that many of each model, whose answers are known.
NUM_REQUESTS = 24
# How long a server may take to load its models.
SECONDS_TO_START = 300


def requests_of_copy(model):
    for index in range(NUM_REQUESTS):
        length, batch_size = 5 + 5 * (index % 4), BATCHES[index % 3]
        data = TASKS["ntm/copy"].make().evaluation_set(length, batch_size, seed=index)
        x, _, _ = next(iter(data))
        expected = model.signatures["sequence"](inputs=x)["outputs"]
        yield {"instances": x.numpy().tolist()}, "predictions", expected.numpy()


def requests_of_list_k(model):
    for index in range(NUM_REQUESTS):
        length, batch_size = 5 + 5 * (index % 4), BATCHES[index % 3]
        task = TASKS["nram/list_k"].make(min_length=length, max_length=length)
        tape, _, _ = next(iter(task.dataset(batch_size, seed=index)))
        expected = model.signatures["integer"](
            tape=tape, num_steps=tf.constant(task.num_steps)
        )
        inputs = {"tape": tape.numpy().tolist(), "num_steps": task.num_steps}
        body = {"inputs": inputs, "signature_name": "integer"}
        yield body, "outputs", {name: x.numpy() for name, x in expected.items()}


REQUESTS = {"ntm_copy": requests_of_copy, "nram_list_k": requests_of_list_k}


def prepared(directory):
    """For each model its URL's path and bodies, with the answers."""
    for name, make in REQUESTS.items():
        versions = os.listdir(f"{directory}/{name}")
        version = max(int(v) for v in versions if v.isdecimal())
        model = tf.saved_model.load(f"{directory}/{name}/{version}")
        for body, key, expected in make(model):
            yield name, json.dumps(body), key, expected


def is_right(answer, expected):
    if isinstance(expected, dict):
        return all(np.array_equal(answer[name], x) for name, x in expected.items())
    return np.allclose(answer, expected, atol=1e-5)


async def client(session, url, questions, seconds, rng, answers):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        name, body, key, expected = questions[rng.integers(len(questions))]
        started = time.perf_counter()
        async with session.post(f"{url}/v1/models/{name}:predict", data=body) as response:
            text = await response.text()
        elapsed = time.perf_counter() - started
        right = response.status == 200 and is_right(json.loads(text)[key], expected)
        answers.append((name, elapsed, right))


async def load(url, questions, num_clients, seconds):
    answers = []
    async with aiohttp.ClientSession() as session:
        rngs = [np.random.default_rng(seed) for seed in range(num_clients)]
        await asyncio.gather(
            *(client(session, url, questions, seconds, rng, answers) for rng in rngs)
        )
    return answers


def is_taken(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def wait_for(url, server, log):
    """Waits until a server answers. If it does not, ends the program with its log."""
    end = time.monotonic() + SECONDS_TO_START
    while server.poll() is None and time.monotonic() < end:
        try:
            for name in REQUESTS:
                urllib.request.urlopen(f"{url}/v1/models/{name}").close()
            return
        except urllib.error.URLError:
            time.sleep(0.2)
    log.seek(0)
    sys.exit(f"The server did not start:\n{log.read()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", default="saved_models")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--port", type=int, default=8555)
    options = parser.parse_args()
    if is_taken(options.port):  # it would be measured instead
        parser.error(f"another server has the port {options.port}: choose another --port")

    questions = list(prepared(options.directory))
    url = f"http://127.0.0.1:{options.port}"
    command = [sys.executable, "-m", "keras_nm_cli", "serve", options.directory]
    # The log is a file, because the server would wait for a reader of a pipe.
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen([*command, "--port", str(options.port)], stderr=log)
        try:
            wait_for(url, server, log)
            asyncio.run(load(url, questions, options.clients, 3))  # every shape once
            answers = asyncio.run(load(url, questions, options.clients, options.seconds))
        finally:
            server.terminate()
            server.wait()

    print(f"{options.clients} clients, {options.seconds:.0f} s")
    print("| model | requests | per second | wrong | 50 % | 90 % | 99 % | slowest |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name in (*REQUESTS, "all"):
        times = [t for n, t, _ in answers if name in (n, "all")]
        wrong = sum(not right for n, _, right in answers if name in (n, "all"))
        percentiles = 1e3 * np.percentile(times, [50, 90, 99, 100])
        print(
            f"| {name} | {len(times)} | {len(times) / options.seconds:.0f} | {wrong} | "
            + " | ".join(f"{p:.0f} ms" for p in percentiles)
            + " |"
        )


if __name__ == "__main__":
    main()
