"""The recipes of serving name what there is: packages, flags, endpoints, and the tensors of ONNX programs."""

import contextlib
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
import yaml

from launch import serve
from launch.runs.exporting import add_onnx
from recog.export.files import ONNX
from recog.export.onnx.emit import OnnxOptions
from tests.launch import dockerfile, triton_config
from tests.launch.in_process import parsed

RECIPES = Path("launch/recipes")
STAGES = dockerfile.load(RECIPES / "Dockerfile")
TARGETS = ["onnx", "jax"]
PORT = "8000"
SECONDS_TO_START = 300
TRITON_TYPES = {"UINT8": "TYPE_UINT8", "INT32": "TYPE_INT32", "FLOAT": "TYPE_FP32"}


@pytest.fixture(scope="module")
def artifact(exported, tmp_path_factory) -> Path:
    """The artifact of the run that tests share, with its ONNX program."""
    folder = tmp_path_factory.mktemp("models") / "artifact"
    shutil.copytree(exported.folder, folder)
    add_onnx(folder, OnnxOptions())
    return folder


def normalized(requirements: list[str]) -> set[str]:
    """Names of packages without extras and versions."""
    names = [re.match(r"[\w.-]+", requirement) for requirement in requirements]
    return {re.sub(r"[-_.]+", "-", name[0]).lower() for name in names if name}


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return chosen.getsockname()[1]


def command(target: str) -> list[str]:
    """The command line that a container runs."""
    return [word for name in ("ENTRYPOINT", "CMD") for word in dockerfile.last(STAGES[target], name).words]


def health_check(target: str, port: int) -> list[str]:
    """The command that asks a container on a port how it is."""
    python, *arguments = dockerfile.last(STAGES[target], "HEALTHCHECK").words
    assert python == "python"
    return [sys.executable, *(argument.replace(f":{PORT}/", f":{port}/") for argument in arguments)]


@contextlib.contextmanager
def answering(status: int) -> Iterator[tuple[int, list[str]]]:
    """A server that answers all requests with a status; its port, and the paths that it is asked for."""
    paths = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            paths.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, format, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, paths
        server.shutdown()


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_the_server_as_another_user(target):
    stage = STAGES[target]
    assert dockerfile.last(stage, "USER").value == "recog"
    assert dockerfile.last(stage, "EXPOSE").value == PORT
    program, *arguments = command(target)
    assert program in tomllib.loads(Path("pyproject.toml").read_text())["project"]["scripts"]
    with parsed(serve, *arguments) as values:
        assert (values.host, values.port) == ("0.0.0.0", int(PORT))
        assert values.runtime == target


def test_the_usual_image_is_that_with_jax():
    assert [*STAGES][-1] == "jax"


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_health_is_that_of_the_server(status, code):
    with answering(status) as (port, paths):
        done = subprocess.run(health_check("jax", port), capture_output=True)
    assert done.returncode == code
    assert paths == ["/v2/health/ready"]


def test_what_is_installed_without_jax_is_required_by_the_project():
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    extras = [requirement for listed in project["optional-dependencies"].values() for requirement in listed]
    _, packages = dockerfile.pip_commands(STAGES["onnx"], Path())
    assert normalized(packages[1:]) <= normalized([*project["dependencies"], *extras])


def test_kserve(artifact):
    service = yaml.safe_load((RECIPES / "kserve.yaml").read_text())
    assert (service["apiVersion"], service["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    (container,) = service["spec"]["predictor"]["containers"]
    assert container["image"].rpartition(":")[2] in TARGETS
    assert container["env"][0]["name"] == "STORAGE_URI"
    (user,) = [value for name, value in STAGES["onnx"] if name == "RUN" and "useradd" in value]
    assert f"--uid={container['securityContext']['runAsUser']} " in user
    (port,) = container["ports"]
    probes = [container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")]
    assert {port["containerPort"], *(probe["port"] for probe in probes)} == {int(PORT)}
    assert [probe["path"] for probe in probes] == ["/v2/health/ready", "/v2/health/ready", "/v2/health/live"]
    entry = dockerfile.last(STAGES["onnx"], "ENTRYPOINT").words[1:]
    with parsed(serve, *entry, *container["args"]) as values:
        assert values.artifact == [f"{service['metadata']['name']}=/mnt/models"]


def tensors(values) -> dict[str, tuple[str, list[int]]]:
    """Types and shapes without the batch, -1 where they vary, as Triton writes them."""
    found = {}
    for value in values:
        kind = value.type.tensor_type
        name = onnx.TensorProto.DataType.Name(kind.elem_type)
        assert kind.shape.dim[0].dim_param, "batches of any size"
        found[value.name] = TRITON_TYPES[name], [dim.dim_value or -1 for dim in kind.shape.dim[1:]]
    return found


def test_triton_is_told_the_tensors_of_the_program(artifact):
    text = (RECIPES / "triton.pbtxt").read_text()
    config = triton_config.parse(text)
    listed = {
        part: {
            one["name"]: (one["data_type"], one.get("reshape", {}).get("shape", one["dims"])) for one in config[part]
        }
        for part in ("input", "output")
    }
    graph = onnx.load(artifact / ONNX).graph
    outputs = tensors(graph.output)
    assert listed["input"] == tensors(graph.input)
    assert listed["output"] == {name: outputs[name] for name in listed["output"]}
    assert {"tokens", "confidences"} <= listed["output"].keys()
    assert f"models/{config['name']}/1/{ONNX}" in text
    assert config["backend"] == "onnxruntime"
    assert config["max_batch_size"] > 1
    keys = {entry.key for entry in onnx.load(artifact / ONNX).metadata_props}
    assert set(re.findall(r'metadata_props\["(\w+)"\]', text)) <= keys


@pytest.mark.exhaustive
@pytest.mark.parametrize("target", TARGETS)
def test_what_an_image_installs_serves(target, artifact, digits, tmp_path):
    checkout, environment = tmp_path / "checkout", tmp_path / "venv"
    for name in re.findall("^!(.+)$", (RECIPES / "Dockerfile.dockerignore").read_text(), re.MULTILINE):
        copy = shutil.copytree if Path(name).is_dir() else shutil.copy
        checkout.mkdir(exist_ok=True)
        copy(name, checkout / name)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    for arguments in dockerfile.pip_commands(STAGES[target], checkout):
        subprocess.run([environment / "bin" / "python", "-m", "pip", "--quiet", *arguments], check=True)
    assert any(environment.glob("lib/*/site-packages/jax")) == (target == "jax")
    port = free_port()
    changes = {"/models": str(artifact), "0.0.0.0": "127.0.0.1", PORT: str(port)}
    program, *arguments = command(target)
    for old, new in changes.items():
        arguments = [argument.replace(old, new) for argument in arguments]
    with subprocess.Popen([environment / "bin" / program, *arguments], cwd=tmp_path, env=outside()) as server:
        try:
            deadline = time.monotonic() + SECONDS_TO_START
            while subprocess.run(health_check(target, port), capture_output=True).returncode:
                assert time.monotonic() < deadline
                with contextlib.suppress(subprocess.TimeoutExpired):
                    pytest.fail(f"the server ended with status {server.wait(1)}")
            picture = next(digits.glob("*.png")).read_bytes()
            request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/read", picture, {"Content-Type": "image/png"})
            with urllib.request.urlopen(request) as answer:
                assert isinstance(json.load(answer)["results"][0]["text"], str)
        finally:
            server.send_signal(signal.SIGTERM)
    assert server.returncode == 0


def outside() -> dict[str, str]:
    """The environment of a process that shall not see this checkout."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "XLA_FLAGS")}
