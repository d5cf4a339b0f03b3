"""Renderer of photographs of Chinese licence plates; needs neither files nor a download.

Layout, colours and proportions follow the standard GA 36: province, letter, dot, five characters (six on the green
plates of electric vehicles). Provinces are drawn uniformly unless ``home`` favours one, as a stationary camera sees
mostly plates of its own province.
"""

import dataclasses
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from datasets.synthetic import camera, plate_camera
from datasets.synthetic.plate_glyphs import bend, plate_glyph
from datasets.synthetic.plate_strokes import HEIGHT, WIDTH
from datasets.synthetic.stream import RenderedStream, StreamConfig

PROVINCES = "京沪津渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"
DIGITS = "0123456789"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters of plates, without I and O, which look like digits."""
PURE, HYBRID = "DABCE", "FGHJK"
"""Letters that mark battery cars and other electric cars, the most common first."""
CAPITAL = 0.25
"""Share of the plates with the letter A, beside its share of a uniform draw: that of the capital of a province."""
BEND, PRINTED_BEND = 0.15, 0.4
"""Distortion of Chinese characters (`datasets.synthetic.plate_glyphs.bend`) if clutter is above 0, drawn from strokes
and printed with OpenCV's font, which is not the typeface of plates: models must not learn its details."""
PRINTED = 0.15
"""Share of the plates whose Chinese character is printed, for more shapes than those of the strokes."""
WEIGHTS = 7.5, 8.5, 9.5, 10.5, 11.5
"""Stroke widths of digits and letters in millimetres. The standard has 10; bright light widens, darkness thins them."""

_SCALE = 0.6  # pixels per millimetre
_DRAWN = 2.0  # pixels drawn for each pixel of the canvas, a side: the finest resolution of `camera.sensor`


@dataclasses.dataclass
class PlatesConfig(StreamConfig):
    """Settings of rendered plates; the canvas has at least 48x16 pixels."""

    height: int = 48
    width: int = 188
    blue: float = 0.8
    """Relative frequency of blue plates (cars)."""
    green: float = 0.12
    """Relative frequency of green plates (electric vehicles, eight characters)."""
    yellow: float = 0.05
    """Relative frequency of yellow plates (trucks, buses)."""
    black: float = 0.03
    """Relative frequency of black plates."""
    white: float = 0.0
    """Relative frequency of white plates (police), which end in 警: the alphabet must contain it."""
    home: str = ""
    """Province of ``home_share`` of the plates; empty draws all provinces uniformly."""
    home_share: float = 0.5
    """Share of the plates from ``home``, 0 to 1; the others are drawn uniformly from all provinces."""


class Kind(NamedTuple):
    """Colours (RGB, 0 to 255) and measures (millimetres) of a kind of plate."""

    ground: tuple[int, int, int]
    ink: tuple[int, int, int]
    length: int
    """Width of the plate."""
    left: float
    """Distance from the left edge to the first character."""
    gap: float
    """Distance between characters."""
    dot_gap: float
    """Distance between the second and the third character."""
    narrow: int
    """Width of every character but the first."""


KINDS = {
    "blue": Kind((20, 70, 200), (240, 240, 245), 440, 15.5, 12, 34, WIDTH),
    "green": Kind((60, 190, 120), (15, 20, 20), 480, 15.5, 9, 49, 43),
    "yellow": Kind((235, 180, 20), (15, 15, 15), 440, 15.5, 12, 34, WIDTH),
    "black": Kind((25, 25, 28), (235, 235, 235), 440, 15.5, 12, 34, WIDTH),
    "white": Kind((235, 235, 235), (20, 20, 20), 440, 15.5, 12, 34, WIDTH),
}
PLATE_HEIGHT = 140
"""Height of all plates, millimetres."""


class Plates(RenderedStream[PlatesConfig]):
    """The stream of rendered plates.

    Example:
      >>> source = Plates(PlatesConfig(count=1000, seed=7))
      >>> image, text, origin = source[0]  # uint8 48 188 3

    Raises:
      ValueError: a setting is invalid (see `RenderedStream`), a frequency of a kind is negative or all are zero, the
        province is unknown, or ``home_share`` is outside 0 to 1.
    """

    name = "plates"
    smallest = 16, 48

    def __init__(self, config: PlatesConfig):
        super().__init__(config)
        if not 0 <= config.home_share <= 1:
            raise ValueError(f"home_share={config.home_share}: choose a value from 0 to 1")
        if config.home and (len(config.home) != 1 or config.home not in PROVINCES):
            raise ValueError(f"home={config.home!r} is not a province; expected one of {PROVINCES}")
        weights = np.array([config.blue, config.green, config.yellow, config.black, config.white])
        if weights.min() < 0 or not weights.sum() > 0:
            raise ValueError(f"{', '.join(KINDS)}={weights.tolist()}: choose values of 0 or more, at least one above 0")
        self._until = np.cumsum(weights / weights.sum())

    def draw(self, random: np.random.Generator) -> tuple[UInt8[np.ndarray, "H W 3"], str]:
        """Draws a plate, cut out of a photograph."""
        config = self._config
        kind = tuple(KINDS)[min(int(self._until.searchsorted(random.random(), side="right")), len(KINDS) - 1)]
        text = draw_text(kind, random, config.home, config.home_share)
        return photograph(draw_plate(text, kind, config.clutter, random), config, random), text


