"""Metric files survive being cut off and resumed."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import SessionLog  # pyright: ignore[reportAttributeAccessIssue]

from recog.training.board import LARGEST
from recog.training.writers import MetricWriter, NoWriter, load_metrics
from tests.training.events import load_events, load_pictures


def write(workdir, steps, resumed_at=0):
    writer = MetricWriter(workdir, resumed_at)
    for step in steps:
        writer.write(step, {"train/loss": step / 2})
    writer.close()


def test_lines_are_json_with_a_step(tmp_path):
    write(tmp_path, [1, 2])
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines == [{"step": 1, "train/loss": 0.5}, {"step": 2, "train/loss": 1.0}]
    assert list((tmp_path / "tensorboard").iterdir())


def test_tensorboard_files_hold_every_value_and_hide_what_was_dropped(tmp_path):
    write(tmp_path, [1, 2])
    write(tmp_path, [2], resumed_at=1)
    events = load_events(tmp_path)
    values = [(event.step, v.tag, v.simple_value) for event in events for v in event.summary.value]
    assert sorted(values) == [(1, "train/loss", 0.5), (2, "train/loss", 1.0), (2, "train/loss", 1.0)]
    starts = [event.step for event in events if event.session_log.status == SessionLog.START]
    assert sorted(starts) == [1, 2]


def show(workdir, step, pictures, resumed_at=0):
    writer = MetricWriter(workdir, resumed_at)
    writer.show(step, lambda: pictures)
    writer.close()


def test_pictures_come_back_by_step_and_name(tmp_path):
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[5:, :10] = 255, 0, 40
    show(tmp_path, 2, {"validation/confusion": picture, "validation/predictions": 255 - picture})
    first, second = load_pictures(tmp_path)
    assert (first.step, first.tag) == (2, "validation/confusion")
    assert (second.step, second.tag) == (2, "validation/predictions")
    np.testing.assert_array_equal(first.picture, picture)
    np.testing.assert_array_equal(second.picture, 255 - picture)


def test_pictures_of_a_resumed_run_hide_those_that_were_dropped(tmp_path):
    for resumed_at in (0, 3):
        show(tmp_path, 4, {"a": np.full((2, 2, 3), resumed_at, np.uint8)}, resumed_at)
    events = load_events(tmp_path)
    starts = [place for place, event in enumerate(events) if event.session_log.status == SessionLog.START]
    shown = [place for place, event in enumerate(events) if event.summary.value]
    assert starts[0] < shown[0] < starts[1] < shown[1]
    assert [events[place].step for place in starts + shown] == [1, 4, 4, 4]


@pytest.mark.parametrize("size", [(300, 900), (1200, 2000)])
def test_large_pictures_are_compressed_until_they_are_small_enough(tmp_path, size):
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    smooth = np.broadcast_to(np.linspace(0, 255, size[1]).astype(np.uint8)[:, None], (*size, 3))
    show(tmp_path, 1, {"noise": noise, "smooth": smooth})
    first, second = load_pictures(tmp_path)
    assert max(first.bytes, second.bytes) <= LARGEST
    assert first.picture.shape[1] / first.picture.shape[0] == pytest.approx(size[1] / size[0], rel=0.02)
    assert second.picture.shape == smooth.shape
    assert np.abs(second.picture.astype(int) - smooth).max() < 8


def test_processes_that_do_not_write_do_not_draw(tmp_path):
    def draw():
        raise AssertionError("drawn")

    NoWriter().show(1, draw)


def test_a_full_disk_is_an_error_at_once(tmp_path, monkeypatch):
    writer = MetricWriter(tmp_path)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(EventsWriter, "flush", full)
    with pytest.raises(OSError, match="No space left"):
        writer.write(1, {"train/loss": 0.5})
    with pytest.raises(OSError, match="No space left"):
        writer.show(1, lambda: {"a": np.zeros((2, 2, 3), np.uint8)})


def test_resuming_drops_what_came_after_the_checkpoint(tmp_path):
    write(tmp_path, [1, 2, 3])
    write(tmp_path, [3, 4], resumed_at=2)
    assert [line["step"] for line in load_metrics(tmp_path / "metrics.jsonl")] == [1, 2, 3, 4]


def test_a_last_line_cut_off_by_a_kill_is_left_out(tmp_path):
    write(tmp_path, [1, 2])
    path = tmp_path / "metrics.jsonl"
    path.write_text(path.read_text()[:-9])
    assert [line["step"] for line in load_metrics(path)] == [1]
    write(tmp_path, [2], resumed_at=1)
    assert [line["step"] for line in load_metrics(path)] == [1, 2]


def test_a_kill_while_lines_are_dropped_loses_none(tmp_path, monkeypatch):
    write(tmp_path, [1, 2, 3])

    def killed(self, text):
        self.write_bytes(text.encode()[:5])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        MetricWriter(tmp_path, resumed_at=2)
    assert [line["step"] for line in load_metrics(tmp_path / "metrics.jsonl")] == [1, 2, 3]
