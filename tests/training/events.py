"""Event files for TensorBoard, read back."""

import struct
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from tensorboardX.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue]


def load_events(workdir: Path) -> list[Event]:
    """Events of all files of a run, the oldest file first."""
    events = []
    for path in sorted((workdir / "tensorboard").iterdir()):
        content = path.read_bytes()
        while content:  # records of length, its checksum, data, its checksum
            (length,) = struct.unpack("<Q", content[:8])
            events.append(Event.FromString(content[12 : 12 + length]))
            content = content[16 + length :]
    return events


class Shown(NamedTuple):
    """A picture of an event file."""

    step: int
    tag: str
    bytes: int
    picture: np.ndarray
    """RGB."""


def load_pictures(workdir: Path) -> list[Shown]:
    """Pictures of all files of a run."""
    return [
        Shown(event.step, value.tag, len(value.image.encoded_image_string), _decoded(value.image))
        for event in load_events(workdir)
        for value in event.summary.value
        if value.HasField("image")
    ]


def _decoded(image) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(image.encoded_image_string, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert picture is not None
    assert picture.shape == (image.height, image.width, 3)
    return picture
