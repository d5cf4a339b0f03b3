"""MEI documents of snippets: every note and rest with its pitch and length, in bars."""

from xml.etree import ElementTree

import numpy as np
import pytest

from datasets.synthetic.music_mei import KEYS, mei
from datasets.synthetic.music_score import CLEFS, TIMES, Event, compose, write

NAMES = {"mei": "http://www.music-encoding.org/ns/mei"}


def notes_of(document: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(document).findall(".//mei:note", NAMES)


@pytest.mark.parametrize("clef", CLEFS)
@pytest.mark.parametrize("time", TIMES)
def test_notes_have_the_pitches_of_the_label(clef, time):
    for seed in range(30):
        events = compose(clef, -3.0, TIMES[time], 12, np.random.default_rng(seed))
        notes = notes_of(mei(clef, time, KEYS[seed % len(KEYS)], events))
        assert " ".join(note.attrib["pname"].upper() + note.attrib["oct"] for note in notes) == write(clef, events)


def test_bars_hold_notes_rests_and_beams_of_short_notes():
    eighth = Event("eighth", False, 5)
    events = [
        Event("half", True, None),
        Event("quarter", False, 3, "sharp", ends_bar=True),
        *[eighth] * 5,
        Event("eighth", False, None),
        eighth._replace(ends_bar=True),
    ]
    score = ElementTree.fromstring(mei("bass", "common time", "3f", events))
    definition = score.find(".//mei:scoreDef", NAMES)
    assert definition is not None
    assert definition.attrib == {"meter.sym": "common", "meter.count": "4", "meter.unit": "4", "keysig": "3f"}
    bars = score.findall(".//mei:layer", NAMES)
    tags = [[element.tag.split("}")[1] for element in bar] for bar in bars]
    assert tags == [["rest", "note"], ["beam", "note", "rest", "note"]]
    assert bars[0][0].attrib == {"dur": "2", "dots": "1"}
    assert bars[0][1].attrib == {"dur": "4", "pname": "c", "oct": "3", "accid": "s"}
    assert len(bars[1][0]) == 4