def draw_text(kind: str, random: np.random.Generator, home: str = "", home_share: float = 0.0) -> str:
    """Draws the text of a plate of this kind, without the dot."""
    local = random.random() < home_share
    province = home if home and local else PROVINCES[int(random.integers(len(PROVINCES)))]
    capital, letter = random.random() < CAPITAL, LETTERS[int(random.integers(len(LETTERS)))]
    letter = "A" if capital else letter
    if kind == "green":
        return province + letter + _electric(random)
    places = 4 if kind == "white" else 5
    letters = int(random.integers(0, 4))
    signs = [LETTERS if place < letters else DIGITS for place in random.permutation(places).tolist()]
    number = "".join(some[int(random.integers(len(some)))] for some in signs)
    return province + letter + number + "警" * (kind == "white")


def _electric(random: np.random.Generator) -> str:
    family = PURE if random.random() < 0.8 else HYBRID
    mark = family[0] if random.random() < 0.7 else family[int(random.integers(5))]
    digits = [DIGITS[d] for d in random.integers(0, 10, 5).tolist()]
    if random.random() < 0.1:  # large vehicles carry the mark at the end
        return "".join(digits) + mark
    if random.random() < 0.3:
        digits[0] = LETTERS[int(random.integers(len(LETTERS)))]
    return mark + "".join(digits)


def draw_plate(text: str, kind: str, clutter: float, random: np.random.Generator) -> UInt8[np.ndarray, "H W 3"]:
    """Draws a plate from the front, 0.6 pixels per millimetre: ground, rim, characters, dot, screws and dirt."""
    look = KINDS[kind]
    height, width = round(PLATE_HEIGHT * _SCALE), round(look.length * _SCALE)
    ink = _characters(text, look, width, height, clutter, random)
    _rim(ink, random)
    ground = _ground(look, kind, height, clutter, random)
    if clutter > 0:
        ink = _wear(ink, clutter, random)
    colour = np.clip(np.array(look.ink) + random.normal(0, 12, 3) * clutter, 0, 255)
    plate = _paint(ink, ground, colour)
    if kind == "white":
        _redden(plate, ink, look)
    _screws(plate, random)
    if random.random() < 0.25 * clutter:
        _frame(plate, random)
    return plate


def _characters(
    text: str, look: Kind, width: int, height: int, clutter: float, random: np.random.Generator
) -> np.ndarray:
    """Opacity of the characters and the dot, uint8."""
    ink = np.zeros((height, width), np.uint8)
    weight = WEIGHTS[int(random.integers(len(WEIGHTS)))]
    tall = round(HEIGHT * _SCALE)
    top = (height - tall) // 2
    x = look.left
    for place, character in enumerate(text):
        across = WIDTH if place == 0 else look.narrow
        printed = not character.isascii() and random.random() < PRINTED
        glyph = plate_glyph(character, round(across * _SCALE), tall, weight, printed)
        if clutter > 0 and not character.isascii():
            glyph = bend(glyph, PRINTED_BEND if printed else BEND, random)
        left = round(x * _SCALE)
        ink[top : top + tall, left : left + glyph.shape[1]] = glyph[:, : width - left]
        x += across + (look.dot_gap if place == 1 else look.gap)
        if place == 1 and look.narrow == WIDTH:
            centre = round((x - look.dot_gap / 2) * _SCALE * 16), round(height / 2 * 16)
            cv2.circle(ink, centre, round(random.uniform(4, 6) * _SCALE * 16), (255,), cv2.FILLED, cv2.LINE_AA, 4)
    return ink


def _rim(ink: np.ndarray, random: np.random.Generator) -> None:
    """Draws the line around a plate, except on the 15 % that have lost it."""
    if random.random() < 0.15:
        return
    height, width = ink.shape
    inset, thick = int(random.integers(1, 4)), int(random.integers(1, 3))
    cv2.rectangle(ink, (inset, inset), (width - 1 - inset, height - 1 - inset), (255,), thick, cv2.LINE_AA)


