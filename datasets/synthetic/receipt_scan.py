"""Degradations of printed lines on receipts: print defects, tones of ink and paper, blur and compression."""

import functools
import math

import cv2
import numpy as np
from jaxtyping import UInt8

from datasets.synthetic import camera
from datasets.synthetic.typeface import ABOVE, CAPITAL, Face, Mask, draw_line

WEIGHTS = (0.06, 0.07, 0.08, 0.09, 0.1, 0.12, 0.14, 0.17, 0.2)
"""Stroke weights of receipt printers, as shares of the height of capitals."""


def scan(
    ink: UInt8[np.ndarray, "H W"], clutter: float, random: np.random.Generator, reach: float = 0.08
) -> UInt8[np.ndarray, "H W 3"]:
    """Renders ink on paper as a scanner, a fax or a telephone camera records it.

    Lines above and below reach into the cut by at most ``reach`` times its height.
    """
    if clutter > 0:
        _neighbours(ink, clutter, random, reach)
        ink = _print(ink, clutter, random)
    grey = _tones(ink, clutter, random)
    if clutter > 0:
        grey = _sharpness(grey, clutter, random)
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    if random.random() < 0.15 * clutter:
        picture = _tint(picture, random)
    if random.random() < 0.06 * clutter:
        _pen(picture, random)
    if random.random() < 0.75 * clutter:
        picture = camera.compress(picture, int(random.integers(40, 97)))
    return picture


def wear(ink: Mask, clutter: float, random: np.random.Generator) -> None:
    """Fades part of a line in place, as worn thermal heads do: towards one end, around one place, or in thin rows."""
    height, width = ink.shape
    kind, place, left = random.random(3)
    if kind < 0.09 * clutter:
        start, stop = (1.0, 0.15 + 0.5 * left) if place < 0.5 else (0.15 + 0.5 * left, 1.0)
        ink[:] = ink * np.linspace(start, stop, width)
    elif kind < 0.15 * clutter:
        reach = random.uniform(0.05, 0.3) * width + 4
        ink[:] = ink * (1 - (0.8 - 0.6 * left) * np.exp(-(((np.arange(width) - place * width) / reach) ** 2)))
    elif kind < 0.21 * clutter:
        rows = np.arange(height)[:, None] % int(random.integers(3, 7)) == int(random.integers(3))
        ink[:] = ink * np.where(rows, 0.2 + 0.5 * left, 1)


def _neighbours(ink: Mask, clutter: float, random: np.random.Generator, reach: float) -> None:
    """Draws rules, specks, bars of frames, and parts of the lines above and below that reach into the cut."""
    height, width = ink.shape
    rule, line, specks, bar = random.random(4) < np.array((0.1, 0.12, 0.08, 0.03)) * clutter
    if bar:
        x, thick = int(random.uniform(0, 0.05) * width), max(1, round(height * random.uniform(0.03, 0.1)))
        side = ink if random.random() < 0.2 else ink[:, ::-1]  # of the frame of a column, mostly on the right
        side[:, x : x + thick] = 255
    if rule:
        _rule(ink, random)
    if line:
        other = _other_line(int(random.integers(64)), height)
        left = int(random.integers(0, max(1, other.shape[1] - width)))
        rows = max(1, round(height * random.uniform(0.02, reach)))
        below = random.random() < 0.5
        piece = other[:rows, left : left + width] if below else other[-rows:, left : left + width]
        edge = ink[-rows:, : piece.shape[1]] if below else ink[:rows, : piece.shape[1]]
        np.maximum(edge, piece, out=edge)
    if specks:
        for x, y, size in (random.random((int(random.integers(1, 6)), 3)) * (width, height, 0.03 * height)).tolist():
            cv2.circle(ink, (int(x), int(y)), int(size), (int(random.integers(60, 256)),), cv2.FILLED)


def _rule(ink: Mask, random: np.random.Generator) -> None:
    """Draws a solid or dashed line across the top or the bottom."""
    height, width = ink.shape
    thick = max(1, round(height * random.uniform(0.02, 0.07)))
    y = 0 if random.random() < 0.6 else height - thick
    dash = max(2, round(height * random.uniform(0.1, 0.5)))
    on = (np.arange(width) + int(random.integers(dash))) % dash < (0.6 if random.random() < 0.5 else 1) * dash
    ink[y : y + thick, on] = np.maximum(ink[y : y + thick, on], int(random.integers(100, 256)))


@functools.lru_cache(maxsize=4096)
def _other_line(number: int, height: int) -> Mask:
    """Mask of a neighbouring line from the top of its capitals to the baseline, scaled for a cut of this height."""
    random = np.random.default_rng([31, number])
    text = "A" + "".join(random.choice(list("0123456789ABCDEHLMNRST "), 22))
    mask = draw_line(text, Face("plain", WEIGHTS[number % len(WEIGHTS)], 0.5), 0.2 * CAPITAL).mask
    size = round(mask.shape[1] * 0.75 * height / CAPITAL), round(0.75 * height)
    mask = cv2.resize(mask[ABOVE : ABOVE + CAPITAL], size, interpolation=cv2.INTER_AREA)
    mask.flags.writeable = False
    return mask


