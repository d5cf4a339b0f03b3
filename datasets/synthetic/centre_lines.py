"""Centre lines of characters, and 5x7 dot matrices, from which faces of strokes and dots are drawn."""

import string

import numpy as np
from jaxtyping import Float

from datasets.synthetic import small_letters

DRAWN = frozenset(string.digits + string.ascii_uppercase + ".,-$ ")
"""Digits, capitals and the signs of prices."""
STROKED = DRAWN | small_letters.SMALL.keys() | small_letters.SIGNS.keys()
"""All characters of strokes and dots: those of ASCII except the circumflex, grave accent, tilde and braces."""

Arc = tuple[float, float, float, float, float, float]
"""Centre, half axes, and two angles in degrees, clockwise from the right."""

Stroke = list[tuple[float, float] | Arc]
"""Corners and arcs of a centre line. x from 0 to 1 is the width of a digit, y from 0 to 1 from top to baseline."""

_DIGITS: dict[str, list[Stroke]] = {
    "0": [[(0.5, 0.5, 0.5, 0.5, -90, 270)]],
    "1": [[(0.0, 0.22), (0.42, 0), (0.42, 1)]],
    "2": [[(0.5, 0.28, 0.48, 0.28, -175, 30), (0, 1), (1, 1)]],
    "3": [[(0.48, 0.25, 0.44, 0.25, -165, 90), (0.48, 0.75, 0.5, 0.25, -90, 165)]],
    "4": [[(0.78, 1), (0.78, 0), (0, 0.72), (1, 0.72)]],
    "5": [[(0.9, 0), (0.18, 0), (0.08, 0.46), (0.48, 0.67, 0.5, 0.33, -140, 150)]],
    "6": [[(0.52, 0.45, 0.48, 0.45, -42, -180), (0.04, 0.66)], [(0.5, 0.7, 0.48, 0.3, -180, 180)]],
    "7": [[(0, 0), (1, 0), (0.62, 0.42), (0.36, 1)]],
    "8": [[(0.5, 0.24, 0.42, 0.24, -90, 270)], [(0.5, 0.74, 0.5, 0.26, -90, 270)]],
    "9": [[(0.48, 0.55, 0.48, 0.45, 138, 0), (0.96, 0.34)], [(0.5, 0.3, 0.48, 0.3, -180, 180)]],
}

_SIGNS: dict[str, list[Stroke]] = {
    ".": [[(0, 1), (0.03, 1)]],
    ",": [[(0.12, 1), (0, 1.18)]],
    "-": [[(0, 0.56), (0.65, 0.56)]],
    "$": [
        [(0.5, 0.29, 0.48, 0.22, -15, -190), (0.2, 0.45), (0.8, 0.55), (0.5, 0.71, 0.5, 0.22, -10, 170)],
        [(0.5, -0.08), (0.5, 1.08)],
    ],
}

_CAPITALS: dict[str, list[Stroke]] = {
    "A": [[(0, 1), (0.5, 0), (1, 1)], [(0.18, 0.66), (0.82, 0.66)]],
    "B": [
        [(0, 1), (0, 0), (0.5, 0), (0.5, 0.24, 0.42, 0.24, -90, 90), (0, 0.48)],
        [(0.5, 0.48), (0.5, 0.74, 0.5, 0.26, -90, 90), (0, 1)],
    ],
    "C": [[(0.52, 0.5, 0.5, 0.5, -45, -315)]],
    "D": [[(0, 0), (0.4, 0), (0.4, 0.5, 0.6, 0.5, -90, 90), (0, 1), (0, 0)]],
    "E": [[(0.95, 0), (0, 0), (0, 1), (0.95, 1)], [(0, 0.48), (0.85, 0.48)]],
    "F": [[(0.95, 0), (0, 0), (0, 1)], [(0, 0.48), (0.8, 0.48)]],
    "G": [[(0.52, 0.5, 0.5, 0.5, -45, -315), (1, 0.55), (0.6, 0.55)]],
    "H": [[(0, 0), (0, 1)], [(1, 0), (1, 1)], [(0, 0.48), (1, 0.48)]],
    "I": [[(0.5, 0), (0.5, 1)], [(0.25, 0), (0.75, 0)], [(0.25, 1), (0.75, 1)]],
    "J": [[(0.85, 0), (0.42, 0.7, 0.43, 0.3, 0, 170)]],
    "K": [[(0, 0), (0, 1)], [(0.95, 0), (0.02, 0.6)], [(0.3, 0.42), (1, 1)]],
    "L": [[(0, 0), (0, 1), (0.95, 1)]],
    "M": [[(0, 1), (0, 0), (0.55, 0.7), (1.1, 0), (1.1, 1)]],
    "N": [[(0, 1), (0, 0), (1, 1), (1, 0)]],
    "O": [[(0.52, 0.5, 0.54, 0.5, -90, 270)]],
    "P": [[(0, 1), (0, 0), (0.5, 0), (0.5, 0.27, 0.5, 0.27, -90, 90), (0, 0.54)]],
    "Q": [[(0.52, 0.5, 0.54, 0.5, -90, 270)], [(0.6, 0.72), (1.05, 1.08)]],
    "R": [[(0, 1), (0, 0), (0.5, 0), (0.5, 0.26, 0.5, 0.26, -90, 90), (0, 0.52)], [(0.5, 0.52), (1, 1)]],
    "S": [[(0.5, 0.25, 0.46, 0.25, -15, -190), (0.15, 0.42), (0.85, 0.56), (0.5, 0.74, 0.5, 0.26, -15, 170)]],
    "T": [[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]],
    "U": [[(0, 0), (0.5, 0.66, 0.5, 0.34, 180, 0), (1, 0)]],
    "V": [[(0, 0), (0.5, 1), (1, 0)]],
    "W": [[(0, 0), (0.3, 1), (0.6, 0.25), (0.9, 1), (1.2, 0)]],
    "X": [[(0, 0), (1, 1)], [(1, 0), (0, 1)]],
    "Y": [[(0, 0), (0.5, 0.5), (1, 0)], [(0.5, 0.5), (0.5, 1)]],
    "Z": [[(0, 0), (1, 0), (0, 1), (1, 1)]],
}

