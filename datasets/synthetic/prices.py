"""Renderer of photographs of price tags in shops; needs neither files nor a download.

The label is the main price, digits and decimal point only (`recog.alphabet.PRICE`), without what is printed around it:
currency signs, a frame, an old price that is struck through, words. Decimals may be small and raised, and then the
point may be missing from the picture, but never from the label.
"""

import dataclasses
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from datasets.synthetic import camera
from datasets.synthetic.stream import RenderedStream, StreamConfig
from datasets.synthetic.typeface import ABOVE, CAPITAL, CELL, OUTLINES, Face, Family, Mask, draw_line, heaviest

_CURRENCIES = ("$", "$", "€", "£", "¥", "RM", "Rp", "kr")
_WORDS = ("kg", "each", "SALE", "only", "per 100 g", "NEW", "now", "pack of 6", "-20%", "500 ml", "offer", "Fresh")
_INKS = ((15, 15, 18), (15, 15, 18), (200, 20, 25), (250, 250, 250), (20, 50, 150), (250, 220, 30))
_GROUNDS = (
    (250, 250, 250),
    (250, 250, 250),
    (250, 220, 40),
    (205, 25, 30),
    (240, 120, 30),
    (30, 90, 170),
    (20, 20, 22),
)
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, RGB
_CONTRAST = 90.0  # minimum difference of luma between ink and ground
_DRAWN = 1.3  # pixels drawn for each pixel of the canvas, a side


@dataclasses.dataclass
class PricesConfig(StreamConfig):
    """Settings of rendered price tags; the canvas has at least 64x24 pixels."""

    height: int = 96
    width: int = 200


class Prices(RenderedStream[PricesConfig]):
    """The stream of rendered price tags.

    Example:
      >>> source = Prices(PricesConfig(count=1000, seed=7))
      >>> image, text, origin = source[0]  # uint8 96 200 3
    """

    name = "prices"
    smallest = 24, 64

    def draw(self, random: np.random.Generator) -> tuple[UInt8[np.ndarray, "H W 3"], str]:
        """Draws a tag, cut out of a photograph."""
        text = draw_text(random)
        tag = colour(lay_out(text, random), self._config.clutter, random)
        return photograph(tag, self._config, random), text


def draw_text(random: np.random.Generator) -> str:
    """Draws a price with one to four digits before the point, in four of five cases with two decimals."""
    size = 1 + min(int(random.integers(5)), 3) if random.random() < 0.5 else 1 + int(random.integers(2))
    whole = int(random.integers(10 ** (size - 1) if size > 1 else 0, 10**size))
    kind, cents = random.random(), int(random.integers(100))
    if kind < 0.2 and whole:
        return str(whole)
    if kind < 0.45:
        cents = cents // 10 * 10 + 9
    elif kind < 0.65:
        cents = cents // 10 * 10
    return f"{whole}.{cents:02d}"


_FAMILIES: tuple[Family, ...] = ("sans", "sans", "uni", "plain", "plain", "based", "angular", "italic")


def _draw_face(random: np.random.Generator) -> Face:
    weights, aspects = (0.1, 0.13, 0.16, 0.19, 0.22), (0.5, 0.6, 0.72)
    family, weight, aspect, flat = random.random(4)
    aspect = aspects[int(aspect * len(aspects))]
    weights = [one for one in weights if one <= heaviest(aspect)]
    return Face(_FAMILIES[int(family * len(_FAMILIES))], weights[int(weight * len(weights))], aspect, 2.0, flat < 0.4)


class Piece(NamedTuple):
    """A part of a tag, in coordinates with the top of the main digits, which are `CAPITAL` pixels high, in row 0."""

    mask: Mask
    left: int
    top: int
    main: bool
    """Whether the piece belongs to the price that is the label."""

    @property
    def right(self) -> int:
        """Column after the last column of the piece."""
        return self.left + self.mask.shape[1]

    @property
    def bottom(self) -> int:
        """Row after the last row of the piece."""
        return self.top + self.mask.shape[0]


class Tag(NamedTuple):
    """A tag from the front, without colours."""

    price: Mask
    """Ink of the main price."""
    beside: Mask
    """Ink of everything else."""
    boxes: list[tuple[int, int, int, int]]
    """Left, top, right and bottom of the parts of the price: whole digits, point if drawn, decimals if any; pixels."""


