"""Event file for TensorBoard, with scalars and pictures."""

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8


@contextlib.contextmanager
def _without_torch() -> Iterator[None]:
    """Keeps tensorboardX from importing PyTorch where it is installed: over a second and 179 MiB, unused."""
    modules: dict[str, Any] = sys.modules
    if "torch" in modules:
        yield
        return
    modules["torch"] = None
    try:
        yield
    finally:
        del modules["torch"]


with _without_torch():
    from tensorboardX.event_file_writer import EventsWriter
    from tensorboardX.proto.event_pb2 import Event, SessionLog  # pyright: ignore[reportAttributeAccessIssue]
    from tensorboardX.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]
    from tensorboardX.summary import scalar

LARGEST = 100_000
"""Maximum size of an encoded picture in bytes."""
QUALITIES = (90, 75, 50)
"""Qualities of JPEG that are tried, 0 to 100, for pictures whose PNG is too large."""
RGB = 3
"""Code of the colour space in TensorBoard's summaries."""


class Board:
    """File for TensorBoard, written at once: ``SummaryWriter`` writes in a thread, which dies when the disk is full.

    Args:
      folder: folder of the event files, created if missing.
      first: first step to be written; hides what earlier files hold from this step on.
    """

    def __init__(self, folder: Path, first: int):
        folder.mkdir(parents=True, exist_ok=True)
        self._events = EventsWriter(str(folder / "events"), f".{first}")
        start = SessionLog(status=SessionLog.START)
        self._events.write_event(Event(wall_time=time.time(), step=first, session_log=start))

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Writes scalars by name."""
        self._write(step, [scalar(name, value) for name, value in metrics.items()])

    def write_pictures(self, step: int, pictures: Mapping[str, UInt8[np.ndarray, "H W 3"]]) -> None:
        """Writes RGB pictures by name, each in at most `LARGEST` bytes."""
        self._write(step, [_summary(name, picture) for name, picture in pictures.items()])

    def _write(self, step: int, summaries: list[Summary]) -> None:
        for summary in summaries:
            self._events.write_event(Event(wall_time=time.time(), step=step, summary=summary))
        self._events.flush()

    def close(self) -> None:
        """Flushes and closes the file."""
        self._events.close()


def _summary(name: str, picture: UInt8[np.ndarray, "H W 3"]) -> Summary:
    encoded, (height, width) = encoded_within(picture, LARGEST)
    image = Summary.Image(encoded_image_string=encoded, colorspace=RGB, height=height, width=width)
    return Summary(value=[Summary.Value(tag=name, image=image)])


def encoded_within(picture: UInt8[np.ndarray, "H W 3"], limit: int) -> tuple[bytes, tuple[int, int]]:
    """Encodes an RGB picture as PNG or, if that is too large, as JPEG, in the end at half its size.

    Args:
      picture: picture to encode.
      limit: maximum number of bytes.

    Returns:
      The content of the file, and the height and width of its picture.
    """
    blue_first = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    while True:
        for suffix, settings in ((".png", []), *((".jpg", [cv2.IMWRITE_JPEG_QUALITY, q]) for q in QUALITIES)):
            encoded = cv2.imencode(suffix, blue_first, settings)[1].tobytes()
            if len(encoded) <= limit:
                return encoded, blue_first.shape[:2]
        height, width = blue_first.shape[:2]
        half = max(1, width // 2), max(1, height // 2)
        blue_first = cv2.resize(blue_first, half, interpolation=cv2.INTER_AREA)
