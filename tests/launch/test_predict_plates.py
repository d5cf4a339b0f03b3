"""Whole photographs on the command line: a line of JSON for each, drawings, and flags that do not go together."""

import json

import cv2
import numpy as np
import pytest

import launch.predict
from tests.launch.in_process import parsed
from tests.painted_plates import BLUE, box, paint, photograph, write_artifacts


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    return write_artifacts(tmp_path_factory.mktemp("artifacts"))


@pytest.fixture
def photos(tmp_path):
    """Photographs with two plates, none, and one, the last in another folder, and a video of four frames."""
    (tmp_path / "photos" / "more").mkdir(parents=True)
    pictures = [photograph(200, 300) for _ in range(3)]
    paint(pictures[0], "456", box(20, 20, 140, 60))
    paint(pictures[0], "123", box(150, 100, 270, 140), BLUE)
    paint(pictures[2], "789", box(100, 100, 220, 140))
    for name, picture in zip(("a.png", "b.png", "more/a.png"), pictures, strict=True):
        assert cv2.imwrite(str(tmp_path / "photos" / name), picture[..., ::-1])
    writer = cv2.VideoWriter(str(tmp_path / "photos" / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (300, 200))
    for _ in range(4):
        writer.write(np.ascontiguousarray(pictures[2][..., ::-1]))
    writer.release()
    return tmp_path / "photos"


@pytest.fixture
def predict(capsys, monkeypatch):
    """Calls the command in this process; gives its exit status, lines of JSON, and standard error."""
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def call(*arguments, paths=()):
        with parsed(launch.predict, *map(str, arguments)), pytest.raises(SystemExit) as ended:
            launch.predict.main(["predict", *map(str, paths)])
        output, errors = capsys.readouterr()
        return int(ended.value.code or 0), [json.loads(line) for line in output.splitlines()], errors

    return call


def test_a_line_for_each_photograph_and_frame(artifacts, photos, predict, tmp_path):
    finder, reader = artifacts
    drawn = tmp_path / "drawn"
    asked = f"--detector={finder}", f"--artifact={reader}", "--every=3", f"--draw={drawn}", "--batch_size=2"
    status, lines, errors = predict(*asked, paths=[photos])
    assert (status, errors) == (0, "")
    assert [line["file"] for line in lines] == [
        str(photos / name) for name in ("a.png", "b.png", "film.avi", "film.avi", "more/a.png")
    ]
    texts = [[plate["text"] for plate in line["plates"]] for line in lines]
    assert texts == [["456", "123"], [], ["789"], ["789"], ["789"]]
    assert [(line.get("frame"), line.get("seconds")) for line in lines[1:4]] == [(None, None), (0, 0.0), (3, 0.3)]
    plate = lines[0]["plates"][0]
    assert list(plate) == [
        "text", "confidence", "characters", "box", "corners", "detection_confidence", "class",
    ]  # fmt: skip
    np.testing.assert_allclose(plate["box"], [20, 20, 140, 60], atol=3)
    np.testing.assert_allclose(plate["corners"], box(20, 20, 140, 60), atol=3)
    assert [character["char"] for character in plate["characters"]] == ["4", "5", "6"]
    assert (plate["detection_confidence"], plate["class"]) == (0.9, "car")
    assert sorted(path.name for path in drawn.iterdir()) == [
        "a-2.jpg", "a.jpg", "b.jpg", "film_000000.jpg", "film_000003.jpg",
    ]  # fmt: skip


def test_files_that_cannot_be_read_are_reported_and_the_others_read(artifacts, photos, predict):
    (photos / "broken.png").write_bytes(b"no picture")
    paths = [photos / "missing.png", photos / "broken.png", photos / "b.png"]
    status, lines, errors = predict(f"--detector={artifacts[0]}", f"--artifact={artifacts[1]}", paths=paths)
    assert status == 1
    assert lines == [{"file": str(photos / "b.png"), "plates": []}]
    assert [line.split(": ")[1] for line in errors.splitlines()] == [str(path) for path in paths[:2]]


def test_the_threshold_and_a_detector_alone(artifacts, photos, predict):
    _, lines, _ = predict(f"--detector={artifacts[0]}", "--threshold=0.7", paths=[photos / "a.png"])
    ((plate,),) = (line["plates"] for line in lines)
    assert (plate["class"], plate["text"], plate["characters"]) == ("car", "", [])


def test_a_decoder_of_the_reader(artifacts, photos, predict):
    asked = f"--detector={artifacts[0]}", f"--artifact={artifacts[1]}", "--decoder=beam", "--pattern=[1-7][1-8][1-6]"
    _, lines, _ = predict(*asked, paths=[photos / "more" / "a.png"])
    assert [plate["text"] for plate in lines[0]["plates"]] == ["786"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--artifact={reader}", "--draw=x"), "--draw"),
        (("--artifact={reader}", "--every=2", "--threshold=0.5"), "--threshold and --every"),
        (("--detector={finder}", "--artifact={reader}", "--decoder=beam", "--nbest=3"), "--nbest"),
        (("--detector={finder}", "--decoder=beam", "--pattern=[0-9]"), "--decoder and --pattern"),
        (("--detector={finder}", "--every=2"), "--every=2"),
        (("--detector={finder}", "--draw={photos}"), "overwritten"),
        (("--detector={reader}", "--artifact={finder}"), "detector's artifact"),
        (("--artifact={finder}",), "--detector={finder}"),
        ((), "--artifact"),
    ],
)
def test_flags_that_do_not_go_together_are_named(arguments, named, artifacts, photos, monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)
    names = {"finder": artifacts[0], "reader": artifacts[1], "photos": photos}
    with (
        parsed(launch.predict, *(argument.format(**names) for argument in arguments)),
        pytest.raises(ValueError, match=named.format(**names)),
    ):
        launch.predict.main(["predict", str(photos / "a.png")])
