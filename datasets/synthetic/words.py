"""Renderer of words in many styles on many backgrounds; needs neither files nor a download.

Labels are lower case (`recog.alphabet.LATIN_36`); pictures show lower case, upper case or an initial capital. With
``cased``, labels are what is shown, and some of it is punctuated, or numbers, dates, codes and addresses.
"""

import dataclasses
import string
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from datasets.synthetic import camera
from datasets.synthetic.centre_lines import DRAWN
from datasets.synthetic.sign_texts import draw_sign
from datasets.synthetic.stream import RenderedStream, StreamConfig
from datasets.synthetic.typeface import CAPITAL, STROKES, Face, Family, Mask, draw_line, heaviest

LETTERS = frozenset(string.digits + string.ascii_lowercase)
"""Characters of words."""
NARROWEST = 5
"""Minimum width of a character on the canvas, pixels, at which it is legible."""

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, RGB
_DRAWN = 2.0  # pixels drawn for each pixel of the canvas, a side


@dataclasses.dataclass
class WordsConfig(StreamConfig):
    """Settings of rendered words; the canvas has at least 64x16 pixels."""

    height: int = 32
    width: int = 100
    lexicon: str = ""
    """Path of a UTF-8 file with one word a line; empty for random letters and digits."""
    cased: bool = False
    """Whether labels keep their case, and texts are those of signs (`datasets.synthetic.sign_texts`)."""


class Words(RenderedStream[WordsConfig]):
    """The stream of rendered words.

    Example:
      >>> source = Words(WordsConfig(count=1000, seed=7, lexicon="words.txt"))
      >>> image, text, origin = source[0]  # uint8 32 100 3

    Raises:
      FileNotFoundError: the lexicon does not exist.
      ValueError: a setting is invalid (see `RenderedStream`), the lexicon is not UTF-8 or is empty, or one of its words
        has other characters than letters and digits or is too long for the canvas.
    """

    name = "words"
    smallest = 16, 64

    def __init__(self, config: WordsConfig):
        super().__init__(config)
        self._longest = config.width // NARROWEST
        self._words = _load_lexicon(Path(config.lexicon), self._longest) if config.lexicon else []

    def draw(self, random: np.random.Generator) -> tuple[UInt8[np.ndarray, "H W 3"], str]:
        """Draws a word in a picture."""
        words, config = self._words, self._config
        text = words[int(random.integers(len(words)))] if words else draw_text(self._longest, random)
        if config.cased:
            text = shown = draw_sign(text, self._longest, random)
        else:
            case = random.random()
            shown = text if case < 0.4 else text.upper() if case < 0.75 else text.capitalize()
        return photograph(lay_out(shown, config.clutter, random), config, random), text


