"""Renderer of lines cut out of scanned receipts; needs neither files nor a download.

Labels are in capitals (digits, capitals, spaces and `datasets.synthetic.receipt_texts.SIGNS`); pictures show capitals,
small letters or both. Pictures are as wide as their lines, at most ``width``.
"""

import dataclasses
import math
import re

import numpy as np
from jaxtyping import UInt8

from datasets.synthetic.receipt_scan import WEIGHTS, scan, wear
from datasets.synthetic.receipt_texts import LONGEST, SHORTEST, draw_text
from datasets.synthetic.receipts import Cut, at_resolution, cut_out
from datasets.synthetic.stream import RenderedStream, StreamConfig
from datasets.synthetic.typeface import CAPITAL, OUTLINES, Face, Family, Mask, draw_line, heaviest, rasterize
from recog.images import scale, scaled_width

NARROWEST = 8
"""Minimum width of a character in a picture of 32 rows, pixels, at which it is legible."""
_SQUEEZED = 1.25
"""Maximum factor by which a line is squeezed to the canvas; longer ones are drawn anew."""
_TRIES = 8
_REACH = 0.14
"""Maximum share of a picture's rows into which a neighbouring line reaches."""

_FAMILIES: dict[Family, float] = {
    "grotesque": 0.2, "plain": 0.05, "based": 0.16, "slashed": 0.05, "slab": 0.04, "angular": 0.03, "uni": 0.09,
    "sans": 0.03, "wide": 0.06, "mono": 0.09, "serif": 0.03, "roman": 0.05, "slanted": 0.02, "typewriter": 0.04,
    "dots": 0.06,
}  # fmt: skip
"""Families of typefaces and their shares."""
_ENDS = np.cumsum(tuple(_FAMILIES.values()))
_FIXED: dict[Family, float] = {
    "grotesque": 0.1, "plain": 0.4, "based": 0.85, "slashed": 0.85, "slab": 0.8, "angular": 0.4, "mono": 1.0,
    "typewriter": 1.0, "dots": 1.0,
}  # fmt: skip
"""Share of lines of fixed pitch, by family; 0 for the others."""
_ASPECTS = (0.42, 0.5, 0.58, 0.7)
_SQUARES = (2.0, 2.6)
_KEPT = frozenset("RM GST QTY ID NO SDN BHD AM PM SR ZR ZRL INV AMT TEL KG ML GM PCS".split())  # noqa: SIM905
"""Words that stay in capitals in most lines of small letters."""
_RUN = re.compile("[A-Z']+")
_LOW = frozenset("gjpqy")
"""Letters that reach below the baseline."""


@dataclasses.dataclass
class LinesConfig(StreamConfig):
    """Settings of rendered lines; the canvas has at least 64x16 pixels."""

    height: int = 32
    width: int = 416
    """Maximum width of a picture in pixels; pictures are as wide as their lines."""
    shortest: int = SHORTEST
    """Minimum number of characters of a line, 3 to 24."""
    longest: int = LONGEST
    """Maximum number of characters of a line, ``shortest`` to 24."""


class Lines(RenderedStream[LinesConfig]):
    """The stream of rendered lines.

    Example:
      >>> source = Lines(LinesConfig(count=1000, seed=7, width=160, longest=11))
      >>> image, text, origin = source[0]  # uint8 32 W 3, W at most 160

    Raises:
      ValueError: a setting is invalid (see `RenderedStream`), the numbers of characters are not 3 to 24 in order, or
        the canvas is too narrow for the longest line.
    """

    name = "lines"
    smallest = 16, 64

    def __init__(self, config: LinesConfig):
        super().__init__(config)
        if not SHORTEST <= config.shortest <= config.longest <= LONGEST:
            raise ValueError(
                f"shortest {config.shortest} and longest {config.longest}: choose numbers of characters in order, "
                f"{SHORTEST} to {LONGEST}"
            )
        if (needed := math.ceil(config.longest * _narrowest(config.height))) > config.width:
            raise ValueError(
                f"width {config.width} is too narrow for {config.longest} characters: use at least {needed} or a "
                "smaller longest"
            )

    def draw(self, random: np.random.Generator) -> tuple[UInt8[np.ndarray, "H W 3"], str]:
        """Draws a line, cut out of a receipt."""
        config = self._config
        text, ink, width = self._fitting(random)
        wear(ink, config.clutter, random)
        picture = scan(ink, config.clutter, random, _REACH)
        if random.random() < 0.015 * config.clutter:  # white on black
            picture = 255 - picture
        width = min(max(width, math.ceil(_narrowest(config.height) * len(text))), config.width)
        return scale(picture, config.height, width), text

    def _fitting(self, random: np.random.Generator) -> tuple[str, Mask, int]:
        """Draws a line that can be squeezed to the canvas, and returns text, ink and its width when scaled."""
        config, tries = self._config, 0
        while True:
            text, tries = draw_text(config.shortest, config.longest, random), tries + 1
            ink = lay_out(_widen(draw_case(text, random), random), config, random).ink
            width = scaled_width(ink.shape[0], ink.shape[1], config.height)
            if width <= _SQUEEZED * config.width or tries == _TRIES:
                return text, ink, width


