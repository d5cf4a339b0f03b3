"""Requests are answered with what the models read, or refused with a status that says why."""

import importlib.metadata
import json
import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient

from recog.export.artifact import Artifact
from recog.serving.app import make_app
from recog.serving.decoders import Options
from recog.serving.lifecycle import Lifecycle
from recog.serving.limits import Limits
from recog.serving.metrics import Metrics
from recog.serving.models import Models
from tests.painted_plates import READER, box, paint, photograph, write_artifacts
from tests.serving.holding import held

LIMITS = Limits(body=200_000, pixels=100_000, files=4, queue=8)


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    return [Artifact.load(path) for path in write_artifacts(tmp_path_factory.mktemp("artifacts"))]


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    path = tmp_path_factory.mktemp("words") / "words.txt"
    path.write_text("158\n777\n")
    return path


def make_client(artifacts, limits=LIMITS, ready=True, token="", words=None):
    detector, reader = artifacts
    metrics, lifecycle = Metrics(), Lifecycle(limits.requests)
    lexicons = {"codes": words} if words else {}
    models = Models({"digits": reader, "other": reader}, detector, lexicons, limits, metrics)
    if ready:
        lifecycle.ready()
    client = TestClient(make_app(models, limits, metrics, lifecycle, token))
    return client, models, lifecycle


@pytest.fixture(scope="module")
def client(artifacts, words):
    with make_client(artifacts, words=words)[0] as client:
        yield client


def encode(pixels) -> bytes:
    return cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()


def plate(text: str) -> bytes:
    """A picture of one plate."""
    pixels = photograph(40, 120)
    paint(pixels, text, box(0, 0, 120, 40))
    return encode(pixels)


def files(*contents: bytes):
    return [("files", (f"{n}.png", content)) for n, content in enumerate(contents)]


def test_one_picture_as_the_body(client):
    response = client.post("/v1/read", content=plate("159"))
    assert response.status_code == 200
    [result] = response.json()["results"]
    assert response.json()["model"] == "digits"
    assert (result["file"], result["text"]) == (None, "159")
    assert [each["char"] for each in result["characters"]] == ["1", "5", "9"]
    assert 0 < result["confidence"] <= min(each["confidence"] for each in result["characters"]) <= 1