def _print(ink: Mask, clutter: float, random: np.random.Generator) -> Mask:
    """Applies defects of the print: thick strokes, uneven heat, dead dots of the head, grainy paper."""
    height, width = ink.shape
    kind, amount, grain, bands = random.random(4)
    if kind < 0.1 * clutter and height > 20:
        return cv2.dilate(ink, np.ones((2, 2), np.uint8))
    if kind > 1 - 0.45 * clutter:
        lost = 0.9 * amount**1.5 * clutter
        cells = int(random.integers(2, 6)), int(random.integers(3, 12))
        heat = cv2.resize(random.uniform(1 - 0.75 * lost, 1, cells).astype(np.float32), (width, height))
        if grain < 0.5:
            heat -= _grain(height, width, random) * np.float32(0.5 * lost)
        if bands < 0.12:  # rows: the paper moved unevenly
            heat *= 1 - 0.7 * lost * (random.random((height, 1)) < 0.15)
        elif bands < 0.25:  # columns: dots of the head are dead
            heat *= 1 - 0.7 * lost * (random.random((1, width)) < 0.1)
        return (ink * heat.clip(0.3, 1)).astype(np.uint8)
    return ink


def _grain(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """Noise of paper grain, of random coarseness: absolute values of normal numbers, with mean 0.8."""
    zoom = random.uniform(0.6, 1.6)
    rows, columns = int(height * zoom) + 1, int(width * zoom) + 1
    field = _field(2 ** math.ceil(math.log2(max(rows, columns))))
    y, x = random.integers(0, len(field) - np.array((rows, columns))).tolist()
    return cv2.resize(field[y : y + rows, x : x + columns], (width, height))


@functools.cache
def _field(size: int) -> np.ndarray:
    """Field of noise, ``4 * size`` a side, of which samples take windows."""
    field = abs(np.random.default_rng(5).standard_normal((4 * size, 4 * size), np.float32))
    field.flags.writeable = False
    return field


def _tones(ink: Mask, clutter: float, random: np.random.Generator) -> Mask:
    """Maps ink to grey levels of ink and paper, and applies uneven light."""
    kind, level, strength, depth, gamma = random.random(5)
    brightness = (250, 260) if kind < 0.78 else (215, 250) if kind < 0.92 else (130, 215)
    contrast = (0.72, 1.0) if strength < 0.66 else (0.45, 0.75) if strength < 0.92 else (0.24, 0.48)
    paper = 255 + clutter * (brightness[0] + level * (brightness[1] - brightness[0]) - 255)
    share = 1 + clutter * (contrast[0] + depth * (contrast[1] - contrast[0]) - 1)
    grey = paper * (1 - share * _curve(0.6 + 0.8 * gamma)[ink])
    if random.random() < 0.5 * clutter:
        ramp = random.uniform(0.88, 1.04, (2, 2)).astype(np.float32)
        grey *= cv2.resize(ramp, ink.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return grey.clip(0, 255).astype(np.uint8)


def _curve(gamma: float) -> np.ndarray:
    return (np.linspace(0, 1, 256) ** gamma).astype(np.float32)


def _sharpness(grey: Mask, clutter: float, random: np.random.Generator) -> Mask:
    """Applies blur, grain, sharpening, or the hard contrast of black and white scans."""
    height, width = grey.shape
    kind, amount, noise, way = random.random(4)
    sigma = clutter * (height / 32) * (0.75 * amount if kind < 0.8 else 0.6 + 0.9 * amount)
    if sigma > 0.25:
        grey = cv2.GaussianBlur(grey, (0, 0), sigma)
    hard = way < 0.25 * clutter
    dark, light = np.percentile(grey, (3, 80)).tolist()
    strength = clutter * (0.12 * noise * (light - dark) if hard else max(0.0, noise - 0.75) * 20)
    if strength > 0.5:
        grain = (_grain(height, width, random) - 0.8) * np.float32(strength)
        grey = (grey + grain).clip(0, 255).astype(np.uint8)
    if hard:
        middle, steep = dark + (light - dark) * random.uniform(0.35, 0.65), 10 ** random.uniform(0.8, 1.5)
        table = 255 / (1 + np.exp((middle - np.arange(256)) * (steep / max(light - dark, 20))))
        return cv2.LUT(grey, table.astype(np.uint8))
    if way > 1 - 0.22 * clutter:
        return cv2.addWeighted(grey, 2.2, cv2.GaussianBlur(grey, (0, 0), random.uniform(0.7, 1.6)), -1.2, 0)
    return grey


def _tint(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Colours the ink, often blue or violet, and tints the paper slightly."""
    ink = random.uniform((0.2, 0.0, 0.3), (0.8, 0.4, 1.0)) if random.random() < 0.35 else random.uniform(0, 0.1, 3)
    paper = random.uniform(0.95, 1.0) * random.uniform(0.98, 1.0, 3)
    levels = np.arange(256)[:, None]
    table = (255 * ink * random.uniform(0.5, 1) + levels * (paper - ink * 0.9)).clip(0, 255).astype(np.uint8)
    return cv2.LUT(picture, table[None])


def _pen(picture: np.ndarray, random: np.random.Generator) -> None:
    """Draws a stroke of a pen, often black."""
    height, width, _ = picture.shape
    points = np.sort(random.uniform(0, width, 4)), random.uniform(-0.2, 1.2, 4) * height
    colour = (random.integers(60, 200, 3) if random.random() < 0.5 else random.integers(0, 60, 3)).tolist()
    thick = 2 if height > 24 and random.random() < 0.4 else 1
    cv2.polylines(picture, [np.stack(points, axis=1).astype(np.int32)], False, colour, thick, cv2.LINE_AA)
