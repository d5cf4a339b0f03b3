"""Artifacts are loaded with one runtime or another, and say which there are."""

import pytest

from recog.export.artifact import Artifact
from recog.export.files import ArtifactError
from tests.painted_plates import write_artifacts


def test_an_unknown_runtime_is_refused_with_those_there_are(tmp_path):
    folder = write_artifacts(tmp_path)[1]
    with pytest.raises(ArtifactError, match="'tensorrt'; expected jax or onnx"):
        Artifact.load(folder, runtime="tensorrt")
