"""Engraving of music: draws the ink of a staff with clef, key and time signature, notes, rests and ornaments."""

from typing import NamedTuple

import cv2
import numpy as np

from datasets.synthetic.music_glyphs import SPACE, WEIGHTS, Mask, glyph
from datasets.synthetic.music_score import ROWS, TIMES, Event

SHARPS, FLATS = (8, 5, 9, 6, 3, 7, 4), (4, 7, 3, 6, 2, 5, 1)
"""Steps above the lowest line of the signs of a key signature in treble clef; 2 lower in bass clef, 1 in alto clef."""

_STEM = 3.5  # length of a stem in spaces


class Style(NamedTuple):
    """Line widths of a sheet."""

    weight: float
    """Boldness of signs, one of `WEIGHTS`."""
    line: int
    """Width of the staff's lines, pixels."""
    stem: int
    """Width of stems and bar lines, pixels."""


class Sheet:
    """Ink of a sheet with one staff; coordinates in spaces, x from the left edge, y up from the lowest line."""

    def __init__(self, width: int, floor: float, style: Style):
        self.ink: Mask = np.zeros((round(ROWS * SPACE), width), np.uint8)
        self._base = round((ROWS + floor) * SPACE)
        self._style = style

    def sign(self, name: str, x: float, y: float = 0.0) -> None:
        """Draws a sign with its origin at ``x, y``; parts outside the sheet are cut off."""
        mask, left, top = glyph(name, self._style.weight)
        left, top = left + round(x * SPACE), top + self._base - round(y * SPACE)
        high, wide = max(top, 0), max(left, 0)
        part = self.ink[high : max(top + mask.shape[0], 0), wide : max(left + mask.shape[1], 0)]
        mask = mask[high - top :, wide - left :]
        np.maximum(part, mask[: part.shape[0], : part.shape[1]], out=part)

    def staff(self, start: float, end: float) -> None:
        """Draws the five lines."""
        for line in range(5):
            self.bar(start, end, float(line), self._style.line)

    def bar(self, start: float, end: float, y: float, thick: int) -> None:
        """Draws a horizontal line, ``thick`` pixels wide."""
        top = self._base - round(y * SPACE) - thick // 2
        self.ink[max(top, 0) : max(top + thick, 0), max(round(start * SPACE), 0) : round(end * SPACE)] = 255

    def upright(self, x: float, low: float, high: float, thick: int = 0) -> None:
        """Draws a vertical line, ``thick`` pixels wide; 0 is the width of stems."""
        left, thick = round(x * SPACE), thick or self._style.stem
        top, bottom = self._base - round(high * SPACE), self._base - round(low * SPACE) + 1
        self.ink[max(top, 0) : max(bottom, 0), left : left + thick] = 255

    def beam(self, start: tuple[float, float], end: tuple[float, float], thick: float) -> None:
        """Draws a slanted beam between two stems, which extends ``thick`` spaces downwards."""
        corners = [start, end, (end[0], end[1] - thick), (start[0], start[1] - thick)]
        places = [(16 * x * SPACE, 16 * (self._base - y * SPACE)) for x, y in corners]
        cv2.fillPoly(self.ink, [np.rint(places).astype(np.int32)], (255,), cv2.LINE_AA, 4)

    def slur(self, start: float, end: float, y: float, rise: float) -> None:
        """Draws an arc over or under notes; ``rise`` is its height in spaces, negative below the notes."""
        t = np.linspace(-1, 1, 20)
        x, height = (start + end) / 2 + t * (end - start) / 2, y + rise * (1 - t * t)
        places = np.column_stack([x * SPACE, self._base - height * SPACE])
        cv2.polylines(self.ink, [np.rint(16 * places).astype(np.int32)], False, (255,), 1, cv2.LINE_AA, 4)