_PLAIN = _DIGITS | _SIGNS | _CAPITALS | small_letters.SMALL | small_letters.SIGNS

_BASE: Stroke = [(0.0, 1), (0.84, 1)]

_CHANGED: dict[str, dict[str, list[Stroke]]] = {
    "based": {"1": [*_DIGITS["1"], _BASE]} | small_letters.FIXED_PITCH,
    "slab": {"1": [*_DIGITS["1"], _BASE]}
    | small_letters.FIXED_PITCH
    | {
        letter: [*_CAPITALS[letter], *([(x - 0.16, y), (x + 0.16, y)] for x, y in feet)]
        for letter, feet in {
            "A": [(0, 1), (1, 1)],
            "F": [(0, 1)],
            "H": [(0, 0), (1, 0), (0, 1), (1, 1)],
            "K": [(0, 0), (0, 1), (0.9, 0), (0.95, 1)],
            "M": [(-0.08, 0), (1.18, 0), (0, 1), (1.1, 1)],
            "N": [(0, 0), (1, 0), (0, 1)],
            "P": [(0, 1)],
            "R": [(-0.06, 0), (0, 1), (1.05, 1)],
            "T": [(0.5, 1)],
            "X": [(0, 0), (1, 0), (0, 1), (1, 1)],
        }.items()
    },
    "angular": {
        "3": [[(0.05, 0), (0.95, 0), (0.45, 0.4), (0.47, 0.69, 0.5, 0.31, -75, 155)]],
        "6": [[(0.8, 0), (0.06, 0.58)], [(0.5, 0.68, 0.48, 0.32, -180, 180)]],
        "7": [[(0, 0), (1, 0), (0.32, 1)]],
        "9": [[(0.2, 1), (0.94, 0.42)], [(0.5, 0.32, 0.48, 0.32, -180, 180)]],
    },
    "slashed": {"0": [*_DIGITS["0"], [(0.18, 0.78), (0.82, 0.22)]], "1": [*_DIGITS["1"], _BASE]}
    | small_letters.FIXED_PITCH,
    "grotesque": {"I": [[(0.1, 0), (0.1, 1)]]},
}


def strokes_of(character: str, family: str) -> list[Stroke]:
    """Centre lines of a character of `STROKED` in a family of stroke faces."""
    return _CHANGED.get(family, {}).get(character) or _PLAIN[character]


def trace(stroke: Stroke, square: float) -> Float[np.ndarray, "N 2"]:
    """Corners of a stroke, with its arcs divided into short lines along superellipses of this exponent."""
    parts = []
    for place in stroke:
        if len(place) == 2:
            parts.append([place])
            continue
        x, y, across, down, start, stop = place
        turns = np.radians(np.linspace(start, stop, 2 + int(abs(stop - start) / 12)))
        cos, sin = (np.sign(part) * abs(part) ** (2 / square) for part in (np.cos(turns), np.sin(turns)))
        parts.append(np.stack([x + across * cos, y + down * sin], axis=1))
    return np.concatenate(parts)


BEND = 0.1
"""Maximum amplitude of each of the three displacements of `displace`, in widths or heights of a digit."""


def displace(points: Float[np.ndarray, "N 2"], amplitudes: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "N 2"]:
    """Moves points within the unit square by a bow, a bow that leans, and a shift of opposite sign in both halves.

    The map is continuous, so lines that met still meet, and points on the edge do not move.
    """
    beside = points[:, ::-1]
    bow, lean, shift = amplitudes.T[:, None]
    move = (bow + lean * np.cos(np.pi * beside)) * np.sin(np.pi * points) + shift / 2 * np.sin(2 * np.pi * points)
    return points + np.where((points > 0) & (points < 1), move, 0)


DOTS = {
    "0": "3E4141413E", "1": "00427F4000", "2": "4261514946", "3": "2141454B31", "4": "1814127F10",
    "5": "2745454539", "6": "3C4A494930", "7": "0171090503", "8": "3649494936", "9": "064949291E",
    "A": "7E1111117E", "B": "7F49494936", "C": "3E41414122", "D": "7F4141413E", "E": "7F49494941",
    "F": "7F09090901", "G": "3E4149497A", "H": "7F0808087F", "I": "00417F4100", "J": "2040413F01",
    "K": "7F08142241", "L": "7F40404040", "M": "7F020C027F", "N": "7F0408107F", "O": "3E4141413E",
    "P": "7F09090906", "Q": "3E4151215E", "R": "7F09192946", "S": "4649494931", "T": "01017F0101",
    "U": "3F4040403F", "V": "1F2040201F", "W": "3F4038403F", "X": "6314081463", "Y": "0708700807",
    "Z": "6151494543", ".": "0060600000", ",": "0080603000", "-": "0808080808", "$": "242A7F2A12",
    **small_letters.DOTS,
}  # fmt: skip
"""Columns of 5x7 dots from left to right, hexadecimal; bit 0 is the top row, bit 6 the row on the baseline,
bit 7 the row below."""
