"""Artifacts of readers by parts: other decoders over their logits, and programs that search."""

import dataclasses
import json
import re

import jax
import numpy as np
import pytest

from recog.alphabet import PRICE as TOKENS
from recog.ctc import BeamSearch, BestPath, Lexicon, LexiconSearch
from recog.ctc.pattern import compile_pattern
from recog.export.artifact import Artifact
from recog.export.files import ArtifactError, sha256
from tests.export.by_parts import IMAGES, SIZES, write

PATTERN = r"\d{1,2}\.\d{2}"
SEARCH = BeamSearch(beam_width=3, automaton=compile_pattern(PATTERN, TOKENS))


@pytest.fixture(scope="module")
def ctc(tmp_path_factory):
    """The folder of an artifact, the loaded one (which keeps its program), its task and variables."""
    folder = tmp_path_factory.mktemp("ctc") / "artifact"
    written = write(folder, "ctc")
    return folder, Artifact.load(folder), *written


def test_another_decoder_reads_what_the_task_reads_with_it(ctc):
    _, artifact, task, variables = ctc
    found = artifact.decoded_by(SEARCH).predict(IMAGES, SIZES)
    expected = jax.device_get(jax.jit(dataclasses.replace(task, decoder=SEARCH).predict)(variables, IMAGES, SIZES))
    np.testing.assert_array_equal(found["tokens"], expected["tokens"])
    np.testing.assert_allclose(found["confidence"], expected["confidence"], rtol=1e-4)
    assert all(re.fullmatch(PATTERN, reading.text) for reading in artifact.codec.readings(found))


def test_without_a_decoder_or_by_the_best_path_it_reads_as_it_was_exported(ctc):
    _, artifact, *_ = ctc
    exported = artifact.predict(IMAGES, SIZES)
    for other in (artifact.decoded_by(SEARCH).decoded_by(None), artifact.decoded_by(BestPath())):
        found = other.predict(IMAGES, SIZES)
        np.testing.assert_array_equal(found["tokens"], exported["tokens"])
        np.testing.assert_allclose(found["confidence"], exported["confidence"], rtol=1e-4)


def without_structure(folder):
    """Changes an artifact to one of an earlier version."""
    saved = json.loads((folder / "codec.json").read_text())
    (folder / "codec.json").write_text(json.dumps({k: v for k, v in saved.items() if k not in ("structure", "scores")}))
    card = json.loads((folder / "card.json").read_text())
    card["sha256"]["codec.json"] = sha256(folder / "codec.json")
    (folder / "card.json").write_text(json.dumps(card))


def test_an_artifact_of_an_earlier_version_reads_on_but_takes_no_other_decoder(ctc, tmp_path):
    folder, exported, *_ = ctc
    expected = exported.read(IMAGES, SIZES)
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert "decoder" not in json.loads((folder / "card.json").read_text()), "earlier versions load this card"
    without_structure(tmp_path)
    artifact = Artifact.load(tmp_path)
    assert artifact.read(IMAGES, SIZES) == expected
    with pytest.raises(ArtifactError, match="how its parts compose a text: export it again"):
        artifact.decoded_by(SEARCH)


def test_a_program_of_attention_searches_if_it_is_exported_so(tmp_path):
    settings = {"decoder": "beam", "beam_width": 3, "pattern": PATTERN}
    task, variables = write(tmp_path / "artifact", "attention", SEARCH, settings)
    artifact = Artifact.load(tmp_path / "artifact")
    found, expected = artifact.predict(IMAGES, SIZES), jax.jit(task.predict)(variables, IMAGES, SIZES)
    np.testing.assert_array_equal(found["tokens"], expected["tokens"])
    assert all(re.fullmatch(PATTERN, reading.text) for reading in artifact.read(IMAGES, SIZES))
    assert artifact.card.decoder == settings
    assert json.dumps(settings) in (tmp_path / "artifact" / "card.md").read_text()
    for decoder in (BeamSearch(), BestPath()):
        with pytest.raises(ArtifactError, match=r'exported with \{"decoder": "beam".*export it again with the decoder'):
            artifact.decoded_by(decoder)


def test_decoders_that_do_not_suit_the_parts_are_refused(ctc):
    artifact = Artifact.load(ctc[0])
    for decoder in (BeamSearch(blank_id=11), BestPath(blank_id=11)):
        with pytest.raises(ValueError, match=rf"{type(decoder).__name__}\(blank_id=0\)"):
            artifact.decoded_by(decoder)
    with pytest.raises(ValueError, match="LexiconSearch decodes whole texts, this model reads them by parts"):
        artifact.decoded_by(LexiconSearch(Lexicon(["1.50"], TOKENS)))


def test_a_damaged_structure_is_named(ctc, tmp_path):
    for path in ctc[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    saved = json.loads((tmp_path / "codec.json").read_text())
    (tmp_path / "codec.json").write_text(json.dumps(saved | {"structure": {"branches": [["integer"]]}}))
    card = json.loads((tmp_path / "card.json").read_text())
    card["sha256"]["codec.json"] = sha256(tmp_path / "codec.json")
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(ArtifactError, match=r"codec\.json holds no codec"):
        Artifact.load(tmp_path)
