"""Rendered sets: what is stored, what a stopped command goes on with, and what is refused."""

import errno
import json
import os
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.builders import render, render_workers
from datasets.builders.render import RenderedSet
from datasets.builders.render_workers import write_all
from datasets.builders.rendering import Rendering
from datasets.specs import open_source
from datasets.tfds_source import IDENTITY, Tfds, find_prepared
from recog.images import decode

PLATES = "plates:seed=5,height=24,width=94"
SCENES = "scenes:seed=5,height=120,width=160"
MIXED = f"0.75*{PLATES},count=3 + 0.25*words:seed=1"


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setattr(render, "SMALL", 3)


def rendered(folder: Path, spec: str = PLATES, count: int = 7, **options) -> RenderedSet:
    return RenderedSet(Rendering(spec, count, **options), folder)


def write(one: RenderedSet, workers: int = 1) -> int:
    """Writes a set; returns the number of samples that were rendered."""
    done: list[int] = []
    one.claim()
    one.write(workers, done.append)
    return sum(done)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("spec", [PLATES, SCENES, MIXED, "music"])
def test_samples_come_back_as_they_were_drawn(tmp_path, spec):
    one = rendered(tmp_path, spec)
    assert write(one) == 7
    stored, drawn = Tfds(one.home, "train"), open_source(spec)
    assert len(stored) == 7
    assert stored.rendered
    for index in range(7):
        sample = stored[index]
        image, label, origin = drawn[index]
        assert isinstance(sample.image, bytes)
        np.testing.assert_array_equal(decode(sample.image, 3), image)
        assert sample.origin == f"{one.folder} train[{index}] {origin}"
        if spec != SCENES:
            assert sample.label == label
            continue
        assert sample.label.text == label.text
        for box, known in zip(sample.label.boxes, label.boxes, strict=True):
            assert box[1:] == known[1:]
            assert box.corners.tobytes() == known.corners.tobytes()
    assert spec != SCENES or any(sample.label.boxes for sample in stored)


def test_pictures_of_a_jpeg_quality(tmp_path):
    one = rendered(tmp_path, SCENES, 2, jpeg_quality=95)
    write(one)
    stored = Tfds(one.home, "train")
    for index in range(2):
        sample = stored[index]
        assert isinstance(sample.image, bytes)
        assert sample.image.startswith(b"\xff\xd8")
        difference = np.abs(decode(sample.image, 3).astype(int) - open_source(SCENES)[index].image)
        assert 0 < difference.mean() < 6


def test_two_processes_write_the_same_bytes_as_one(tmp_path):
    sets = [rendered(tmp_path / str(workers), SCENES) for workers in (1, 2)]
    for workers, one in enumerate(sets, 1):
        assert write(one, workers) == 7
    first, second = (contents(one.home) for one in sets)
    assert len(first) == 3 + 3  # shards; dataset_info.json, features.json and IDENTITY
    assert first == second


def test_a_stopped_command_goes_on_with_the_missing_shards(tmp_path):
    whole, one = rendered(tmp_path / "whole"), rendered(tmp_path / "one")
    write(whole)
    one.claim()

    def stop(number: int) -> None:
        if len(one.missing) < 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        one.write(1, stop)
    with pytest.raises(FileNotFoundError, match="no prepared set"):
        find_prepared(one.home)
    again = rendered(tmp_path / "one")
    assert [len(indices) for indices in again.missing.values()] == [2, 3]
    kept = next(file for file in again.shards if file.is_file())
    before = kept.stat().st_mtime_ns
    next(iter(again.missing)).with_suffix(".array_record-00001-of-00003.part").write_bytes(b"begun")
    assert write(again) == 5
    assert kept.stat().st_mtime_ns == before
    assert contents(again.home) == contents(whole.home)


def test_a_shard_that_was_removed_is_rendered_again(tmp_path):
    one = rendered(tmp_path)
    write(one)
    before = contents(one.home)
    list(one.shards)[1].unlink()
    assert not one.complete
    assert write(one) == 2
    assert one.complete
    assert contents(one.home) == before


