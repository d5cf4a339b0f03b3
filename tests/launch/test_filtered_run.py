"""A run with filters: evaluation and the exported artifact see what training saw."""

import numpy as np

from launch.runs.assembly import documents
from launch.runs.data import check, needs_to_measure, one_pass, open_data
from launch.runs.evaluating import evaluate
from launch.runs.exporting import export
from launch.runs.folder import claim, load_run
from launch.runs.tasks import make_task
from recog.evaluation.evaluator import Evaluator
from recog.export.artifact import Artifact
from recog.mesh import make_mesh
from recog.serving.files import read_files
from recog.training.checkpoints import Checkpoints
from tests.launch.random_state import random_state

FILTERS = ("median3", "otsu", "close2")


def test_filters_follow_a_model_from_training_to_prediction(config, digits, tmp_path):
    config.data.filters, config.data.validation, config.data.holdout = FILTERS, f"folder:{digits}", 0.0
    task = make_task(config)
    claim(tmp_path / "run", documents(config, task))
    with Checkpoints(tmp_path / "run", documents(config, task)) as checkpoints:
        checkpoints.save_if_best(random_state(config, task), 7, {"accuracy": 0.25}, "accuracy")

    export(tmp_path / "run", tmp_path / "artifact")
    artifact = Artifact.load(tmp_path / "artifact")
    assert artifact.card.preprocess.filters == FILTERS
    run = load_run(tmp_path / "run")
    data, codec = run.config.data, run.task.codec
    assert data.filters == FILTERS
    samples = check(open_data(run.config)[1], needs_to_measure(data, codec), "raise", "samples")
    for batch in one_pass(samples, data, codec):
        for index, image, width in zip(batch.ids, batch.images, batch.widths, strict=True):
            if index >= 0:
                assert set(np.unique(image)) <= {0, 255}
                served = artifact.fit((digits / f"{index}.png").read_bytes())
                np.testing.assert_array_equal(served, image[:, :width])

    evaluation = Evaluator(run.task, make_mesh())(run.variables, one_pass(samples, data, codec))
    paths = [digits / f"{prediction.id}.png" for prediction in evaluation.predictions]
    read = [reading for _, reading in read_files(artifact, paths, 5)]
    assert [r if isinstance(r, str) else r[0].text for r in read] == [p.text for p in evaluation.predictions]
    assert any(p.text for p in evaluation.predictions), "nothing proves nothing"
    assert evaluate(tmp_path / "run")["count"] == len(paths)
