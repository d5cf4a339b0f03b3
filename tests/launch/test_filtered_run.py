"""A run with filters: evaluation and the exported artifact see what training saw."""

import jax
import numpy as np

from launch.evaluate import evaluate
from launch.export import export
from launch.runs.config import to_json
from launch.runs.data import check, one_pass, open_data, state_maker
from launch.runs.folder import claim, load_run
from launch.runs.tasks import make_task
from recog.evaluation.evaluator import Evaluator
from recog.export.artifact import Artifact
from recog.mesh import make_mesh
from recog.serving.files import read_files
from recog.training.checkpoints import Checkpoints
from recog.training.optimizers import make_optimizer

FILTERS = ("median3", "otsu", "close2")


def test_filters_follow_a_model_from_training_to_prediction(config, digits, tmp_path):
    config.data.filters, config.data.validation, config.data.holdout = FILTERS, f"folder:{digits}", 0.0
    task = make_task(config)
    state = jax.jit(state_maker(config, task, make_optimizer(config.optimizer, config.train.steps)))()
    state = state.replace(params=jax.tree.map(lambda x: 3 * x, state.params))  # confident enough to read something
    claim(tmp_path / "run", {"config": to_json(config)})
    with Checkpoints(tmp_path / "run", {"alphabet": task.alphabet.to_dict()}) as checkpoints:
        checkpoints.save_if_best(state, 7, {"accuracy": 0.25})

    export(tmp_path / "run", tmp_path / "artifact")
    artifact = Artifact.load(tmp_path / "artifact")
    assert artifact.card.filters == FILTERS
    run = load_run(tmp_path / "run")
    assert run.config.data.filters == FILTERS
    samples = check(open_data(run.config)[1], run.config, run.task, "samples", learn=False)
    for batch in one_pass(samples, run.config, run.task):
        for index, image, width in zip(batch.ids, batch.images, batch.widths, strict=True):
            if index >= 0:
                assert set(np.unique(image)) <= {0, 255}
                served = artifact.decode((digits / f"{index}.png").read_bytes())
                np.testing.assert_array_equal(served, image[:, :width])

    evaluation = Evaluator(run.task, make_mesh())(run.variables, one_pass(samples, run.config, run.task))
    paths = [digits / f"{prediction.id}.png" for prediction in evaluation.predictions]
    read = [reading for _, reading in read_files(artifact, paths, 5)]
    assert [r if isinstance(r, str) else r.text for r in read] == [p.text for p in evaluation.predictions]
    assert any(p.text for p in evaluation.predictions)
    evaluate(tmp_path / "run")
