"""Composition of snippets of music: notes and rests that fill bars, and the label of a snippet."""

from typing import NamedTuple

import numpy as np

from recog.alphabet import MUSIC_PITCHES

PITCHES = MUSIC_PITCHES.tokens
"""Pitches from the lowest to the highest, one step of the staff apart."""

CLEFS = {"treble": PITCHES.index("E4"), "bass": PITCHES.index("C3") - 3, "alto": PITCHES.index("F3")}
"""Index in `PITCHES` of the lowest line, by clef; that of the bass clef, G2, is below them and negative."""

TIMES = {"4/4": 16, "common time": 16, "3/4": 12, "2/4": 8, "6/8": 12, "3/8": 6}
"""Length of a bar in sixteenths, by time signature."""

FLOORS = -3.2, -1.7
"""Range of the height of a sheet's lower edge, in spaces above the lowest line: below clefs, and high enough for the
highest pitch."""

LENGTHS = {"whole": 16, "half": 8, "quarter": 4, "eighth": 2, "sixteenth": 1}
"""Length of an undotted note or rest in sixteenths."""

ROWS = 11.6
"""Height of a sheet in spaces."""


class Event(NamedTuple):
    """A note or a rest."""

    length: str
    """Name of the length, a key of `LENGTHS`."""
    dotted: bool
    step: int | None
    """Steps above the lowest line, counting lines and gaps; None for a rest."""
    accidental: str = ""
    """``sharp``, ``flat``, ``natural`` or empty."""
    ends_bar: bool = False


def write(clef: str, events: list[Event]) -> str:
    """Returns the label: the pitches of all notes, separated by spaces."""
    return MUSIC_PITCHES.separator.join(PITCHES[CLEFS[clef] + e.step] for e in events if e.step is not None)


def compose(clef: str, floor: float, bar: int, count: int, random: np.random.Generator) -> list[Event]:
    """Draws a melody of notes and rests that fill bars; it moves mostly by small steps.

    Args:
      clef: a key of `CLEFS`.
      floor: height of the sheet's lower edge, spaces above the lowest line.
      bar: length of a bar in sixteenths.
      count: number of notes and rests, at least 1.
      random: source of randomness.
    """
    lowest = max(int(np.ceil(2 * floor + 1.4)), -CLEFS[clef])
    highest = min(int(2 * (floor + ROWS) - 1.4), len(PITCHES) - 1 - CLEFS[clef])
    step = int(random.integers(max(lowest, -2), min(highest, 10) + 1))
    events, left, sung = [], bar, int(random.integers(count))
    for place in range(count):
        length, dotted = _draw_length(left, random)
        left -= LENGTHS[length] * (3 if dotted else 2) // 2
        silent = random.random() < 0.12 and place != sung
        leap, far = int(np.rint(random.normal(0, 2.5))), random.random() < 0.1
        step = int(random.integers(lowest, highest + 1)) if far else int(np.clip(step + leap, lowest, highest))
        accidental = ("sharp", "flat", "natural")[int(random.integers(3))] if random.random() < 0.12 else ""
        events.append(Event(length, dotted, None if silent else step, "" if silent else accidental, left == 0))
        left = left or bar
    return events


def _draw_length(left: int, random: np.random.Generator) -> tuple[str, bool]:
    """Draws a length of at most ``left`` sixteenths, and whether it is dotted."""
    fitting = [length for length, sixteenths in LENGTHS.items() if sixteenths <= left]
    weights = np.array([{"whole": 1, "half": 2, "quarter": 4, "eighth": 4, "sixteenth": 1}[one] for one in fitting])
    length = fitting[int(random.choice(len(fitting), p=weights / weights.sum()))]
    sixteenths = LENGTHS[length]
    return length, bool(random.random() < 0.2) and sixteenths > 1 and 3 * sixteenths <= 2 * left
