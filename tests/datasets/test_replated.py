"""Photographs with other plates: labels follow the pixels, and variants of held out photographs are not trained on."""

import cv2
import numpy as np
import pytest

from datasets.holdout import split_holdout
from datasets.replated import VARIANTS, Replated, vary
from datasets.sources import BadSampleError, Sample
from recog.codecs import BoxCodec, BoxLabel, LabelledBox

QUAD = np.array([[100, 120], [180, 116], [181, 142], [101, 146]], np.float32)
LABEL = BoxLabel((LabelledBox(QUAD, "plate", "京A12345"),))


def grey(level: int = 120, size=(240, 320)) -> np.ndarray:
    return np.full((*size, 3), level, np.uint8)


class Photographs:
    """Grey pictures with one plate each; two of each have a group in common."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        encoded = cv2.imencode(".png", grey(100 + index))[1].tobytes()
        return Sample(encoded, LABEL, self.origin(index))

    def origin(self, index):
        return f"photograph {index}"

    def key(self, index):
        return f"{index}".encode()

    def group(self, index):
        return f"{index // 2}".encode()


def corners_of(found: BoxLabel) -> np.ndarray:
    return np.stack([box.corners for box in found.boxes]) if found.boxes else np.zeros((0, 4, 2))


def test_samples_are_functions_of_seed_and_index():
    source = Replated(Photographs(), seed=3)
    assert len(source) == VARIANTS * 6
    image, label, origin = source[8]
    again, same, _ = Replated(Photographs(), seed=3)[8]
    np.testing.assert_array_equal(image, again)
    assert str(label) == str(same)
    assert "photograph 2" in origin
    assert source.key(8) == b"2"
    other = Replated(Photographs(), seed=4)[8][0]
    assert not np.array_equal(other, image)


def test_boxes_are_whole_and_around_what_was_drawn():
    """On grey ground, whatever differs from it lies in a box, and every box holds some of it."""
    codec = BoxCodec(("plate",))
    for seed in range(40):
        picture, found = vary(grey(), LABEL, np.random.default_rng(seed))
        height, width = picture.shape[:2]
        assert not codec.problems(found, (height, width))
        corners = corners_of(found)
        assert (corners >= 0).all()
        assert (corners <= (width, height)).all()
        drawn = np.abs(picture.astype(int) - 120).max(axis=2) > 24
        near = np.zeros(drawn.shape, np.uint8)
        for own in corners:
            middle = own.mean(axis=0)
            cv2.fillConvexPoly(near, np.round(middle + (own - middle) * 1.2).astype(np.int32), 1)
        assert not (drawn & (near == 0)).any(), seed
        for box in found.boxes:
            mask = np.zeros(drawn.shape, np.uint8)
            cv2.fillConvexPoly(mask, np.round(box.corners).astype(np.int32), 1)
            if box.text != "京A12345":
                assert drawn[mask > 0].mean() > 0.05, (seed, box)


def test_mirrored_plates_are_not_mirror_writing():
    """Corners stay clockwise from the top left, and only pictures whose plates are new are mirrored."""
    ground = np.repeat(np.linspace(0, 255, 320).astype(np.uint8)[None, :, None], 240, axis=0).repeat(3, axis=2)
    mirrored = kept = 0
    for seed in range(60):
        picture, found = vary(ground, LABEL, np.random.default_rng(seed))
        falls = picture[0, 0, 0] > picture[0, -1, 0]
        mirrored += falls
        for box in found.boxes:
            assert cv2.contourArea(box.corners, oriented=True) > 0
            assert box.corners[0, 0] < box.corners[1, 0]
            kept += box.text == "京A12345"
            assert not (falls and box.text == "京A12345")
    assert mirrored > 5
    assert kept > 5


def test_large_photographs_are_reduced_with_their_boxes():
    label = BoxLabel((LabelledBox(QUAD * 5, "plate", "京A12345"),))
    for seed in range(10):
        picture, found = vary(grey(size=(1200, 1600)), label, np.random.default_rng(seed))
        assert max(picture.shape) <= 800
        assert (corners_of(found) <= np.array(picture.shape[1::-1])).all()


def test_held_out_photographs_are_themselves_and_none_of_their_variants_is_trained_on():
    source = Replated(Photographs())
    training, held = split_holdout(source, 0.34)
    assert len(held) == 2
    assert len(training) == VARIANTS * 4
    assert [str(held[i].label) for i in range(2)] == [str(LABEL)] * 2
    groups = [{part.group(index) for index in range(len(part))} for part in (training, held)]
    assert all(groups)
    assert not groups[0] & groups[1]


def test_labels_of_another_kind_are_refused_by_name():
    class Texts(Photographs):
        def __getitem__(self, index):
            return Sample(grey(), "京A12345", self.origin(index))

    with pytest.raises(ValueError, match=r"photograph 0.*str, not boxes"):
        Replated(Texts())[0]


def test_a_photograph_that_cannot_be_decoded_is_a_bad_sample():
    class Broken(Photographs):
        def __getitem__(self, index):
            return Sample(b"no picture", LABEL, self.origin(index))

    with pytest.raises(BadSampleError, match="photograph 0"):
        Replated(Broken())[0]