def engrave(
    clef: str, time: str, events: list[Event], floor: float, width: int, clutter: float, random: np.random.Generator
) -> Mask:
    """Draws the ink of a sheet.

    Args:
      clef: a key of `CLEFS`.
      time: a key of `TIMES`.
      events: notes and rests.
      floor: height of the sheet's lower edge, spaces above the lowest line.
      width: width of the sheet, pixels.
      clutter: frequency of slurs, accents and staccato dots, 0 to 1.
      random: source of randomness, for style and spacing.
    """
    style = Style(WEIGHTS[int(random.integers(3))], *(1 + (random.random(2) < (0.7, 0.6))).tolist())
    sheet = Sheet(width, floor, style)
    start, stop = random.uniform(0, 0.6), width / SPACE - random.uniform(0, 0.6)
    x = _opening(sheet, clef, time, start + random.uniform(1.5, 2.0), random)
    needs = np.array([_need(event) for event in events])
    free = stop - 0.8 - x
    stretch = min(random.uniform(1, 2.4), free / needs.sum()) if random.random() < 0.7 else free / needs.sum()
    after = x + np.cumsum(needs * stretch)
    places = after - needs * stretch + [1.3 * bool(event.accidental) + 0.7 for event in events]
    end = float(after[-1] + 0.3) if random.random() < 0.3 else stop
    sheet.staff(start, end)
    _notes(sheet, events, places, random)
    for event, edge in zip(events, after, strict=True):
        if event.ends_bar:
            sheet.upright(edge - 0.5, 0, 4)
    if end < stop:
        sheet.upright(end - 0.15, 0, 4, SPACE // 3)
        sheet.upright(end - 0.6, 0, 4)
    _ornaments(sheet, events, places, clutter, random)
    return sheet.ink


def _opening(sheet: Sheet, clef: str, time: str, x: float, random: np.random.Generator) -> float:
    """Draws clef, key and time signature; returns the x at which notes may start."""
    sheet.sign(clef, x)
    x += 2.1
    signs, name = (SHARPS, "sharp") if random.random() < 0.5 else (FLATS, "flat")
    for step in signs[: int(random.integers(0, 8)) if random.random() < 0.6 else 0]:
        sheet.sign(name, x, (step - {"treble": 0, "bass": 2, "alto": 1}[clef]) / 2)
        x += 0.95
    if random.random() < 0.3:
        return x
    x += 0.7
    if time in TIMES and "/" not in time:
        sheet.sign(time, x)
    else:
        beats, unit = time.split("/")
        sheet.sign(beats, x, 2.0)
        sheet.sign(unit, x, 0.0)
    return x + 1.6


def _need(event: Event) -> float:
    """Minimum width of a note or rest with its signs, in spaces."""
    return 2.2 + 1.3 * bool(event.accidental) + 0.7 * event.dotted + 1.0 * event.ends_bar


def _notes(sheet: Sheet, events: list[Event], places: np.ndarray, random: np.random.Generator) -> None:
    """Draws heads, stems, flags or beams, dots, accidentals and rests."""
    place = 0
    while place < len(events):
        size = _run(events[place:], random)
        if size > 1:
            _beamed(sheet, events[place : place + size], places[place : place + size])
        elif events[place].step is None:
            event, x = events[place], float(places[place])
            sheet.sign(f"{event.length} rest", x)
            if event.dotted:
                sheet.sign("dot", x + 1.0, 2.5)
        else:
            _alone(sheet, events[place], float(places[place]), random)
        place += size


def _run(events: list[Event], random: np.random.Generator) -> int:
    """Number of notes, from the first on, that share a beam; 1 for a note without a beam."""
    size, most = 1, int(random.integers(1, 5))
    while size < min(most, len(events)) and not events[size - 1].ends_bar:
        first, last = events[0], events[size]
        steps = [event.step for event in events[: size + 1]]
        same = first.length == last.length in ("eighth", "sixteenth")
        known = [step for step in steps if step is not None]
        if not same or len(known) < len(steps) or max(known) - min(known) > 6:
            break
        size += 1
    return size


def _head(sheet: Sheet, event: Event, x: float) -> None:
    """Draws a head with its accidental, dot and ledger lines."""
    assert event.step is not None, "a rest has no head"
    y = event.step / 2
    kind = event.length if event.length in ("whole", "half") else "black"
    sheet.sign(f"{kind} head", x, y)
    if event.accidental:
        sheet.sign(event.accidental, x - 1.3, y)
    if event.dotted:
        sheet.sign("dot", x + 1.15, y if event.step % 2 else y + 0.5)
    half = 1.3 if kind == "whole" else 1.05
    for line in (*range(-1, int(np.ceil(y)) - 1, -1), *range(5, int(np.floor(y)) + 1)):
        sheet.bar(x - half, x + half, float(line), 1)


def _alone(sheet: Sheet, event: Event, x: float, random: np.random.Generator) -> None:
    """Draws a note with its own stem and flags."""
    assert event.step is not None, "a rest has no stem"
    _head(sheet, event, x)
    if event.length == "whole":
        return
    y, up = event.step / 2, event.step < 4 or (event.step == 4 and random.random() < 0.5)
    far = max(_STEM, abs(2 - y)) * (1 if up else -1)  # stems of notes far from the staff reach its middle line
    at = x + 0.55 if up else x - 0.65
    sheet.upright(at, min(y, y + far), max(y, y + far))
    for flag in range({"eighth": 1, "sixteenth": 2}.get(event.length, 0)):
        sheet.sign("flag up" if up else "flag down", at + 0.08, y + far - flag * (0.8 if up else -0.8))


def _beamed(sheet: Sheet, events: list[Event], places: np.ndarray) -> None:
    """Draws notes of one length whose stems end at a beam."""
    heights = np.array([event.step or 0 for event in events]) / 2
    up = bool(heights.mean() < 2)
    at = places + (0.55 if up else -0.65)
    slope = float(np.clip((heights[-1] - heights[0]) / (at[-1] - at[0]), -0.15, 0.15))
    line = slope * (at - at[0])
    way = 1 if up else -1
    line += way * (_STEM - 0.5 + (way * (heights - line)).max())
    line += way * max(float((way * (2 - line)).max()), 0.0)
    for event, x, stem, end in zip(events, places.tolist(), at.tolist(), line.tolist(), strict=True):
        _head(sheet, event, x)
        sheet.upright(stem, min((event.step or 0) / 2, end), max((event.step or 0) / 2, end))
    for beam in range({"eighth": 1, "sixteenth": 2}[events[0].length]):
        shift = (0 if up else 0.5) - 0.75 * beam * way
        sheet.beam((at[0], line[0] + shift), (at[-1] + 0.12, line[-1] + shift), 0.5)


def _ornaments(
    sheet: Sheet, events: list[Event], places: np.ndarray, clutter: float, random: np.random.Generator
) -> None:
    """Draws slurs, accents and staccato dots, which the label ignores."""
    for place, (event, x) in enumerate(zip(events, places.tolist(), strict=True)):
        kind, size = random.random(), int(random.integers(1, 4))
        if event.step is None or kind > 0.18 * clutter:
            continue
        below = -1 if event.step < 4 else 1  # the side without the stem
        y = event.step / 2 + 1.1 * below
        if kind < 0.06 * clutter:
            sheet.sign("dot", x, y)
        elif kind < 0.1 * clutter:
            sheet.sign("accent", x, y + 0.2 * below)
        elif place + size < len(places):
            sheet.slur(x, float(places[place + size]), y, 0.9 * below)
