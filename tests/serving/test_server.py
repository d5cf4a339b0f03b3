"""A real server answers what it has taken before it ends, and closes connections that send nothing."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.painted_plates import write_artifacts
from tests.serving.test_app import plate


@contextlib.contextmanager
def started(folder, *flags):
    artifact = write_artifacts(folder)[1]
    command = [sys.executable, "-m", "launch.serve", f"--artifact=digits={artifact}", "--port=0", *flags]
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def server(tmp_path):
    with started(tmp_path) as process:
        yield process


@pytest.fixture(scope="module")
def ready(tmp_path_factory) -> Iterator[str]:
    """URL of a server that waits two seconds for a request, and is not ended by a test."""
    with started(tmp_path_factory.mktemp("ready"), "--upload_seconds=2") as process:
        yield wait_until_ready(process)[0]


def wait_until_ready(process) -> tuple[str, list[str]]:
    """Its URL, and the lines that it writes from now on."""
    assert process.stderr
    lines: list[str] = []
    for line in process.stderr:
        if '"ready"' in line:
            threading.Thread(target=lambda: lines.extend(process.stderr), daemon=True).start()
            return json.loads(line)["url"], lines
    raise AssertionError("the server has ended")


def read(url: str) -> int:
    try:
        with urllib.request.urlopen(f"{url}/v1/read", plate("159"), timeout=60) as response:
            assert json.load(response)["results"][0]["text"] == "159"
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def test_sigterm_under_load_loses_no_request(server):
    url, lines = wait_until_ready(server)
    answered, statuses = threading.Semaphore(0), []

    def client(_) -> object:
        """Asks until an answer is not a reading; returns the error that ends it otherwise."""
        while True:
            try:
                statuses.append(read(url))
            except urllib.error.URLError as error:
                return error.reason
            answered.release()
            if statuses[-1] != 200:
                return None

    with ThreadPoolExecutor(8) as pool:
        clients = pool.map(client, range(8))
        assert all(answered.acquire(timeout=60) for _ in range(40))
        server.send_signal(signal.SIGTERM)
        reasons = list(clients)
    assert server.wait(timeout=60) == 0
    assert all(reason is None or isinstance(reason, ConnectionRefusedError) for reason in reasons)
    assert set(statuses) == {200, 503}
    assert sum('"path": "/v1/read"' in line for line in lines) == len(statuses)


def test_a_connection_that_sends_no_request_is_closed(ready):
    host, port = ready.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST /v1/read HT")
        assert connection.recv(100) == b""
    assert read(ready) == 200


def test_a_head_that_does_not_end_closes_its_connection(ready):
    host, port = ready.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST /v1/read HTTP/1.1\r\n")
        more = (b"X-More: " + b"a" * 1000 + b"\r\n") * 10_000
        with pytest.raises(ConnectionError):
            connection.sendall(more)
    assert read(ready) == 200


def test_a_port_in_use_is_named(tmp_path):
    folder = write_artifacts(tmp_path)[1]
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        command = [sys.executable, "-m", "launch.serve", f"--artifact=digits={folder}", f"--port={port}"]
        ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"JAX_PLATFORMS": "cpu"})
    assert ended.returncode == 1
    assert f"error: cannot listen at http://127.0.0.1:{port}" in ended.stderr
    assert "choose another --port" in ended.stderr
    assert ended.stderr.count(str(port)) == 1


def test_sigterm_while_models_are_prepared_ends_the_server_in_order(server):
    assert server.stderr
    assert "serves digits" in server.stderr.readline()
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=120) == 0
    assert '"ready"' not in server.stderr.read()
