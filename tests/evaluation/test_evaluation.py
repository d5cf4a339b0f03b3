"""Evaluation counts samples, never padding, and keeps the order of the source."""

import dataclasses
import json
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from recog.alphabet import DIGITS
from recog.codecs import TextCodec
from recog.decoded import Decoded
from recog.evaluation.evaluator import Evaluator
from recog.evaluation.report import write_evaluation
from recog.mesh import make_mesh
from recog.tasks.reading import ReadingTask
from tests.batches import text_batch


@dataclasses.dataclass(frozen=True)
class FirstPixels(ReadingTask):
    """Reads the token ids that stand in the first row of each picture, up to a zero."""

    model: None = None
    codec: TextCodec = dataclasses.field(default_factory=lambda: TextCodec(DIGITS, 4))

    def predict(self, variables, images, sizes):
        tokens = images[:, 0, :4, 0].astype(jnp.int32)
        lengths = jnp.sum(jnp.cumprod(tokens > 0, axis=1), axis=1)
        whole = jnp.where(lengths > 0, 0.5**lengths, 0.125)
        return Decoded(tokens, lengths, jnp.full(tokens.shape, 0.5), tokens * 0, whole)._asdict()


def batch(rows, width=8):
    """Rows of (id, what the picture says, label); None stands for an empty row."""
    images = np.zeros((len(rows), 2, width, 1), np.uint8)
    labels = np.zeros((len(rows), 4), np.int32)
    ids, lengths, mask = np.full(len(rows), -1), np.zeros(len(rows), np.int32), np.zeros(len(rows), bool)
    for number, row in enumerate(rows):
        if row is not None:
            ids[number], said, label = row
            images[number, 0, : len(said), 0] = DIGITS.encode(said)
            labels[number, : len(label)] = DIGITS.encode(label)
            lengths[number], mask[number] = len(label), True
    return text_batch(images, np.full(len(rows), width), labels, lengths, ids, mask)


@pytest.fixture(scope="module")
def evaluation():
    batches = [batch([(2, "12", "12"), (0, "3", "34")]), batch([(1, "", "7"), None], width=16)]
    return Evaluator(FirstPixels(), make_mesh())({}, batches)


def test_samples_are_counted_in_the_order_of_the_source(evaluation):
    assert [(p.id, p.label, p.text) for p in evaluation.predictions] == [(0, "34", "3"), (1, "7", ""), (2, "12", "12")]
    assert [p.confidence for p in evaluation.predictions] == [0.5, 0.125, 0.25]


def test_report_has_the_measures_by_name(evaluation):
    report = evaluation.report()
    assert report.pop("images_per_second") > 0
    assert report == pytest.approx(
        {
            "count": 3,
            "accuracy": 1 / 3,
            "one_minus_ned": 1 - (1 / 2 + 1) / 3,
            "cer": 2 / 5,
            "mean_edit_distance": 2 / 3,
            "length_consistency": 1 / 3,
        }
    )


@dataclasses.dataclass(frozen=True)
class Shifted(FirstPixels):
    """Reads digits that are higher by its one variable."""

    def predict(self, variables, images, sizes):
        found = super().predict(variables, images, sizes)
        return found | {"tokens": jnp.where(found["tokens"] > 0, found["tokens"] + variables["shift"], 0)}


def test_several_models_read_batches_that_are_drawn_once():
    batches = (batch([(n, "12", "23")]) for n in range(2))  # a second pass would find none
    models: list[Any] = [{"shift": jnp.int32(n)} for n in range(3)]
    found = Evaluator(Shifted(), make_mesh()).each(models, batches)
    assert [[p.text for p in evaluation.predictions] for evaluation in found] == [["12"] * 2, ["23"] * 2, ["34"] * 2]
    assert [evaluation.report()["accuracy"] for evaluation in found] == [0.0, 1.0, 0.0]


@dataclasses.dataclass(frozen=True)
class Sparing(FirstPixels):
    """Requires that only the outputs which are counted or shown come back from the devices."""

    def count(self, prediction, targets):
        assert set(prediction) == set(self.codec.compared)
        return super().count(prediction, targets)


def test_outputs_that_are_neither_counted_nor_shown_stay_on_the_devices():
    assert Evaluator(Sparing(), make_mesh())({}, [batch([(0, "12", "12")])]).report()["accuracy"] == 1.0


def test_outputs_of_the_first_batch_alone_are_shown():
    batches = [batch([(2, "12", "12"), None, (0, "3", "34")]), batch([(1, "", "7"), None, None])]
    evaluation = Evaluator(FirstPixels(), make_mesh(), shows=("lengths",))({}, batches)
    assert {name: array.tolist() for name, array in evaluation.shown.items()} == {"ids": [2, 0], "lengths": [2, 1]}
    assert not Evaluator(FirstPixels(), make_mesh())({}, batches).shown


def test_no_batch_is_an_error():
    with pytest.raises(ValueError, match="no batch to evaluate"):
        Evaluator(FirstPixels(), make_mesh())({}, [])


def test_files(evaluation, tmp_path):
    report = write_evaluation(evaluation, tmp_path / "out", lambda index: f"sample {index}")
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
    lines = (tmp_path / "out" / "predictions.tsv").read_text().splitlines()
    assert lines == [
        "sample\tlabel\tprediction\tconfidence",
        "sample 0\t34\t3\t0.5000",
        "sample 1\t7\t\t0.1250",
        "sample 2\t12\t12\t0.2500",
    ]
