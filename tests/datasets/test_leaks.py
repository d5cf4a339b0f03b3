"""Pictures that are both trained on and held out are counted and named."""

import cv2
import numpy as np
import pytest

from datasets.leaks import find_leaks
from datasets.mixture import Mixture
from datasets.preflight import preflight
from datasets.sources import Folder
from datasets.specs import open_source
from recog.alphabet import ARITHMETIC, DIGITS
from tests.batches import text_needs

NEEDS = text_needs(DIGITS, frames=lambda width: width)
RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 256, (16, 40, 3), dtype=np.uint8) for _ in range(5)]


def folder(path, files: list[bytes]) -> Folder:
    path.mkdir()
    for number, content in enumerate(files):
        (path / f"{number}.png").write_bytes(content)
    (path / "labels.tsv").write_text("".join(f"{number}.png\t{number}\n" for number in range(len(files))))
    return Folder(path)


def png(picture: np.ndarray, compression: int = 3) -> bytes:
    return cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, compression])[1].tobytes()


def leaks(training, validation, needs=NEEDS):
    return find_leaks(*((s, preflight(s, needs, on_bad_sample="raise").pictures) for s in (training, validation)))


def test_equal_files_and_equal_pixels_are_counted_and_named(tmp_path):
    training = folder(tmp_path / "a", [png(p) for p in PICTURES[:4]])
    validation = folder(tmp_path / "b", [png(PICTURES[4]), png(PICTURES[2]), png(PICTURES[0], 9)])
    found = leaks(training, validation)
    assert found is not None
    assert (found.samples, found.same_file, found.looked_at) == (2, 1, 3)
    assert f"{tmp_path}/b/labels.tsv:2 (1.png), which is {tmp_path}/a/labels.tsv:3 (2.png)" in found.summary()
    assert "2 of 3 validation samples" in found.summary()


def test_other_pictures_are_no_leak(tmp_path):
    one, other = (folder(tmp_path / f"{n}", [png(p)]) for n, p in enumerate(PICTURES[:2]))
    assert leaks(one, other) is None


def test_leaks_are_found_in_parts_of_mixtures(tmp_path):
    parts = [folder(tmp_path / f"{n}", [png(p) for p in PICTURES[n : n + 2]]) for n in (0, 2)]
    validation = folder(tmp_path / "v", [png(PICTURES[3])])
    found = leaks(Mixture(parts, [3, 1]), validation)
    assert found is not None
    assert found.trained_on == f"{tmp_path}/2/labels.tsv:2 (1.png)"


@pytest.mark.parametrize(("seed", "leaking"), [(1, 20), (2, 0)])
def test_rendered_samples_of_the_same_seed_leak(seed, leaking):
    training, validation = open_source("arithmetic:count=1000,seed=1"), open_source(f"arithmetic:count=20,seed={seed}")
    found = leaks(training, validation, text_needs(ARITHMETIC, frames=lambda width: width))
    assert (found.samples if found else 0) == leaking
