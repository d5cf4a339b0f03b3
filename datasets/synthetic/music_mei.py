"""Snippets of music as MEI documents, which other engravers draw (Music Encoding Initiative, version 5)."""

import itertools

from datasets.synthetic.music_score import CLEFS, PITCHES, Event

_SHAPES = {"treble": ("G", 2), "bass": ("F", 4), "alto": ("C", 3)}
_DURATIONS = {"whole": 1, "half": 2, "quarter": 4, "eighth": 8, "sixteenth": 16}
_SIGNS = {"sharp": "s", "flat": "f", "natural": "n"}
_BEAM = 4  # maximum number of notes of a beam

KEYS = ("0", *(f"{count}{sign}" for sign in "sf" for count in range(1, 8)))
"""Key signatures: none, one to seven sharps (``2s``), one to seven flats."""


def mei(clef: str, time: str, key: str, events: list[Event]) -> str:
    """Writes a document of one staff.

    Args:
      clef: a key of `CLEFS`.
      time: a key of `TIMES`.
      key: one of `KEYS`.
      events: notes and rests, as `compose` draws them. Up to four notes next to each other that are shorter than a
        quarter share a beam.
    """
    shape, line = _SHAPES[clef]
    meter = 'meter.sym="common" meter.count="4" meter.unit="4"'
    if "/" in time:
        meter = 'meter.count="{}" meter.unit="{}"'.format(*time.split("/"))
    bars: list[list[Event]] = [[]]
    for event in events:
        bars[-1].append(event)
        if event.ends_bar and event is not events[-1]:
            bars.append([])
    measures = "".join(
        f'<measure n="{number}"><staff n="1"><layer n="1">{_layer(clef, bar)}</layer></staff></measure>'
        for number, bar in enumerate(bars, 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<mei xmlns="http://www.music-encoding.org/ns/mei" meiversion="5.0"><music><body><mdiv><score>'
        f'<scoreDef {meter} keysig="{key}"><staffGrp>'
        f'<staffDef n="1" lines="5" clef.shape="{shape}" clef.line="{line}"/></staffGrp></scoreDef>'
        f"<section>{measures}</section></score></mdiv></body></music></mei>"
    )


def _layer(clef: str, events: list[Event]) -> str:
    """Writes a bar's notes and rests, with beams."""
    written: list[str] = []
    for beamed, run in itertools.groupby(events, key=_can_be_beamed):
        elements = [_element(clef, event) for event in run]
        size = _BEAM if beamed else len(elements)
        for start in range(0, len(elements), size):
            part = elements[start : start + size]
            joined = "".join(part)
            written.append(f"<beam>{joined}</beam>" if beamed and len(part) > 1 else joined)
    return "".join(written)


def _can_be_beamed(event: Event) -> bool:
    return event.step is not None and _DURATIONS[event.length] > 4


def _element(clef: str, event: Event) -> str:
    length = f'dur="{_DURATIONS[event.length]}"' + ' dots="1"' * event.dotted
    if event.step is None:
        return f"<rest {length}/>"
    letter, octave = PITCHES[CLEFS[clef] + event.step]
    sign = f' accid="{_SIGNS[event.accidental]}"' if event.accidental else ""
    return f'<note {length} pname="{letter.lower()}" oct="{octave}"{sign}/>'