def test_many_pictures_of_which_some_cannot_be_read(client):
    large = encode(np.zeros((400, 300, 3), np.uint8))
    response = client.post("/v1/read", files=files(plate("159"), b"nonsense", large, plate("753")))
    assert response.status_code == 200
    first, second, third, fourth = response.json()["results"]
    assert (first["file"], first["text"], fourth["file"], fourth["text"]) == ("0.png", "159", "3.png", "753")
    assert (second["file"], second["status"], second.keys()) == ("1.png", 415, {"file", "status", "error"})
    assert third["status"] == 413
    assert "300 x 400" in third["error"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"nonsense", 415),
        (plate("159")[:100], 415),
        (encode(np.zeros((400, 300, 3), np.uint8)), 413),
        (bytes(200_001), 413),
    ],
    ids=["empty", "nonsense", "cut", "pixels", "bytes"],
)
def test_bodies_that_are_refused(client, content, status):
    response = client.post("/v1/read", content=content)
    assert response.status_code == status
    assert response.json()["status"] == status
    assert response.json()["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("form", "status", "message"),
    [
        ({"files": files(*[plate("1")] * 5)}, 413, "4 files"),
        ({"files": [("pictures", ("a.png", b"x"))]}, 400, "named files"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "malformed"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=y"}}, 400, "form"),
    ],
)
def test_forms_that_are_refused(client, form, status, message):
    response = client.post("/v1/read", **form)
    assert response.status_code == status
    assert message in response.json()["error"]


def test_pictures_are_read_by_the_decoder_of_the_request(client):
    def text(**options):
        return client.post("/v1/read", content=plate("159"), params=options).json()["results"][0]["text"]

    assert text(pattern="[1-8]*") == "158"
    assert text(lexicon="codes") == "158"
    assert text(decoder="best_path", model="other") == "159"
    [result] = client.post("/v1/read", content=plate("159"), params={"nbest": 3}).json()["results"]
    assert result["readings"][0]["text"] == result["text"] == "159"
    assert len(result["readings"]) == 3
    sure = [each["confidence"] for each in result["readings"]]
    assert sure == sorted(sure, reverse=True)


@pytest.mark.parametrize(
    ("options", "status", "named"),
    [
        ({"model": "letters"}, 400, "model='letters'"),
        ({"decoder": "viterbi"}, 400, "decoder='viterbi'"),
        ({"decoder": "best_path", "pattern": "1"}, 400, "pattern"),
        ({"decoder": "lexicon"}, 400, "lexicon=NAME"),
        ({"lexicon": "streets"}, 400, "lexicon='streets'"),
        ({"pattern": "[1"}, 400, "pattern"),
        ({"pattern": "1" * 300}, 400, "pattern"),
        ({"pattern": "1{9}"}, 400, "pattern"),
        ({"nbest": "0"}, 422, "nbest"),
        ({"nbest": "many"}, 422, "nbest"),
        ({"decodr": "beam"}, 400, "'decodr'; expected model, decoder, pattern, lexicon, nbest"),
    ],
    ids=str,
)
def test_bad_options_are_named(client, options, status, named):
    response = client.post("/v1/read", content=plate("159"), params=options)
    assert response.status_code == status
    assert named in response.text


def test_options_of_one_text_are_not_taken_for_photographs(client):
    response = client.post("/v1/plates", content=plate("159"), params={"nbest": 2})
    assert response.status_code == 400
    assert "'nbest'; expected model, decoder, pattern, lexicon" in response.json()["error"]


def test_pictures_are_read_while_decoders_of_others_are_built(artifacts, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    client, models, _ = make_client(artifacts)
    decoders, building, go = models.reader().decoders, threading.Event(), threading.Event()
    build = decoders._build

    def wait_and_build(options: Options) -> Artifact:
        building.set()
        assert go.wait(60)
        return build(options)

    def read(**options: str) -> str:
        return client.post("/v1/read", content=plate("159"), params=options).json()["results"][0]["text"]

    monkeypatch.setattr(decoders, "_build", wait_and_build)
    with client, ThreadPoolExecutor(2) as pool:
        others = [pool.submit(read, decoder="best_path") for _ in range(2)]
        try:
            assert building.wait(60)
            assert read() == "159"
        finally:
            go.set()
        assert [other.result() for other in others] == ["159", "159"]


def test_plates_of_photographs(client):
    picture = photograph(200, 300)
    paint(picture, "159", box(30, 40, 150, 80))
    response = client.post("/v1/plates", files=files(encode(picture), encode(photograph(50, 60)), b"nonsense"))
    first, second, third = response.json()["results"]
    assert (first["width"], first["height"]) == (300, 200)
    [found] = first["plates"]
    assert (found["text"], found["class"]) == ("159", "car")
    np.testing.assert_allclose(found["box"], (30, 40, 150, 80), atol=3)
    assert second == {"file": "1.png", "width": 60, "height": 50, "plates": []}
    assert third["status"] == 415
    guided = client.post("/v1/plates", content=encode(picture), params={"pattern": "[1-8]*"}).json()
    assert guided["results"][0]["plates"][0]["text"] == "158"


def test_a_server_without_a_detector_says_so(artifacts):
    models = Models({"digits": artifacts[1]}, limits=LIMITS)
    lifecycle = Lifecycle(1)
    lifecycle.ready()
    with TestClient(make_app(models, LIMITS, Metrics(), lifecycle)) as client:
        response = client.post("/v1/plates", content=plate("159"))
        assert response.status_code == 400
        assert "/v1/read" in response.json()["error"]
        assert client.get("/v1/model").json()["detector"] is None


def test_models_are_described(client):
    found = client.get("/v1/model").json()
    assert found["default"] == "digits"
    first, second = found["models"]
    assert (first["name"], second["name"], first["kind"]) == ("digits", "other", "text")
    assert first["units"] == list("0123456789")
    assert first["decoders"] == ["best_path", "beam", "lexicon"]
    assert first["lexicons"] == ["codes"]
    assert found["detector"]["kind"] == "boxes"
    assert found["plates"] == {"models": ["digits", "other"]}
    assert found["limits"]["pixels"] == 100_000
    assert "plate_cn" in found["patterns"]


def test_models_are_described_where_the_package_is_not_installed(client, monkeypatch):
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert client.get("/v1/model").json()["version"] == "from a checkout"


def test_open_inference_protocol(client):
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").status_code == 200
    assert client.get("/v2/models/digits/ready").status_code == 200
    assert client.get("/v2/models/letters").status_code == 404
    metadata = client.get("/v2/models/digits").json()
    assert metadata["inputs"][0] == {"name": "images", "datatype": "UINT8", "shape": [-1, 16, 48, 3]}
    images = np.stack([READER(plate(text)) for text in "12"])
    inputs = [
        {"name": "images", "datatype": "UINT8", "shape": images.shape, "data": images.ravel().tolist()},
        {"name": "sizes", "datatype": "INT32", "shape": [2, 2], "data": [16, 48, 16, 48]},
    ]
    asked = {"id": "mine", "inputs": inputs}
    response = client.post("/v2/models/digits/infer", json=asked)
    assert response.status_code == 200, response.text
    text, confidence = response.json()["outputs"]
    assert response.json()["id"] == "mine"
    assert [each[0] for each in text["data"]] == ["1", "2"]
    assert confidence["shape"] == [2]
    for spoilt in (
        {},
        {"inputs": inputs[:1]},
        {"inputs": [inputs[0] | {"datatype": "FP32"}, inputs[1]]},
        {"inputs": [inputs[0] | {"shape": [2, 16, 47, 3]}, inputs[1]]},
        {"inputs": [inputs[0] | {"shape": [2, 16, -1, 3]}, inputs[1]]},
        {"inputs": [inputs[0] | {"data": [300]}, inputs[1]]},
        {"inputs": [inputs[0] | {"data": [300] * images.size}, inputs[1]]},
        {"inputs": [inputs[0] | {"data": [0.5] * images.size}, inputs[1]]},
        {"inputs": [inputs[0] | {"data": ["1"] * images.size}, inputs[1]]},
        {"inputs": [inputs[0] | {"data": [None] * images.size}, inputs[1]]},
        {"inputs": [inputs[0] | {"data": [10**30] * images.size}, inputs[1]]},
        {"inputs": [inputs[0] | {"data": [[1], [1, 2]]}, inputs[1]]},
        {"inputs": [inputs[0], inputs[1] | {"data": [16, 48, 16, 49]}]},
    ):
        assert client.post("/v2/models/digits/infer", json=spoilt).status_code == 400


def test_ids_are_taken_or_made_and_written_to_the_log(client, capsys):
    given = client.get("/v1/model", headers={"X-Request-ID": "mine-1"})
    assert given.headers["x-request-id"] == "mine-1"
    made = client.get("/v1/model", headers={"X-Request-ID": "two words\u00e9".encode("latin-1")})
    assert len(made.headers["x-request-id"]) == 32
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["request_id"] for line in lines] == ["mine-1", made.headers["x-request-id"]]
    assert lines[0]["status"] == 200
    assert lines[0]["path"] == "/v1/model"


def test_names_of_clients_neither_end_a_line_of_the_log_nor_control_a_terminal(client, capsys):
    client.get("/v1/no%0Asuch%0D%C2%85path%E2%80%A8%C2%9B31m%1B")
    written = capsys.readouterr().err
    [line] = written.splitlines()
    assert json.loads(line)["path"] == "/v1/no\nsuch\r\x85path\u2028\x9b31m\x1b"
    assert line.isascii()
    assert line.isprintable()


@pytest.mark.parametrize(
    ("method", "path", "status", "named"),
    [
        ("GET", "/nowhere", 404, "'/nowhere'"),
        ("GET", "/v1/read", 405, "GET '/v1/read'"),
        ("POST", "/v1/read?nbest=0", 422, "nbest='0'"),
    ],
)
def test_errors_of_the_framework_have_the_form_of_others(client, method, path, status, named):
    response = client.request(method, path)
    assert response.status_code == status
    assert named in response.json()["error"]
    assert response.json()["status"] == status
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert (status == 405) == ("allow" in response.headers)


def test_metrics_count_requests_and_pictures(artifacts):
    with make_client(artifacts)[0] as client:
        client.post("/v1/read", files=files(plate("1"), plate("2"), b"nonsense"))
        client.post("/v1/read", content=b"nonsense")
        client.get("/nowhere")
        client.get("/elsewhere")
        client.get("/v2/models/nothing")
        text = client.get("/metrics").text
    assert 'recog_requests_total{path="/v1/read",status="200"} 1.0' in text
    assert 'recog_requests_total{path="/v1/read",status="415"} 1.0' in text
    assert 'recog_requests_total{path="other",status="404"} 2.0' in text
    assert 'recog_requests_total{path="/v2/models/{name}",status="404"} 1.0' in text
    assert 'recog_pictures_total{model="digits"} 2.0' in text
    assert 'recog_picture_errors_total{status="415"} 2.0' in text
    assert 'recog_queue_length{model="digits"} 0.0' in text
    assert 'recog_batch_size_count{model="digits"}' in text


def test_a_page_and_the_interface_are_shown(client):
    assert "<title>" in client.get("/").text
    assert "/v1/read" in client.get("/openapi.json").json()["paths"]
    page = client.get("/docs")
    assert page.status_code == 200
    files = re.findall(r"(?:src|href)=\"(.*?)\"", page.text)
    assert any(name.endswith(".js") for name in files)
    for name in files:  # none of another host
        assert client.get(name).status_code == 200


def test_probes_may_ask_without_a_body(client):
    for path in ("/", "/v2/health/live", "/v2/health/ready"):
        assert client.head(path).status_code == 200


def test_a_token_may_hold_any_characters(artifacts):
    with make_client(artifacts, token="gehéim")[0] as client:
        headers = {b"authorization": "Bearer gehéim".encode()}
        assert client.get("/v1/model", headers=headers).status_code == 200
        assert client.get("/v1/model", headers={"Authorization": "Bearer geheim"}).status_code == 401


def test_a_token_is_required_where_one_is_set(artifacts):
    with make_client(artifacts, token="secret")[0] as client:
        for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": "Basic secret"}):
            for path in ("/v1/model", "/metrics", "/v2/models/digits"):
                assert client.get(path, headers=headers).status_code == 401
            assert client.post("/v1/read", content=plate("1"), headers=headers).status_code == 401
        assert client.get("/v1/model", headers={"Authorization": "Bearer secret"}).status_code == 200
        for path in ("/", "/docs", "/static-offline-docs/swagger-ui.css", "/v2/health/live", "/v2/health/ready"):
            assert client.get(path).status_code == 200


def test_nothing_is_read_before_the_server_is_ready_or_while_it_drains(artifacts):
    client, _, lifecycle = make_client(artifacts, ready=False)
    with client:
        for _ in range(2):
            response = client.post("/v1/read", content=plate("1"))
            assert response.status_code == 503
            assert int(response.headers["retry-after"]) > 0
            assert client.get("/v2/health/ready").status_code == 503
            assert client.get("/v2/health/live").status_code == 200
            lifecycle.drain()
        lifecycle.ready()  # as a warm-up that ends later than the server
        assert client.post("/v1/read", content=plate("1")).status_code == 503


def test_memory_is_free_again_after_a_request_that_found_too_little(artifacts, monkeypatch):
    monkeypatch.setattr("recog.serving.answering.HELD", 400_000)
    picture = encode(np.zeros((200, 300, 3), np.uint8))  # 180,000 bytes once decoded
    with make_client(artifacts)[0] as client:
        for _ in range(3):
            busy = client.post("/v1/plates", files=files(*[picture] * 4))
            assert busy.status_code == 503
            assert "memory" in busy.json()["error"]
        assert client.post("/v1/plates", files=files(picture)).status_code == 200


def test_requests_that_wait_too_long_or_are_too_many_are_refused(artifacts):
    client, models, _ = make_client(artifacts, Limits(files=2, queue=2, answer_seconds=0.2))
    batcher = models.readers["digits"].batchers[0]
    with client, held(batcher):
        reading = batcher.submit(Options(), [np.zeros((16, 48, 3), np.uint8)])
        while batcher.waiting:
            time.sleep(0.01)
        late = client.post("/v1/read", content=plate("1"))
        assert late.status_code == 504
        waiting = batcher.submit(Options(), [np.zeros((16, 48, 3), np.uint8)] * 2)
        busy = client.post("/v1/read", content=plate("1"))
        assert busy.status_code == 503
        assert int(busy.headers["retry-after"]) > 0
        for future in reading + waiting:
            future.cancel()
