"""Photographs from picture files, and from videos frame by frame."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from recog.serving.files import load_picture
from recog.serving.plate_reader import Plate, PlateReader

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # videos that cannot be decoded are reported as such instead

VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv")
"""Suffixes of video files."""


class Shot(NamedTuple):
    """One photograph: a picture file, or a frame of a video."""

    path: Path
    content: UInt8[np.ndarray, "H W 3"] | str | None = None
    """Pixels of a frame, RGB, or the reason why there are none; None for a picture file, which is loaded later."""
    frame: int | None = None
    """Number of the frame in its video, from 0."""
    seconds: float | None = None
    """Time of the frame from the start of its video."""


class ReadShot(NamedTuple):
    """A photograph with its plates."""

    pixels: UInt8[np.ndarray, "H W C"]
    """Upright, in its own size."""
    plates: list[Plate]


def is_video(path: Path) -> bool:
    """Whether a file is a video, by its suffix."""
    return path.suffix.lower() in VIDEOS and not path.is_dir()


def list_shots(paths: Sequence[Path], every: int) -> Iterator[Shot]:
    """Yields picture files as they are, and every n-th frame of videos from the first one."""
    for path in paths:
        if is_video(path):
            yield from _frames(path, every)
        else:
            yield Shot(path)


def count_shots(paths: Sequence[Path], every: int) -> int | None:
    """Number of shots, as videos state it; None if one does not."""
    total = 0
    for path in paths:
        frames = int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT)) if is_video(path) else 1
        if frames < 0:
            return None
        total += max(1, -(-frames // every))
    return total


def read_shots(
    plate_reader: PlateReader, shots: Iterator[Shot], batch_size: int
) -> Iterator[tuple[Shot, ReadShot | str]]:
    """Yields each shot with its plates, or with the reason why it cannot be read.

    Args:
      plate_reader: finds and reads the plates.
      shots: in the order of the results.
      batch_size: number of shots that are loaded and read together.
    """
    with ThreadPoolExecutor() as pool:
        while batch := list(islice(shots, batch_size)):
            loaded = list(pool.map(lambda shot: _load(plate_reader.upright, shot), batch))
            plates = iter(plate_reader.read([pixels for pixels in loaded if not isinstance(pixels, str)]))
            for shot, pixels in zip(batch, loaded, strict=True):
                yield shot, pixels if isinstance(pixels, str) else ReadShot(pixels, next(plates))


def _load(upright: Callable[[bytes], UInt8[np.ndarray, "H W C"]], shot: Shot) -> UInt8[np.ndarray, "H W C"] | str:
    return load_picture(upright, shot.path) if shot.content is None else shot.content


def _frames(path: Path, every: int) -> Iterator[Shot]:
    """Frames of a video; one shot without pixels if there are none."""
    try:
        path.open("rb").close()
    except OSError as error:
        yield Shot(path, error.strerror or str(error))
        return
    video, number, read = cv2.VideoCapture(str(path)), 0, 0
    try:
        while video.grab():
            if number % every == 0:
                seconds = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
                decoded, pixels = video.retrieve()
                if decoded:
                    read += 1
                    yield Shot(path, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), number, seconds)
            number += 1
    finally:
        video.release()
    if not read:
        yield Shot(path, "not a video that OpenCV can decode, or without frames")
