"""Photographs of vehicles with rendered plates in place of their own, and more of them elsewhere.

A few labelled photographs so become many: with other numbers and kinds of plates, cut out at other places, mirrored.
The ground, the vehicles, the light on the plates and the positions of plates are real (compare "cut, paste and learn",
Dwibedi et al. 2017).
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from datasets.sources import BadSampleError, Keyed, Sample, group_of
from datasets.synthetic.parked import paste
from datasets.synthetic.plates import KINDS, PLATE_HEIGHT, draw_plate, draw_text
from datasets.synthetic.scenes import PLATE
from recog.codecs import BoxLabel, LabelledBox
from recog.images import decode

VARIANTS = 32
"""Samples made of each photograph."""
LONGEST = 800
"""Maximum width and height in pixels of a sample; larger photographs are reduced."""
KEPT = 0.25
"""Share of the samples with their own plates, which are not mirrored."""
FREQUENCIES = {"blue": 0.6, "yellow": 0.17, "green": 0.11, "black": 0.07, "white": 0.05}
"""Relative frequencies of the kinds of plates."""
MOST_ADDED = 2
"""Maximum number of plates at other places."""
ADDED_WIDTH = 0.04, 0.3
"""Minimum and maximum width of these, as a share of the picture's."""
TRIES = 10
"""Attempts to find a place for a plate or a part of the photograph."""
SMALLEST_PART = 0.4
"""Minimum width and height of the part that is cut out, as a share of the photograph's."""
Picture = UInt8[np.ndarray, "H W 3"]
Quad = Float[np.ndarray, "4 2"]


class _Scene(NamedTuple):
    """A picture with its plates."""

    picture: Picture
    boxes: list[LabelledBox]


class Replated:
    """Samples made of a source of photographs with boxes.

    A plate keeps the class of the one it replaces, and those added are of class ``plate``: the classes must not be
    colours or layouts. Sample ``i`` is a variant of photograph ``i % len(photographs)`` and a pure function of the seed
    and ``i``. Held out samples are the photographs themselves (`datasets.holdout.split_holdout`).

    Args:
      photographs: photographs with `recog.codecs.BoxLabel`s.
      seed: seed of the variants.
    """

    def __init__(self, photographs: Keyed, seed: int = 0):
        self.plain = photographs
        """The photographs without changes."""
        self._seed = seed

    def __len__(self) -> int:
        return VARIANTS * len(self.plain)

    def __getitem__(self, index: int) -> Sample:
        image, label, _ = self.plain[index % len(self.plain)]
        origin = self.origin(index)
        if not isinstance(label, BoxLabel):
            raise ValueError(f"{origin}: the label is {type(label).__name__}, not boxes: name a source of boxes")
        try:
            picture = decode(image, 3) if isinstance(image, bytes) else image
        except ValueError as error:
            raise BadSampleError(origin, str(error)) from error
        picture, label = vary(picture, label, np.random.default_rng([self._seed, index]))
        return Sample(picture, label, origin)

    def origin(self, index: int) -> str:
        """Origin of the photograph, seed and index."""
        return f"{self.plain.origin(index % len(self.plain))} replated seed={self._seed} index={index}"

    def key(self, index: int) -> bytes:
        """Key of the photograph."""
        return self.plain.key(index % len(self.plain))

    def group(self, index: int) -> bytes:
        """Group of the photograph, or its key if it has none."""
        return group_of(self.plain, index % len(self.plain))


def vary(picture: Picture, label: BoxLabel, random: np.random.Generator) -> tuple[Picture, BoxLabel]:
    """A part of a photograph with other plates, and their boxes in it."""
    scene = _reduce(_Scene(picture.copy(), list(label.boxes)))
    if random.random() >= KEPT:
        scene = _mirror(scene) if random.random() < 0.5 else scene
        scene = _Scene(scene.picture, [_replace(scene.picture, box, random) for box in scene.boxes])
    for _ in range(int(random.integers(0, MOST_ADDED + 1))):
        if added := _add(scene, random):
            scene.boxes.append(added)
    scene = _cut(scene, random)
    return np.ascontiguousarray(scene.picture), BoxLabel(tuple(scene.boxes))


def _reduce(scene: _Scene) -> _Scene:
    height, width = scene.picture.shape[:2]
    factor = LONGEST / max(height, width)
    if factor >= 1:
        return scene
    size = max(1, round(width * factor)), max(1, round(height * factor))
    factors = np.array(size) / (width, height)
    boxes = [box._replace(corners=(box.corners * factors).astype(np.float32)) for box in scene.boxes]
    return _Scene(cv2.resize(scene.picture, size, interpolation=cv2.INTER_AREA), boxes)


def _mirror(scene: _Scene) -> _Scene:
    """Mirrors left and right; corners stay in clockwise order from the top left."""
    mirrored = np.array([scene.picture.shape[1], 0]), np.array([-1, 1])
    boxes = [
        box._replace(corners=(mirrored[0] + mirrored[1] * box.corners)[[1, 0, 3, 2]].astype(np.float32))
        for box in scene.boxes
    ]
    return _Scene(np.ascontiguousarray(scene.picture[:, ::-1]), boxes)