@pytest.mark.parametrize(
    ("spec", "count", "options", "message"),
    [
        (PLATES.replace("5", "6"), 7, {}, r"\(seed is 5 there and 6 here\)"),
        (PLATES, 8, {}, r"\(count is 7 there and 8 here\)"),
        (PLATES, 7, {"jpeg_quality": 80}, "jpeg_quality is None there and 80 here"),
        ("0.5*plates + 0.5*plates:seed=2", 7, {}, "renderer is plates there and None here"),
    ],
)
def test_a_folder_with_another_rendering_is_refused(tmp_path, spec, count, options, message):
    one = rendered(tmp_path)
    write(one)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=rf"{one.home} holds another rendering .*{message}"):
        rendered(tmp_path, spec, count, **options).claim()
    assert contents(tmp_path) == before


def test_the_rendering_may_be_named_in_another_way(tmp_path):
    write(rendered(tmp_path))
    rendered(tmp_path, "plates:width=94,height=24,seed=5,count=50,clutter=1").claim()


def test_a_renderer_that_draws_differently_now_is_refused(tmp_path):
    one = rendered(tmp_path)
    one.claim()
    file = one.folder / IDENTITY
    file.write_text(json.dumps(json.loads(file.read_text()) | {"version of the renderer": "0"}))
    with pytest.raises(ValueError, match="version of the renderer is 0 there"):
        rendered(tmp_path).claim()
    file.write_text("{")
    with pytest.raises(ValueError, match=f"{file} is damaged"):
        rendered(tmp_path).claim()


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "plates" / "1.0.0").mkdir(parents=True)
    (tmp_path / "plates" / "1.0.0" / "features.json").touch()
    with pytest.raises(ValueError, match="holds something else than a rendering"):
        rendered(tmp_path).claim()


@pytest.mark.parametrize(
    ("spec", "count", "message"),
    [
        ("names:{}", 1, "is not rendered: its samples are stored already"),
        ("0.5*plates + 0.5*names:{}", 1, "is not rendered"),
        ("plates:count=9", 10, "has 9 samples, fewer than 10: write a larger count="),
        ("0.5*plates + 0.5*scenes", 1, "mixes labels with boxes and texts"),
        ("plates:sed=1", 1, "unknown setting 'sed'"),
    ],
)
def test_sources_that_cannot_be_stored(tmp_path, spec, count, message):
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ValueError, match=message):
        Rendering(spec.format(tmp_path), count)


@pytest.mark.parametrize("name", ["a/b", "../x", "1st", "a b", "京"])
def test_names_that_are_not_those_of_sets(tmp_path, name):
    with pytest.raises(ValueError, match=f"--name='{name}'"):
        RenderedSet(Rendering(PLATES, 1), tmp_path, name)


@pytest.mark.parametrize(
    ("count", "shards"),
    [(1, 1), (256, 1), (300, 2), (131_072, 512), (131_073, 512), (1_000_000, 512), (10_000_000, 611)],
)
def test_sets_have_few_shards_of_about_equal_length(monkeypatch, tmp_path, count, shards):
    monkeypatch.undo()
    lengths = [len(indices) for indices in rendered(tmp_path, f"plates:count={count}", count).shards.values()]
    assert len(lengths) == shards
    assert sum(lengths) == count
    assert max(lengths) - min(lengths) <= 1


class Failing(Rendering):
    """Raises an error, or ends its process, at the second shard."""

    error: Exception | None = None

    def records(self, indices):
        if indices.start:
            if self.error is None:
                os._exit(9)
            raise self.error
        return super().records(indices)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), None])
def test_errors_of_a_process_end_the_others(tmp_path, error):
    failing = Failing(PLATES, 6)
    failing.error = error
    shards = {tmp_path / "a": range(3), tmp_path / "b": range(3, 6)}
    with pytest.raises(OSError, match="No space left" if error else "exit status 9") as caught:
        write_all(failing, shards, 2, lambda number: None)
    assert caught.value.errno == (errno.ENOSPC if error else None)
    assert not (tmp_path / "b").exists()


def test_a_shard_has_its_name_only_when_it_is_complete(tmp_path, monkeypatch):
    monkeypatch.setattr(render_workers, "INTERVAL", -1)
    file, seen = tmp_path / "a", []
    write_all(Rendering(PLATES, 3), {file: range(3)}, 1, lambda number: seen.append(file.exists()))
    assert seen == [False] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert pickle.loads(pickle.dumps(Rendering(PLATES, 3))).identity() == Rendering(PLATES, 3).identity()
