"""Classifiers are served as readers are, and artifacts of another kind are refused."""

import dataclasses
import json
from typing import Any

import cv2
import jax.numpy as jnp
import numpy as np
import pytest

from recog.codecs import ClassCodec
from recog.export.artifact import Artifact
from recog.export.files import ArtifactError
from recog.export.write import Provenance, write_artifact
from recog.preprocess import Preprocess
from recog.serving.decoders import Options
from recog.serving.limits import Limits
from recog.serving.metrics import Metrics
from recog.serving.models import Models
from recog.serving.refusals import BadOptionError
from tests.painted_plates import FixedTask, write_artifacts
from tests.serving.holding import held

COLOURS = ClassCodec(("red", "green", "blue"))


@dataclasses.dataclass(frozen=True)
class Brightness(FixedTask):
    """Tells how much of a picture's light is red, green and blue."""

    model: Any = None
    codec: ClassCodec = COLOURS

    def predict(self, variables, images, sizes):
        light = jnp.sum(images.astype(jnp.float32), axis=(1, 2)) + 1.0
        return {"probabilities": light / jnp.sum(light, axis=1, keepdims=True)}


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifacts")
    write_artifact(folder / "c", Brightness(), {}, Provenance({}, {}, Preprocess(8, 8, 3), "none", "none", 0, {}))
    return [Artifact.load(path) for path in (folder / "c", *write_artifacts(folder))]


def test_a_classifier_lists_its_classes_but_takes_no_decoder(artifacts):
    models = Models({"colours": artifacts[0]})
    reader = models.reader()
    pixels = np.full((20, 20, 3), (10, 60, 30), np.uint8)
    fitted = reader.fit(cv2.imencode(".png", pixels[..., ::-1])[1].tobytes())
    [future] = reader.submit(Options(listed=True), [fitted])
    found = future.result(timeout=60).to_json(2)
    assert (found["text"], found["characters"]) == ("green", [])
    assert found["confidence"] == pytest.approx(0.6, abs=1e-3)
    assert [each["text"] for each in found["readings"]] == ["green", "blue"]
    for options in (Options("beam"), Options(pattern="1"), Options(lexicon="words")):
        with pytest.raises(BadOptionError, match="CTC logits"):
            reader.decoders.decoded_by(options)
    models.close()


def test_models_of_another_kind_are_refused(artifacts):
    _, detector, reader = artifacts
    with pytest.raises(ArtifactError, match=r"name it with --detector"):
        Models({"finder": detector})
    with pytest.raises(ArtifactError, match="predicts text, not boxes"):
        Models({}, reader)


def test_lexicons_must_suit_a_model(artifacts, tmp_path):
    classifier, _, reader = artifacts
    (tmp_path / "digits.txt").write_text("123\n")
    (tmp_path / "letters.txt").write_text("abc\n")
    both, digits = {"colours": classifier, "digits": reader}, {"codes": tmp_path / "digits.txt"}
    models = Models(both, lexicons=digits)
    assert [each.decoders.lexicons for each in models.readers.values()] == [[], ["codes"]]
    models.close()
    with pytest.raises(ValueError, match=r"lexicon names suits no model \(colours: .*; digits: .*letters\.txt"):
        Models(both, lexicons={"names": tmp_path / "letters.txt"})
    with pytest.raises(ValueError, match="lexicon codes suits no model"):
        Models({"colours": classifier}, lexicons=digits)


def test_models_that_are_prepared_are_logged(artifacts, capsys):
    classifier, detector, _ = artifacts
    models = Models({"colours": classifier}, detector)
    models.warm_up()
    models.close()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["model"]) for line in lines] == [("prepared", "colours"), ("prepared", "plates")]
    assert all(line["programs"] > 0 for line in lines)


def test_an_unknown_lexicon_is_named(artifacts):
    models = Models({"digits": artifacts[2]})
    with pytest.raises(BadOptionError, match=r"lexicon='streets' is unknown; this server has none"):
        models.reader().decoders.decoded_by(Options(lexicon="streets"))
    models.close()


def test_another_decoder_of_plates_does_not_hold_up_the_usual_one(artifacts):
    _, detector, reader = artifacts
    models = Models({"digits": reader}, detector)
    finder = models.plates
    assert finder
    nothing = np.zeros((96, 128, 3), np.uint8)
    with held(finder.batchers[1]) as go:
        [slow] = finder.submit(("digits", Options(pattern="1+")), [nothing])
        [usual] = finder.submit(("digits", Options()), [nothing])
        assert usual.result(timeout=60) == []
        assert not slow.done()
        go.set()
        assert slow.result(timeout=60) == []
    models.close()


def test_few_decoders_are_kept_and_each_is_built_once(artifacts):
    models = Models({"digits": artifacts[2]}, limits=Limits(), metrics=Metrics())
    decoders = models.reader().decoders
    first = decoders.decoded_by(Options(pattern="1+"))
    assert decoders.decoded_by(Options("beam", "1+")) is first
    assert decoders.decoded_by(Options()) is artifacts[2]
    for pattern in ("2+", "3+", "4+", "5+"):
        decoders.decoded_by(Options(pattern=pattern))
    assert decoders.decoded_by(Options(pattern="1+")) is not first
    models.close()