def _replace(picture: Picture, box: LabelledBox, random: np.random.Generator) -> LabelledBox:
    """Draws a plate over one of the photograph, in the light that lies on it."""
    text, sign = _draw(random)
    middle = box.corners.mean(axis=0)
    quad = middle + (box.corners - middle) * random.uniform(1.0, 1.1)  # corners are labelled within the rim
    _paste_lit(picture, sign, quad, random)
    return LabelledBox(quad.astype(np.float32), box.name, text)


def _add(scene: _Scene, random: np.random.Generator) -> LabelledBox | None:
    """Draws a plate where there is none; None if no place is found."""
    height, width = scene.picture.shape[:2]
    text, sign = _draw(random)
    for _ in range(TRIES):
        least, most = map(math.log, ADDED_WIDTH)
        across = width * math.exp(random.uniform(least, most))
        quad = _random_quad(across, across * sign.shape[0] / sign.shape[1], random)
        low, high = quad.min(axis=0), quad.max(axis=0)
        room = np.array([width, height]) - (high - low) - 2
        if (room <= 0).any():
            continue
        quad += random.uniform((1, 1), 1 + room) - low
        if all(_apart(quad, box.corners) for box in scene.boxes):
            _paste_lit(scene.picture, sign, quad, random)
            return LabelledBox(quad.astype(np.float32), PLATE, text)
    return None


def _draw(random: np.random.Generator) -> tuple[str, Picture]:
    shares = np.array(list(FREQUENCIES.values()))
    kind = list(FREQUENCIES)[int(random.choice(len(shares), p=shares / shares.sum()))]
    text = draw_text(kind, random)
    sign = draw_plate(text, kind, random.uniform(0.3, 1), random)
    ratio = KINDS[kind].length / PLATE_HEIGHT
    return text, cv2.resize(sign, (round(sign.shape[0] * ratio), sign.shape[0]), interpolation=cv2.INTER_AREA)


def _random_quad(width: float, height: float, random: np.random.Generator) -> Quad:
    """A rectangle turned, sheared and foreshortened a little."""
    corners = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
    angle, squeeze, slope = random.normal(0, 0.08), random.uniform(0.6, 1), random.normal(0, 0.15)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    corners[:, 0] *= squeeze
    corners[:, 1] *= 1 + random.normal(0, 0.06) * np.sign(corners[:, 0])
    corners[:, 1] += slope * squeeze * corners[:, 0] * (1 - squeeze + 0.2)
    return corners @ turn


def _apart(one: Quad, other: Quad) -> bool:
    """Whether the bounding boxes of two quadrilaterals do not touch."""
    gaps = np.maximum(one.min(axis=0), other.min(axis=0)) - np.minimum(one.max(axis=0), other.max(axis=0))
    return bool((gaps > 2).any())


def _paste_lit(picture: Picture, sign: Picture, quad: Quad, random: np.random.Generator) -> None:
    """Draws a sign as bright as what it covers, with blur and noise."""
    low = np.clip(np.floor(quad.min(axis=0)).astype(int) - 4, 0, None)
    high = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + 4, picture.shape[1::-1])
    if (high - low < 2).any():
        return
    part = picture[low[1] : high[1], low[0] : high[0]]
    bright, own = (float(np.percentile(x, 92)) for x in (part, sign))
    gain = np.clip(bright / max(own, 1.0), 0.25, 1.3) * math.exp(random.normal(0, 0.15))
    tint = np.exp(random.normal(0, 0.04, 3))
    lit = np.clip(sign * (gain * tint) + random.uniform(-5, 20), 0, 255).astype(np.uint8)
    covered = part.copy()
    paste(covered, lit, quad - low)
    sigma = random.uniform(0, 0.06) * float(np.hypot(*(quad[3] - quad[0])))
    if sigma > 0.2:
        covered = cv2.GaussianBlur(covered, (0, 0), sigma)
    mask = np.zeros_like(part)
    outline = np.round((quad - low - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(mask, [outline], (255, 255, 255), cv2.LINE_AA, 4)
    mask = cv2.GaussianBlur(mask, (0, 0), max(sigma, 0.3)).astype(np.float32) / 255
    grain = random.normal(0, random.uniform(0, 6), part.shape)
    part[:] = np.clip(covered * mask + part * (1 - mask) + grain * mask, 0, 255).astype(np.uint8)


def _cut(scene: _Scene, random: np.random.Generator) -> _Scene:
    """A random part of the picture that cuts through no plate, or the whole."""
    height, width = scene.picture.shape[:2]
    for _ in range(TRIES):
        share = random.uniform(SMALLEST_PART, 1)
        size = np.array([max(1, round(share * width)), max(1, round(share * height))])
        low = np.floor(random.uniform((0, 0), np.array([width, height]) - size + 1)).astype(int)
        moved = [box._replace(corners=(box.corners - low).astype(np.float32)) for box in scene.boxes]
        inside = [(box.corners >= 0).all() and (box.corners <= size).all() for box in moved]
        outside = [(box.corners.max(axis=0) <= 0).any() or (box.corners.min(axis=0) >= size).any() for box in moved]
        if all(a or b for a, b in zip(inside, outside, strict=True)):
            part = scene.picture[low[1] : low[1] + size[1], low[0] : low[0] + size[0]]
            return _Scene(part, [box for box, kept in zip(moved, inside, strict=True) if kept])
    return scene