def lay_out(text: str, random: np.random.Generator) -> Tag:
    """Lays out the price and the other print around it."""
    face = _draw_face(random)
    pieces = _price(text, face, random)
    beside = random.random(5) < (0.6, 0.25, 0.3, 0.3, 0.15)
    if beside[0]:
        pieces.append(_currency(pieces, face, random))
    if beside[1]:
        pieces += _old_price(pieces, random)
    if beside[2]:
        pieces.append(_words(pieces, random))
    if beside[3] and len(text) > 3:
        pieces += _underline(pieces, random)
    return _collect(pieces, bool(beside[4]), random)


def _piece(text: str, face: Face, left: float, top: float, size: float, main: bool = False) -> Piece:
    """Draws a line with digits of ``size`` times `CAPITAL` pixels, whose tops are in row ``top``."""
    mask = draw_line(text, face, 0.09 * CAPITAL).mask
    if size != 1:
        mask = cv2.resize(mask, None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
    return Piece(mask, round(left), round(top - ABOVE * size), main)


def _price(text: str, face: Face, random: np.random.Generator) -> list[Piece]:
    """Pieces of the main price: whole digits, and point and decimals if any."""
    whole, point, decimals = text.partition(".")
    gap = random.uniform(0.06, 0.14) * CAPITAL
    raised, vanished, size = random.random(3)
    pieces = [_piece(whole, face, 0, 0, 1, main=True)]
    if not point:
        return pieces
    raised = raised < 0.65
    if not raised or vanished < 0.55:
        pieces.append(_piece(".", face, pieces[-1].right + gap, 0, 1, main=True))
    size = 0.42 + 0.25 * size if raised else 1.0
    pieces.append(_piece(decimals, face, pieces[-1].right + gap, 0, size, main=True))
    return pieces


def _extent(pieces: list[Piece]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of all ink."""
    return (
        min(piece.left for piece in pieces),
        min(piece.top for piece in pieces),
        max(piece.right for piece in pieces),
        max(piece.bottom for piece in pieces),
    )


def _currency(pieces: list[Piece], face: Face, random: np.random.Generator) -> Piece:
    """Currency sign before or after the price, large, or small and raised."""
    sign = _CURRENCIES[int(random.integers(len(_CURRENCIES)))]
    face = dataclasses.replace(face, family=face.family if face.family in OUTLINES or sign in ("$", "RM") else "sans")
    size = 1.0 if random.random() < 0.4 else random.uniform(0.35, 0.6)
    top = 0.0 if random.random() < 0.6 else CAPITAL * (1 - size)
    piece = _piece(sign, face, 0, top, size)
    left, _, right, _ = _extent(pieces)
    gap = random.uniform(0.08, 0.25) * CAPITAL
    return piece._replace(
        left=round(left - gap) - piece.mask.shape[1] if random.random() < 0.75 else round(right + gap)
    )


def _old_price(pieces: list[Piece], random: np.random.Generator) -> list[Piece]:
    """Smaller price, struck through, above or beside the main one."""
    size = random.uniform(0.35, 0.5)
    left, top, right, bottom = _extent(pieces)
    text = f"{int(random.integers(1, 1000))}.{int(random.integers(100)):02d}"
    piece = _piece(text, _draw_face(random), 0, 0, size)
    if random.random() < 0.5:
        place = round(left + random.random() * max(0, right - left - piece.mask.shape[1])), top - piece.bottom
    else:
        place = right + 6, round(random.uniform(top, bottom - piece.bottom))
    struck = piece.mask.copy()
    middle, slope = (ABOVE + CAPITAL / 2) * size, random.uniform(-0.2, 0.2) * CAPITAL * size
    ends = (0, round(middle - slope)), (struck.shape[1] - 1, round(middle + slope))
    cv2.line(struck, *ends, (255,), int(random.integers(2, 4)), cv2.LINE_AA)
    return [Piece(struck, *place, main=False)]


def _words(pieces: list[Piece], random: np.random.Generator) -> Piece:
    """Words in small letters above or below the price: measures, offers."""
    words = _WORDS[int(random.integers(len(_WORDS)))]
    face = Face("sans" if random.random() < 0.5 else "uni", 0.12)
    size = random.uniform(0.22, 0.36)
    piece = _piece(words, face, 0, 0, size)
    left, top, right, bottom = _extent(pieces)
    column = round(left + random.random() * max(0, right - left - piece.mask.shape[1]))
    height = piece.mask.shape[0]
    return piece._replace(left=column, top=bottom if random.random() < 0.5 else top - height)


def _underline(pieces: list[Piece], random: np.random.Generator) -> list[Piece]:
    """Line below small decimals; an empty list if the decimals are as large as the whole digits."""
    decimals = [piece for piece in pieces if piece.main][-1]
    if decimals.mask.shape[0] == CELL:
        return []
    thick = int(random.integers(2, 5))
    mask = np.full((thick, decimals.mask.shape[1]), 255, np.uint8)
    return [Piece(mask, decimals.left, decimals.bottom - thick, main=False)]


def _collect(pieces: list[Piece], framed: bool, random: np.random.Generator) -> Tag:
    """Draws all pieces on one tag with margins; tags are wider than they are tall."""
    left, top, right, bottom = _extent(pieces)
    margins = random.uniform(0.08, 0.3, 4) * CAPITAL + 4
    width = round(right - left + margins[0] + margins[1])
    height = round(bottom - top + margins[2] + margins[3])
    extra = max(0, round(1.6 * height) - width)
    x, y = round(margins[0]) - left + extra // 2, round(margins[2]) - top
    price, beside = np.zeros((2, height, width + extra), np.uint8)
    boxes = []
    for piece in pieces:
        box = piece.left + x, piece.top + y, piece.right + x, piece.bottom + y
        area = (price if piece.main else beside)[box[1] : box[3], box[0] : box[2]]
        np.maximum(area, piece.mask, out=area)
        if piece.main:
            boxes.append(box)
    if framed:
        inset = int(random.integers(1, 4))
        size = width + extra - 2 * inset, height - 2 * inset
        cv2.rectangle(beside, (inset, inset, *size), (255,), int(random.integers(1, 3)))
    return Tag(price, beside, boxes)


def colour(tag: Tag, clutter: float, random: np.random.Generator) -> UInt8[np.ndarray, "H W 3"]:
    """Paints the tag in typical colours whose luma differs by more than ``_CONTRAST`` between ink and ground."""
    ground = _shade(_GROUNDS, clutter, random)
    readable = [ink for ink in _INKS if abs(np.dot(np.subtract(ink, ground), _LUMA)) > _CONTRAST]
    size = tag.price.shape[::-1]
    picture = camera.plain(ground, *size)
    for mask in (tag.beside, tag.price):
        ink = camera.plain(_shade(tuple(readable), 0.3 * clutter, random), *size)
        picture = camera.blend(picture, ink, mask)
    return picture


def _shade(colours: tuple[tuple[int, int, int], ...], clutter: float, random: np.random.Generator) -> np.ndarray:
    base = np.array(colours[int(random.integers(len(colours)))])
    return np.clip(base + random.normal(0, 14, 3) * clutter, 0, 255).astype(np.uint8)


def photograph(tag: UInt8[np.ndarray, "H W 3"], config: StreamConfig, random: np.random.Generator) -> np.ndarray:
    """Photographs the tag and crops the photograph to the bounding box of its corners, with random margins."""
    clutter = config.clutter
    width, height = round(config.width * _DRAWN), round(config.height * _DRAWN)
    quad = camera.view(tag.shape[1], tag.shape[0], 0.6 * clutter, random)
    margins = np.clip(random.normal(0.01, 0.02, 4), -0.02, 0.08) * clutter
    scene = camera.surroundings(width, height, random)
    scene = camera.paste(tag, camera.fit(quad, width, height, margins), scene)
    lit = camera.light(scene, 0.7 * clutter, random)
    if lit[::4, ::4].std() > 0.35 * scene[::4, ::4].std():  # otherwise the price would be illegible
        scene = lit
    return camera.sensor(
        camera.optics(scene, 0.6 * clutter, random), config.width, config.height, 0.8 * clutter, random
    )
