"""ICDAR 2003: lists of cropped words, and boxes in scenes."""

import pytest

from datasets.builders.crops import Box
from datasets.builders.entries import Entry
from datasets.builders.icdar2003 import Icdar2003, parse_word_list
from datasets.sources import BadSampleError

WORDS = """<?xml version="1.0" encoding="ISO-8859-1"?>
<imagelist>
  <image file="word/1/1.jpg" tag="self" />
  <image file="word/1/2.jpg" tag="&quot;adhesive&quot;" />
  <image file="word/1/3.jpg" tag="\xa35&amp;up" />
  <image file="word/1/4.jpg" />
</imagelist>
"""
SCENES = """<?xml version="1.0" encoding="UTF-8"?>
<tagset>
  <image>
    <imageName>apanar_06.08.2002/IMG_1261.JPG</imageName>
    <resolution x="1600" y="1200" />
    <taggedRectangles>
      <taggedRectangle x="174.0" y="392.0" width="274.0" height="195.0" offset="0.0" rotation="0.0" userName="admin">
        <tag>PEUGEOT</tag>
        <segmentation><xOff>12</xOff></segmentation>
      </taggedRectangle>
    </taggedRectangles>
  </image>
</tagset>
"""


@pytest.mark.parametrize("file", ["word.xml", "word/word.xml"])
def test_cropped_words(tmp_path, file):
    (tmp_path / "TrialTest" / "word").mkdir(parents=True)
    (tmp_path / "TrialTest" / file).write_text(WORDS, encoding="latin-1")
    splits = Icdar2003(data_dir=tmp_path / "out").splits(tmp_path)
    assert list(splits) == ["test"]
    *words, bad = splits["test"]()
    assert [word.text for word in words if isinstance(word, Entry)] == ["self", '"adhesive"', "£5&up"]
    assert words[0] == Entry(tmp_path / "TrialTest/word/1/1.jpg", "self", f"TrialTest/{file}: image 1 (word/1/1.jpg)")
    assert isinstance(bad, BadSampleError)
    assert bad.origin == f"TrialTest/{file}: image 4"
    assert "file and tag" in bad.reason


def test_words_in_scenes(tmp_path):
    for folder in ("SceneTrialTrain", "SceneTrialTest"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "words.xml").write_text(SCENES)
    splits = Icdar2003(data_dir=tmp_path / "out").splits(tmp_path)
    assert list(splits) == ["train", "test"]
    (word,) = splits["train"]()
    picture = "apanar_06.08.2002/IMG_1261.JPG"
    origin = f"SceneTrialTrain/words.xml: image 1 ({picture}), word 1"
    assert word == Entry(tmp_path / "SceneTrialTrain" / picture, "PEUGEOT", origin, Box(174, 392, 448, 587))


def test_cropped_words_go_before_scenes(tmp_path):
    for folder, file, text in (("SceneTrialTest", "words.xml", SCENES), ("TrialTest", "word.xml", WORDS)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text(text, encoding="latin-1")
    (entries,) = Icdar2003(data_dir=tmp_path / "out").splits(tmp_path).values()
    assert len(list(entries())) == 4


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="TrialTrain, SceneTrialTrain"):
        Icdar2003(data_dir=tmp_path / "out").splits(tmp_path)
    (tmp_path / "word.xml").write_text("<imagelist>")
    with pytest.raises(ValueError, match=r"words?\.xml is not well-formed XML"):
        list(parse_word_list(tmp_path, "word.xml"))
