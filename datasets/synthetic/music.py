"""Renderer of snippets of sheet music; needs neither files nor a download.

A picture shows a staff with clef, key and time signature, and notes and rests in bars. The label is the pitch of each
note from left to right, as in Shi, Bai and Yao 2015, section 3.4: tokens of `recog.alphabet.MUSIC_PITCHES`,
``C4 E4 G4 C5``. Pitches follow from clef and height alone: accidentals and key signatures are drawn but not labelled.
"""

import dataclasses
import math

import cv2
import numpy as np
from jaxtyping import UInt8

from datasets.synthetic import camera
from datasets.synthetic.music_engraving import engrave
from datasets.synthetic.music_glyphs import SPACE, Mask
from datasets.synthetic.music_score import CLEFS, FLOORS, ROWS, TIMES, compose, write
from datasets.synthetic.stream import RenderedStream, StreamConfig

_HEAD, _EVENT = 15.0, 5.2  # maximum widths in spaces of clef, key and time together, and of a note with all its signs
_WHOLE, _MARGIN = 0.2, 4.0  # share of sheets that are not cut out, and the largest margin around the ink in spaces
_DRAWN = 2.0  # pixels drawn for each pixel of the canvas, a side


@dataclasses.dataclass
class MusicConfig(StreamConfig):
    """Settings of rendered music; the canvas, which holds the widest picture, has at least 160x32 pixels."""

    height: int = 32
    width: int = 256
    notes: int = 12
    """Maximum number of notes and rests of a snippet; at least one is a note."""


class Music(RenderedStream[MusicConfig]):
    """The stream of rendered music.

    Example:
      >>> source = Music(MusicConfig(count=1000, seed=7))
      >>> image, text, origin = source[0]  # uint8 32 W 3, W at most 256

    Raises:
      ValueError: a setting is invalid (see `RenderedStream`), or ``notes`` is below 1 or too large for the canvas.
    """

    name = "music"
    smallest = 32, 160

    def __init__(self, config: MusicConfig):
        super().__init__(config)
        room = int((ROWS * config.width / config.height - _HEAD) / _EVENT)
        if not 1 <= config.notes <= room:
            need = round((_HEAD + _EVENT * max(config.notes, 1)) * config.height / ROWS) + 1
            raise ValueError(
                f"notes={config.notes}: a canvas of {config.width}x{config.height} has room for 1 to {room} notes: "
                f"choose a number in this range, or a width of {need}"
            )

    def draw(self, random: np.random.Generator) -> tuple[UInt8[np.ndarray, "H W 3"], str]:
        """Draws a snippet in a picture."""
        config = self._config
        clef = tuple(CLEFS)[int(random.choice(3, p=(0.55, 0.3, 0.15)))]
        floor = random.uniform(*FLOORS)
        time = tuple(TIMES)[int(random.integers(len(TIMES)))]
        events = compose(clef, floor, TIMES[time], int(random.integers(1, config.notes + 1)), random)
        width = round(ROWS * SPACE * config.width / config.height)
        ink = frame(engrave(clef, time, events, floor, width, config.clutter, random), config, random)
        return photograph(ink, config, random), write(clef, events)


def frame(ink: Mask, config: StreamConfig, random: np.random.Generator) -> Mask:
    """Cuts the sheet out along the ink's outline, with margins, or leaves it whole; the canvas still holds it."""
    if random.random() < _WHOLE:
        return ink
    top, bottom, left, right = (_MARGIN * SPACE * random.random(4) ** 2).astype(int)
    x, y, width, height = cv2.boundingRect(ink)
    sheet = np.zeros((height + top + bottom, min(width + left + right, ink.shape[1])), np.uint8)
    left = min(left, sheet.shape[1] - width)
    sheet[top : top + height, left : left + width] = ink[y : y + height, x : x + width]
    lacking = math.ceil(sheet.shape[1] * config.height / config.width) - sheet.shape[0]
    above = int(random.integers(lacking + 1)) if lacking > 0 else 0
    return np.pad(sheet, ((above, max(lacking, 0) - above), (0, 0)))


def photograph(ink: Mask, config: StreamConfig, random: np.random.Generator) -> UInt8[np.ndarray, "H W 3"]:
    """Photographs the sheet on paper or another background and crops it along its edges."""
    clutter = config.clutter
    columns = min(math.ceil(config.height * ink.shape[1] / ink.shape[0]), config.width)
    width, height = round(columns * _DRAWN), round(config.height * _DRAWN)
    ink = cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA)
    sheet = camera.blend(*_paper_and_ink(width, height, clutter, random), ink)
    quad = camera.view(width, height, 0.15 * clutter, random)
    margins = np.clip(random.normal(0.0, (0.004, 0.02) * 2), (-0.003, -0.02) * 2, (0.02, 0.06) * 2) * clutter
    quad = camera.fit(quad, width, height, margins)
    scene = camera.paste(sheet, quad, camera.surroundings(width, height, random))
    scene = camera.light(scene, 0.35 * clutter, random)
    soft, kind = random.uniform(0.3, 0.3 + 0.1 * height / ROWS), random.random()
    if kind < 0.5 * clutter:  # `camera.optics` would blur too much: it assumes text as high as the picture
        scene = cv2.GaussianBlur(scene, (0, 0), soft)
    return camera.sensor(scene, columns, config.height, 0.4 * clutter, random)


def _paper_and_ink(
    width: int, height: int, clutter: float, random: np.random.Generator
) -> tuple[camera.Picture, camera.Picture]:
    """Draws white, tinted or stained paper or a street texture, and ink that differs from it by at least 90 of 255."""
    kind, share, dark = random.random(), random.uniform(0.05, 0.35), random.random() < 0.08 * clutter
    level, tint = random.uniform(170, 250), random.uniform(-25, 12, 3)
    stroke = random.uniform(0, 70) + random.uniform(-15, 15, 3)
    if kind > clutter:
        return camera.plain(np.full(3, 255.0), width, height), camera.plain(np.zeros(3), width, height)
    if kind > 0.65 * clutter:
        share = 0.0
    elif kind < 0.25 * clutter:  # a street texture at half of its contrast
        share = 0.5
    paper = camera.plain((level + tint).clip(0, 255), width, height)
    paper = cv2.addWeighted(camera.surroundings(width, height, random), share, paper, 1 - share, 0)
    pen = camera.plain(stroke.clip(0, level / 2 - 20), width, height)
    return (cv2.bitwise_not(paper), cv2.bitwise_not(pen)) if dark else (paper, pen)
