"""The benchmark of the input runs, and what it says fits together; how long things take is not tested."""

import importlib.util
import multiprocessing
import time

import cv2
import numpy as np
import pytest

from datasets.preflight import BadSamplesError
from datasets.sources import Folder
from datasets.specs import open_source
from launch.benchmarks import input as benchmark
from launch.benchmarks import input_loaders
from launch.benchmarks.loader_timing import family_seconds
from launch.benchmarks.timing import Timing
from recog.images import decode

QUIET, DISTURBED = Timing(0.001, 0.0), Timing(0.0025, 0.5)
TORCH = bool(importlib.util.find_spec("torch"))
SMALL = "plates:height=32,width=128,clutter=0,seed=3"


@pytest.fixture
def folder(tmp_path):
    input_loaders.write_folder(SMALL, tmp_path, 12)
    return Folder(tmp_path)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(input_loaders, "BATCH", 4)


def test_a_written_folder_holds_the_renderers_pictures_and_labels(folder):
    source = open_source(SMALL)
    assert len(folder) == 12
    for index in range(12):
        drawn, text, _ = source[index]
        encoded, label, _ = folder[index]
        assert label == text
        assert isinstance(encoded, bytes)
        assert np.abs(decode(encoded, 3).astype(int) - drawn).mean() < 15


def test_a_folder_is_measured_beside_torch(folder, capsys):
    (result,) = benchmark.report([f"folder:{folder.folder}"], [0], seconds=0.0, rounds=1)
    assert result.first.seconds > 0
    assert result.later
    assert result.later.seconds > 0
    assert result.decode
    assert result.decode.seconds > 0
    assert (result.torch is not None) == TORCH
    header, line, size, *rest = capsys.readouterr().out.splitlines()
    assert header.split() == ["images/s", "workers", "first", "later", "decode", "torch", "first/torch", "later/torch"]
    name, workers, *rates, ratio, ratio_later = line.split()
    assert name.startswith("folder:")
    assert workers == "0"
    assert all(float(rate.rstrip("?").replace(",", "")) > 0 for rate in (rates if TORCH else rates[:3]))
    assert (rates[3] != "-") == (ratio != "-") == (ratio_later != "-") == TORCH
    assert size == "batches of 4x32x128x3"
    assert any("grain" in text for text in rest)


def test_a_renderer_is_measured_without_a_rival(capsys):
    (result,) = benchmark.report([SMALL], [0], seconds=0.0, rounds=1)
    assert result.later is result.torch is None
    assert capsys.readouterr().out.splitlines()[1].split()[3:] == ["-"] * 5


def test_the_limit_decodes_the_pictures_of_the_folder(folder):
    files = [cv2.imread(str(file), cv2.IMREAD_COLOR_RGB) for file in folder.folder.glob("*.jpg")]
    known = {picture.tobytes() for picture in files if picture is not None}
    found = {picture.tobytes() for picture, *_ in next(input_loaders.decoded(folder, input_loaders.check(folder)))}
    assert found
    assert found <= known


@pytest.mark.skipif(not TORCH, reason="torch is not installed")
def test_both_loaders_make_batches_of_the_same_pictures(folder):
    checked = input_loaders.check(folder)
    with input_loaders.our_batches(checked, 0) as batches:
        batch = next(batches)
        ours = {label.tobytes(): image for image, label in zip(batch.images, batch.targets.labels, strict=True)}
    seen = 0
    rival = input_loaders.torch_batches(folder, checked, 0)
    for _ in range(6):
        images, labels, lengths = (np.asarray(part) for part in next(rival))
        assert images.shape == batch.images.shape
        for image, label, length in zip(images, labels, lengths, strict=True):
            assert length == 7 + bool(label[7])
            if label.tobytes() in ours:
                np.testing.assert_array_equal(ours[label.tobytes()], image)
                seen += 1
    assert seen > 0


def test_what_workers_use_of_the_cores_is_not_foreign():
    worker = multiprocessing.get_context("spawn").Process(target=sum, args=(range(10**11),))
    worker.start()
    try:
        until = time.monotonic() + 30
        while (used := family_seconds() - time.process_time()) < 0.2 and time.monotonic() < until:
            pass
        assert used >= 0.2
    finally:
        worker.kill()
        worker.join()


def test_files_that_cannot_be_used_are_left_out(folder):
    (folder.folder / "3.jpg").write_bytes(b"no picture")
    (folder.folder / "5.jpg").unlink()
    checked = input_loaders.check(folder)
    assert checked.found.indices.tolist() == [0, 1, 2, 4, 6, 7, 8, 9, 10, 11]
    for path in folder.folder.glob("*.jpg"):
        path.unlink()
    with pytest.raises(BadSamplesError):
        input_loaders.check(folder)


def test_a_ratio_is_marked_where_either_number_is():
    line = benchmark.line("folder:x", 2, benchmark.Result(QUIET, QUIET, QUIET, DISTURBED))
    assert line.split() == ["folder:x", "2", "1,000", "1,000", "1,000", "400?", "2.50x?", "2.50x?"]
    line = benchmark.line("folder:x", 0, benchmark.Result(QUIET, DISTURBED, None, QUIET))
    assert line.split()[2:] == ["1,000", "400?", "-", "1,000", "1.00x", "0.40x?"]
    assert benchmark.line("plates", 0, benchmark.Result(DISTURBED)).split()[2:] == ["400?", "-", "-", "-", "-", "-"]


def test_numbers_of_workers_are_parsed():
    assert benchmark.parse_workers(["0", "2"]) == [0, 2]


@pytest.mark.parametrize("texts", [["two"], ["-1"], ["0", "1.5"], []])
def test_other_workers_are_named(texts):
    with pytest.raises(ValueError, match=f"--workers={','.join(texts)}: expected numbers"):
        benchmark.parse_workers(texts)
