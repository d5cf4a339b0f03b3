"""Renderer of streets with vehicles and their plates, for plate detection; needs neither files nor a download.

Vehicles are simple solids (`datasets.synthetic.vehicles`) on a plane, seen by one camera; plates are those of
`datasets.synthetic.plates`. Other objects with writing, stripes and straight edges (signs, stickers, grilles, lanes,
facades) keep a detector from finding plates as the only textured rectangles.
"""

import dataclasses
import math
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from datasets.synthetic import camera
from datasets.synthetic.parked import DRAWN, draw_parked, park
from datasets.synthetic.stream import RenderedStream, StreamConfig
from datasets.synthetic.street import View, draw_street
from recog.codecs import BoxLabel, LabelledBox

PLATE = "plate"
"""Class of the boxes that label a scene."""


@dataclasses.dataclass
class ScenesConfig(StreamConfig):
    """Settings of rendered scenes; the canvas has at least 160x120 pixels."""

    height: int = 384
    width: int = 512
    plates: int = 3
    """Maximum number of plates in a picture, 0 to 3. The number is drawn uniformly; plates without room are omitted."""


class Scene(NamedTuple):
    """A picture and the plates in it, from left to right."""

    image: UInt8[np.ndarray, "H W 3"]
    plates: tuple[LabelledBox, ...]
    origin: str
    """Renderer, seed and index."""


class Scenes(RenderedStream[ScenesConfig]):
    """The stream of rendered scenes.

    The label of a sample is a `BoxLabel` of all plates from left to right; `scene` returns them beside the picture.

    Example:
      >>> source = Scenes(ScenesConfig(count=1000, seed=7))
      >>> image, plates, origin = source.scene(0)  # uint8 384 512 3
      >>> plates[0].corners.shape
      (4, 2)

    Raises:
      ValueError: a setting is invalid (see `RenderedStream`), or ``plates`` is outside 0 to 3.
    """

    name = "scenes"
    smallest = 120, 160

    def __init__(self, config: ScenesConfig):
        super().__init__(config)
        if not 0 <= config.plates <= 3:
            raise ValueError(f"plates={config.plates}: choose a number from 0 to 3")

    def scene(self, index: int) -> Scene:
        """Picture and plates of sample ``index``, from 0 to ``count - 1``.

        Raises:
          IndexError: the index is outside that range; negative indices are not supported.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"scene {index} of {len(self)}: use 0 to {len(self) - 1}")
        image, plates = draw_scene(self._config, np.random.default_rng([self._config.seed, index]))
        return Scene(image, plates, self.origin(index))

    def draw(self, random: np.random.Generator) -> tuple[UInt8[np.ndarray, "H W 3"], BoxLabel]:
        """Draws a scene and returns it with the corners and texts of its plates."""
        image, plates = draw_scene(self._config, random)
        return image, BoxLabel(plates)


def draw_scene(
    config: ScenesConfig, random: np.random.Generator
) -> tuple[UInt8[np.ndarray, "H W 3"], tuple[LabelledBox, ...]]:
    """Draws a photograph of a street; returns it with its plates from left to right."""
    width, height, clutter = round(config.width * DRAWN), round(config.height * DRAWN), config.clutter
    wanted, bare = int(random.integers(0, config.plates + 1)), int(random.random() < 0.25)
    view, first = _stand(width, height, wanted + bare, random)
    parked = park(view, (width, height), wanted, bare, first, clutter, random)
    picture = draw_street(view, width, height, clutter, random)
    for one in sorted(parked, key=lambda one: -one.outline(view)[1]):
        draw_parked(picture, one, view, clutter, random)
    quads = [(one.number, one.plate(view)) for one in parked if one.number]
    picture = _photograph(picture, [quad for _, quad in quads], config, random)
    scale = np.array([config.width / width, config.height / height])
    plates = [LabelledBox((quad * scale).astype(np.float32), PLATE, text) for text, quad in quads]
    return picture, tuple(sorted(plates, key=lambda plate: float(plate.corners[:, 0].mean())))


def _stand(width: int, height: int, vehicles: int, random: np.random.Generator) -> tuple[View, np.ndarray]:
    """Draws a camera and the position (x and z, metres) of the vehicle that it shows; several are farther away."""
    focal = width * random.uniform(0.8, 1.8)
    low, high = (0.08, 0.45) if vehicles < 2 else (0.055, 0.45 / vehicles)  # shares of the picture's width
    across = width * math.exp(random.uniform(math.log(low), math.log(high)))  # width of a plate in pixels
    distance = focal * 0.44 / across
    up = random.uniform(1.0, 1.8) if random.random() < 0.6 else random.uniform(1.8, 5.0)
    up = min(up, 0.6 + 0.7 * distance)
    x, y = random.uniform(0.25, 0.75) * width, random.uniform(0.45, 0.8) * height
    pitch = math.atan2(up - 0.6, distance) - math.atan2(y - height / 2, focal)
    roll = random.normal(0, 0.025)
    cos, sin = math.cos(pitch), math.sin(pitch)
    forward, down, right = np.array([0, -sin, cos]), np.array([0, -cos, -sin]), np.array([1.0, 0, 0])
    right, down = math.cos(roll) * right + math.sin(roll) * down, math.cos(roll) * down - math.sin(roll) * right
    view = View(focal, np.stack([right, down, forward]), np.array([0, up, 0]), np.array([width, height]) / 2)
    return view, np.array([(x - width / 2) / focal * distance, distance])


def _photograph(
    picture: camera.Picture, quads: list[np.ndarray], config: ScenesConfig, random: np.random.Generator
) -> UInt8[np.ndarray, "H W 3"]:
    """Photographs the scene with light, sensor effects, and blur that leaves its smallest plate legible."""
    clutter = config.clutter
    picture = camera.light(picture, 0.5 * clutter, random)
    sizes = [float(np.hypot(*(quad[3] - quad[0]))) for quad in quads]
    kind, amount = random.random(), random.uniform(0.02, 0.11) * min([*sizes, 60.0])
    if kind < 0.3 * clutter:
        picture = cv2.GaussianBlur(picture, (0, 0), max(amount, 0.3))
    elif kind < 0.4 * clutter:  # horizontal motion blur
        picture = cv2.blur(picture, (2 * round(amount) + 1, 1))
    return camera.sensor(picture, config.width, config.height, 0.5 * clutter, random)
