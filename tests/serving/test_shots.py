"""Pictures and frames of videos come in order, with the numbers and times of the frames."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from recog.serving.plate_reader import Plate
from recog.serving.shots import ReadShot, count_shots, list_shots, read_shots


class Brightness:
    """In place of a plate reader: the one plate of a picture is its mean brightness."""

    def upright(self, picture: bytes) -> np.ndarray:
        if picture == b"bad":
            raise ValueError("not a picture")
        return np.full((4, 4, 3), picture[0], np.uint8)

    def read(self, pictures: list[np.ndarray]) -> list[list[Plate]]:
        return [[Plate(str(round(p.mean() / 40)), 1.0, [], (0, 0, 1, 1), (), 1.0, "plate")] for p in pictures]


@pytest.fixture
def video(tmp_path) -> Path:
    """Seven frames at 5 per second, each brighter than the one before by 40, red."""
    path = tmp_path / "film.AVI"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5, (64, 48))
    for number in range(7):
        writer.write(np.full((48, 64, 3), (0, 0, 40 * number), np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize("every", [1, 3])
def test_frames_of_a_video(video, every):
    shots = list(list_shots([video], every))
    assert [shot.frame for shot in shots] == list(range(0, 7, every))
    assert [shot.seconds for shot in shots] == pytest.approx([frame / 5 for frame in range(0, 7, every)], abs=0.01)
    assert count_shots([video], every) == len(shots)
    for shot in shots:
        assert isinstance(shot.content, np.ndarray)
        assert shot.frame is not None
        np.testing.assert_allclose(shot.content.mean(axis=(0, 1)), (40 * shot.frame, 0, 0), atol=4)


@pytest.mark.parametrize("batch_size", [1, 2, 20])
def test_pictures_and_videos_are_read_in_order_and_unreadable_ones_reported(video, tmp_path, batch_size):
    paths = [tmp_path / name for name in ("a.png", "bad.png", "missing.png", "b.png", "bad.mp4", "missing.mp4")]
    for path, content in zip(paths, (bytes([80]), b"bad", None, bytes([160]), b"bad"), strict=False):
        if content:
            path.write_bytes(content)
    paths.insert(1, video)
    outcomes = list(read_shots(Brightness(), list_shots(paths, 3), batch_size))  # type: ignore[arg-type]
    assert [(shot.path.name, shot.frame) for shot, _ in outcomes] == [
        ("a.png", None),
        *(("film.AVI", frame) for frame in (0, 3, 6)),
        *((path.name, None) for path in paths[2:]),
    ]
    texts = [outcome.plates[0].text if isinstance(outcome, ReadShot) else None for _, outcome in outcomes]
    assert texts == ["2", "0", "1", "2", None, None, "4", None, None]
    reasons = [outcome for _, outcome in outcomes if isinstance(outcome, str)]
    assert [reason.split()[0] for reason in reasons] == ["not", "No", "not", "No"]
