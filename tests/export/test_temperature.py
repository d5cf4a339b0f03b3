"""A temperature beside the program changes confidences of texts, and nothing else."""

import numpy as np
import pytest

from recog.ctc import BestPath
from recog.export.artifact import Artifact
from recog.export.card import Card
from recog.export.files import CARD, FILES, ArtifactError
from recog.export.temperature import store_temperature
from tests.painted_plates import TEXTS, box, paint, write_artifacts


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    return write_artifacts(tmp_path_factory.mktemp("artifacts"))


@pytest.fixture(scope="module")
def picture():
    """A plate whose digits are hard to tell from their neighbours."""
    picture = np.zeros((40, 120, 3), np.uint8)
    paint(picture, "471", box(0, 0, 120, 40))
    return np.clip(np.add(picture, [0, 9, 0]), 0, 255).astype(np.uint8)


def test_confidences_are_raised_to_a_power_and_texts_stay(artifacts, picture, tmp_path):
    store_temperature(artifacts[1], tmp_path / "soft", 0.5)
    ((text, before),) = Artifact.load(artifacts[1]).read_pictures([picture])
    soft = Artifact.load(tmp_path / "soft")
    ((same, after),) = soft.read_pictures([picture])
    assert same == text == "471"
    assert 0.05 < before < 0.95
    assert after == pytest.approx(before**2, rel=1e-5)
    assert "0.5" in (tmp_path / "soft" / "card.md").read_text(encoding="utf-8")
    other = soft.decoded_by(BestPath(TEXTS.alphabet.blank_id))
    assert other.read_pictures([picture])[0].confidence == pytest.approx(before, rel=1e-5)


def test_temperatures_multiply_in_place_and_files_stay(artifacts, tmp_path):
    store_temperature(artifacts[1], tmp_path / "copy", 0.5)
    store_temperature(tmp_path / "copy", tmp_path / "copy", 3)
    assert Card.from_file(tmp_path / "copy" / CARD).temperature == 1.5
    for name in set(FILES) - {"card.json", "card.md"}:
        assert (tmp_path / "copy" / name).read_bytes() == (artifacts[1] / name).read_bytes()
    assert "temperature" not in (artifacts[1] / CARD).read_text(encoding="utf-8")


def test_detectors_have_no_temperature(artifacts, tmp_path):
    with pytest.raises(ArtifactError, match="boxes"):
        store_temperature(artifacts[0], tmp_path / "copy", 0.5)
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("value", ["0", "-1", "NaN", "Infinity", '"warm"'])
def test_a_card_with_an_impossible_temperature_is_refused(artifacts, tmp_path, value):
    store_temperature(artifacts[1], tmp_path / "copy", 0.5)
    card = (tmp_path / "copy" / CARD).read_text(encoding="utf-8")
    (tmp_path / "copy" / CARD).write_text(card.replace('"temperature": 0.5', f'"temperature": {value}'))
    with pytest.raises(ArtifactError, match=r"card\.json"):
        Artifact.load(tmp_path / "copy")