def _load_lexicon(path: Path, longest: int) -> list[str]:
    """Loads the words of a file in lower case; blank lines are ignored."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"lexicon {path}, byte {error.start}: not UTF-8; save the file as UTF-8") from error
    words = []
    for number, line in enumerate(lines, start=1):
        word = line.strip().lower()
        if odd := sorted(set(word) - LETTERS):
            raise ValueError(
                f"lexicon {path}, line {number}: {word!r} contains {''.join(odd)!r}; expected letters a-z and digits"
            )
        if len(word) > longest:
            raise ValueError(
                f"lexicon {path}, line {number}: {word!r} has {len(word)} characters, but the canvas has room "
                f"for {longest}: use a width of {NARROWEST * len(word)} or drop the word"
            )
        if word:
            words.append(word)
    if not words:
        raise ValueError(f"lexicon {path} is empty: write one word a line")
    return words


def draw_text(longest: int, random: np.random.Generator) -> str:
    """Draws 1 to 12 letters, digits or both, at most ``longest``."""
    size = int(random.integers(1, min(12, longest) + 1))
    kind = random.random()
    signs = string.ascii_lowercase if kind < 0.6 else string.digits if kind < 0.8 else sorted(LETTERS)
    return "".join(signs[place] for place in random.integers(0, len(signs), size).tolist())


def draw_face(shown: str, random: np.random.Generator) -> Face:
    """Draws a typeface that has all characters of ``shown``."""
    families: tuple[Family, ...] = ("sans", "sans", "italic", "uni")
    if set(shown) <= DRAWN:
        families += STROKES
    weights, aspects, squares = (0.07, 0.11, 0.15, 0.2), (0.48, 0.6, 0.74), (2.0, 3.0)
    family, weight, aspect, square, flat = random.random(5)
    aspect = aspects[int(aspect * len(aspects))]
    weights = [one for one in weights if one <= heaviest(aspect)]
    return Face(
        families[int(family * len(families))],
        weights[int(weight * len(weights))],
        aspect,
        squares[int(square * len(squares))],
        flat < 0.5,
    )


def lay_out(shown: str, clutter: float, random: np.random.Generator) -> Mask:
    """Draws a word as ink, with a straight, bent or wavy baseline and a margin of 8 pixels on each side."""
    gap = max(1.0, random.normal(0.1, 0.06) * CAPITAL)
    mask = draw_line(shown, draw_face(shown, random), gap).mask
    _, top, _, height = cv2.boundingRect(mask)
    mask = cv2.copyMakeBorder(mask[top : top + height], 8, 8, 8, 8, cv2.BORDER_CONSTANT)
    if random.random() < 0.35 * clutter and mask.shape[1] > 2 * mask.shape[0]:
        mask = _bend(mask, random)
    return mask


def _bend(mask: Mask, random: np.random.Generator) -> Mask:
    """Moves columns up and down along part of a wave."""
    height, width = mask.shape
    depth = random.uniform(-0.35, 0.35) * CAPITAL
    start, turns = random.uniform(0, 2 * np.pi), random.uniform(0.4, 1.2) * np.pi
    wave = np.sin(start + turns * np.linspace(0, 1, width))
    wave = depth * (wave - wave.min())
    low, high = float(wave.min()), float(wave.max())
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height + round(high - low), dtype=np.float32)
    )
    return cv2.remap(mask, columns, rows - (wave - low).astype(np.float32), cv2.INTER_LINEAR)


def photograph(mask: Mask, config: StreamConfig, random: np.random.Generator) -> UInt8[np.ndarray, "H W 3"]:
    """Photographs the coloured word on a background and crops it to its bounding box, with random margins."""
    clutter = config.clutter
    width, height = round(config.width * _DRAWN), round(config.height * _DRAWN)
    quad = camera.view(mask.shape[1], mask.shape[0], 0.7 * clutter, random)
    margins = np.clip(random.normal(0.02, 0.03, 4), -0.03, 0.12) * clutter
    quad = camera.fit(quad, width, height, margins)
    ink = _seen(mask, quad, width, height)
    scene = _background(width, height, clutter, random)
    paper = np.array(cv2.mean(scene)[:3])
    colour = _apart(paper, random)
    scene = _behind(scene, ink, colour, clutter, random)
    scene = camera.blend(scene, camera.plain(colour, width, height), ink)
    scene = _lit(scene, clutter, random)
    return camera.sensor(
        camera.optics(scene, 0.6 * clutter, random), config.width, config.height, 0.8 * clutter, random
    )


def _lit(scene: camera.Picture, clutter: float, random: np.random.Generator) -> camera.Picture:
    """Lights the scene; returns it unchanged if the light would remove most of the contrast."""
    lit = camera.light(scene, 0.6 * clutter, random)
    return lit if lit[::3, ::3].std() > 0.4 * scene[::3, ::3].std() else scene


def _seen(mask: Mask, quad: camera.Quad, width: int, height: int) -> Mask:
    """Projects the ink to the corners that the camera sees."""
    rows, columns = mask.shape
    shrink = max(columns / width, rows / height)
    if shrink > 1.5:  # without the blur, skipped pixels would alias
        mask = cv2.GaussianBlur(mask, (0, 0), 0.3 * shrink)
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(source, (quad - 0.5).astype(np.float32))
    return cv2.warpPerspective(mask, matrix, (width, height), flags=cv2.INTER_LINEAR)


def _background(width: int, height: int, clutter: float, random: np.random.Generator) -> camera.Picture:
    """Background of one colour, or of one colour mixed with a street texture."""
    kind, share = random.random(), random.uniform(0.15, 0.6)
    flat = camera.plain(random.integers(0, 256, 3), width, height)
    if kind > 0.65 * clutter:
        return flat
    return cv2.addWeighted(camera.surroundings(width, height, random), share, flat, 1 - share, 0)


def _apart(paper: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draws a colour whose luma differs from the paper's by at least 80 of 255."""
    luma = float(paper @ _LUMA)
    lighter = luma < 90 if abs(luma - 127) > 38 else bool(random.random() < 0.5)
    aim = random.uniform(luma + 80, 255) if lighter else random.uniform(0, luma - 80)
    tint = random.uniform(-60, 60, 3) * (random.random() < 0.6)
    return np.clip(aim + tint - tint @ _LUMA, 0, 255)


def _behind(
    scene: camera.Picture, ink: Mask, colour: np.ndarray, clutter: float, random: np.random.Generator
) -> camera.Picture:
    """Draws a shadow or an outline behind the word, in a colour that contrasts with the word's."""
    kind = random.random()
    other = camera.plain(_apart(colour, random), *ink.shape[::-1])
    size = max(1, ink.shape[0] // 32)
    if kind < 0.15 * clutter:
        x, y = random.integers(-2 * size, 2 * size + 1, 2).tolist()
        shifted = cv2.warpAffine(ink, np.array([[1.0, 0, x], [0, 1, y]]), ink.shape[::-1])
        return camera.blend(scene, other, cv2.convertScaleAbs(cv2.GaussianBlur(shifted, (3, 3), 0), alpha=0.7))
    if kind < 0.3 * clutter:
        side = 2 * int(random.integers(1, size + 1)) + 1
        return camera.blend(scene, other, cv2.dilate(ink, np.ones((side, side), np.uint8)))
    return scene
