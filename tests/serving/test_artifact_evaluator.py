"""Artifacts of readers by parts are judged by the parts that they read, as their tasks are."""

import numpy as np
import pytest

from recog.batch import Batch
from recog.evaluation.evaluator import Evaluator
from recog.export.artifact import Artifact
from recog.mesh import make_mesh
from recog.serving.artifact_evaluator import ArtifactEvaluator
from tests.export.by_parts import IMAGES, SIZES, write


@pytest.mark.parametrize("scores", ["ctc", "attention"])
def test_parts_of_a_text_count_as_for_their_task(tmp_path, scores):
    task, variables = write(tmp_path, scores)
    encoded = [task.codec.encode(label) for label in ("1.25", "3", "4.5")]
    targets = task.codec.zeros(3)._make(np.stack(arrays) for arrays in zip(*encoded, strict=True))
    sizes = SIZES.copy()
    sizes[2] = 0  # a row without a sample
    batch = Batch(IMAGES, sizes, targets, ids=np.array([1, 0, -1], np.int32), mask=np.array([True, True, False]))
    of_task = Evaluator(task, make_mesh())(variables, [batch])
    found = ArtifactEvaluator(Artifact.load(tmp_path))([batch])
    assert [one[:3] for one in found.predictions] == [one[:3] for one in of_task.predictions]
    assert [one.id for one in found.predictions] == [0, 1]
    assert found.counts.report() == of_task.counts.report()