def _ground(look: Kind, kind: str, height: int, clutter: float, random: np.random.Generator) -> np.ndarray:
    """Background colours of the rows from the top, ``H 3``; ``1 3`` if all rows have the same colour."""
    base = np.array(look.ground, np.float32) + random.normal(0, 18, 3) * clutter
    tint, faded = random.random(2) ** (1.5, 2.0) * clutter
    if kind == "blue":  # from deep blue to nearly cyan
        base += tint * np.array([-20, 75, 25])
    base += 0.5 * faded * (base.mean() - base)
    if kind == "green":  # white at the top
        base = 245 + (base - 245) * np.linspace(0, 1, height)[:, None] ** random.uniform(0.5, 1.0)
    return base.reshape(-1, 3).clip(0, 255)


def _paint(ink: np.ndarray, ground: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Paints a colour on the ground; ``ink`` is its opacity, uint8 ``H W``."""
    if len(ground) == 1:
        shades = ground + (colour - ground) * (np.arange(256)[:, None] / 255)
        return cv2.applyColorMap(ink, shades.astype(np.uint8)[:, None])
    height, width = ink.shape
    rows = cv2.resize(ground.astype(np.uint8)[:, None], (width, height), interpolation=cv2.INTER_NEAREST)
    return camera.blend(rows, camera.plain(colour, width, height), ink)


def _wear(ink: np.ndarray, clutter: float, random: np.random.Generator) -> np.ndarray:
    """Reduces the opacity of the ink in blotches: faded paint or dirt."""
    if random.random() > 0.4 * clutter:
        return ink
    cells = random.uniform(1 - 0.7 * clutter * random.random(), 1, (4, 12)) * 255
    blotches = cv2.resize(cells.astype(np.uint8), ink.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return cv2.multiply(ink, blotches, scale=1 / 255)


def _redden(plate: np.ndarray, ink: np.ndarray, look: Kind) -> None:
    """Paints the last character of a police plate red."""
    left = plate.shape[1] - round((look.left + look.narrow + look.gap / 2) * _SCALE)
    red = camera.plain(np.array([200.0, 20.0, 20.0]), plate.shape[1] - left, plate.shape[0])
    plate[:, left:] = camera.blend(plate[:, left:].copy(), red, np.ascontiguousarray(ink[:, left:]))


def _screws(plate: np.ndarray, random: np.random.Generator) -> None:
    height, width = plate.shape[:2]
    above, below = random.random(2) < (0.8, 0.4)
    for y, there in ((0.1, above), (0.9, below)):
        if not there:
            continue
        shade = random.uniform(20, 250)
        colour = np.clip(shade * random.uniform(0.7, 1.2, 3), 0, 255).tolist()
        for x in (0.25, 0.75):
            centre = round((x + random.normal(0, 0.01)) * width), round((y + random.normal(0, 0.02)) * height)
            cv2.circle(plate, centre, int(random.integers(2, 6)), colour, cv2.FILLED, cv2.LINE_AA)


def _frame(plate: np.ndarray, random: np.random.Generator) -> None:
    """Draws a holder that covers the plate's edge."""
    height, width = plate.shape[:2]
    shade = random.uniform(0, 230)
    colour = np.clip(shade * random.uniform(0.8, 1.2, 3), 0, 255).tolist()
    thick = int(random.integers(2, 9))
    cv2.rectangle(plate, (0, 0), (width - 1, height - 1), colour, thick)


def photograph(plate: UInt8[np.ndarray, "H W 3"], config: PlatesConfig, random: np.random.Generator) -> np.ndarray:
    """Photographs the plate and crops the photograph to the bounding box of its corners, with random margins."""
    clutter = config.clutter
    width, height = round(config.width * _DRAWN), round(config.height * _DRAWN)
    quad = camera.view(plate.shape[1], plate.shape[0], clutter**0.5, random)
    quad = plate_camera.lean(quad, clutter, random)
    slack = np.clip(random.normal(0.018, 0.025, 4) * (1, 2, 1, 2), (-0.03, -0.07) * 2, (0.1, 0.2) * 2)
    quad = camera.fit(quad, width, height, slack * clutter**0.5)
    scene = camera.surroundings(width, height, random)
    scene = camera.light(camera.paste(plate, quad, scene), clutter, random)
    scene = plate_camera.interlace(plate_camera.expose(scene, clutter, random), clutter, random)
    picture = camera.sensor(camera.optics(scene, clutter, random), config.width, config.height, clutter, random)
    return plate_camera.sharpen(picture, clutter, random)
