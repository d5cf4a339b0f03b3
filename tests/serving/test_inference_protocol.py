"""The Open Inference Protocol takes pictures of the widths that models take."""

import numpy as np
import pytest
from starlette.testclient import TestClient

from recog.export.artifact import Artifact
from recog.export.write import Provenance, write_artifact
from recog.preprocess import Preprocess
from recog.serving.app import make_app
from recog.serving.lifecycle import Lifecycle
from recog.serving.limits import Limits
from recog.serving.metrics import Metrics
from recog.serving.models import Models
from tests.serving.test_models import Brightness


@pytest.mark.parametrize(("width", "status"), [(30, 200), (0, 200), (4097, 413)])
def test_widths(tmp_path, width, status):
    write_artifact(tmp_path / "c", Brightness(), {}, Provenance({}, {}, Preprocess(2, 0, 1), "none", "none", 0, {}))
    models, lifecycle = Models({"colours": Artifact.load(tmp_path / "c")}), Lifecycle(1)
    lifecycle.ready()
    images = np.zeros((min(width, 1), 2, width, 1), np.uint8)  # none without a width
    inputs = [
        {"name": "images", "datatype": "UINT8", "shape": images.shape, "data": images.ravel().tolist()},
        {"name": "sizes", "datatype": "INT32", "shape": [len(images), 2], "data": [2, width] * len(images)},
    ]
    with TestClient(make_app(models, Limits(), Metrics(), lifecycle)) as client:
        response = client.post("/v2/models/colours/infer", json={"inputs": inputs})
    assert response.status_code == status
    assert status != 200 or response.json()["outputs"][0]["shape"] == [len(images)]