def _narrowest(height: int) -> float:
    return NARROWEST * height / 32


def draw_case(text: str, random: np.random.Generator) -> str:
    """Draws the case in which a line of capitals is printed: capitals, initial capitals, small letters or any."""
    kind = random.random()
    if kind < 0.54:
        return text
    if kind < 0.9:
        keep = random.random() < 0.8
        return " ".join(_capitalize(word, keep) for word in text.split(" "))
    if kind < 0.96:
        return text.lower()
    return "".join(
        sign.lower() if lower else sign for sign, lower in zip(text, random.random(len(text)) < 0.5, strict=True)
    )


def _widen(shown: str, random: np.random.Generator) -> str:
    """Widens one of the spaces, as between columns, in some lines; labels have a single space there."""
    spaces = [place for place, sign in enumerate(shown) if sign == " "]
    if not spaces or random.random() < 0.85:
        return shown
    place = spaces[int(random.integers(len(spaces)))]
    return shown[:place] + " " * int(random.integers(1, 4)) + shown[place:]


def _capitalize(word: str, keep: bool) -> str:
    """Converts letters after another one to small letters, except in numbers and RM; ``keep`` leaves abbreviations."""
    if sum(map(str.isdigit, word)) > sum(map(str.isalpha, word)):
        return word
    kept = _KEPT if keep else ("RM",)
    return _RUN.sub(lambda run: run[0] if run[0] in kept else run[0].capitalize(), word)


def draw_face(random: np.random.Generator) -> Face:
    """Draws the typeface of a printer."""
    family = tuple(_FAMILIES)[min(int(np.searchsorted(_ENDS, random.random())), len(_ENDS) - 1)]
    aspect, square, flat, weight = random.random(4)
    aspect = _ASPECTS[int(aspect * len(_ASPECTS))]
    if family in OUTLINES:
        weights = (0.06, 0.08, 0.1, 0.13, 0.18)
    elif family == "dots":
        weights = (0.1, 0.12, 0.14)
    else:
        weights = [one for one in WEIGHTS if one <= heaviest(aspect) + 0.02]
    return Face(
        family,
        weights[int(weight**1.4 * len(weights))],
        aspect,
        _SQUARES[int(square * len(_SQUARES))],
        flat < 0.5,
        own=True,
    )


def lay_out(shown: str, config: StreamConfig, random: np.random.Generator) -> Cut:
    """Prints a text, scales it to the scanner's resolution, and cuts it out of the paper, slightly slanted."""
    face = draw_face(random)
    mask, spans = _print(shown, face, random)
    seen = 32.0 if random.random() < 0.6 else random.triangular(13, 26, 31)
    height = max(12, round(seen * config.height / 32))  # real ones are 13 to 32 pixels tall
    low = bool(_LOW & set(shown))
    tall, spread = (0.61, 0.06) if low else (0.72, 0.07)
    digit = float(np.clip(random.normal(tall, spread), 0.45, 0.92)) * height  # pixels of a digit's height
    stretch = math.exp(random.normal(-0.08, 0.17)) * (random.uniform(1.3, 1.9) if random.random() < 0.04 else 1)
    mask, columns = at_resolution(mask, spans, face, digit, stretch)
    share = (0.12, 0.45) if low else (0.3, 0.78)
    return cut_out(mask, columns, digit, height, config.clutter, random, share)


def _print(shown: str, face: Face, random: np.random.Generator) -> tuple[Mask, list[tuple[int, int]]]:
    """Draws the line as the printer does, with its spacing and its dots."""
    pitch = 0.0
    if random.random() < _FIXED.get(face.family, 0.0):
        pitch = random.uniform(0.56, 0.8) * CAPITAL * (0.45 + face.aspect)
    gap, space = random.uniform(0.08, 0.24) * CAPITAL, random.uniform(0.28, 0.7)
    mask, spans = draw_line(shown, face, gap, pitch, random.uniform(0.3, 0.6), space)
    if face.family != "dots" and face.weight > 0.08 and random.random() < (0.2 if face.family in OUTLINES else 0.4):
        mask = rasterize(mask, int(random.integers(13, 26)), random.random() < 0.2)
    return mask, spans
