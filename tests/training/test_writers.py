"""Metric files survive being cut off and resumed."""

import errno
import json
import struct
from pathlib import Path

import pytest
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog  # pyright: ignore[reportAttributeAccessIssue]

from recog.training.writers import MetricWriter, load_metrics


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
    events = []
    for path in sorted((tmp_path / "tensorboard").iterdir()):
        content = path.read_bytes()
        while content:  # records of length, its checksum, data, its checksum
            (length,) = struct.unpack("<Q", content[:8])
            events.append(Event.FromString(content[12 : 12 + length]))
            content = content[16 + length :]
    values = [(event.step, v.tag, v.simple_value) for event in events for v in event.summary.value]
    assert sorted(values) == [(1, "train/loss", 0.5), (2, "train/loss", 1.0), (2, "train/loss", 1.0)]
    starts = [event.step for event in events if event.session_log.status == SessionLog.START]
    assert sorted(starts) == [1, 2]


def test_a_full_disk_is_an_error_at_once(tmp_path, monkeypatch):
    writer = MetricWriter(tmp_path)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(EventsWriter, "flush", full)
    with pytest.raises(OSError, match="No space left"):
        writer.write(1, {"train/loss": 0.5})


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
