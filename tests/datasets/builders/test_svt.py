"""SVT's XML, from whole pictures to words with their lexicons."""

import cv2
import numpy as np
import pytest

from datasets.builders.crops import Box
from datasets.builders.entries import Entry, Loaded, load
from datasets.builders.svt import Svt
from datasets.builders.tagged_rectangles import parse_tagset
from datasets.sources import BadSampleError
from recog.images import decode

XML = """<?xml version="1.0" encoding="utf-8"?>
<tagset>
  <image>
    <imageName>img/14_03.jpg</imageName>
    <address>341 Southwest 10th Avenue Portland OR</address>
    <lex>
    LIVING,ROOM,THEATERS,KENNY
    </lex>
    <Resolution x="1280" y="880"/>
    <taggedRectangles>
      <taggedRectangle height="20" width="60" x="30" y="10">
        <tag>LIVING</tag>
      </taggedRectangle>
      <taggedRectangle height="18.5" width="50" x="-5.5" y="70">
        <tag>ROOM</tag>
      </taggedRectangle>
    </taggedRectangles>
  </image>
  <image>
    <imageName>img/15_00.jpg</imageName>
    <lex>PUB</lex>
    <taggedRectangles>
      <taggedRectangle height="20" x="30" y="10"><tag>PUB</tag></taggedRectangle>
      <taggedRectangle height="20" width="wide" x="30" y="10"><tag>PUB</tag></taggedRectangle>
      <taggedRectangle height="20" width="20" x="500" y="10"><tag>PUB</tag></taggedRectangle>
    </taggedRectangles>
  </image>
</tagset>
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "svt1" / "img").mkdir(parents=True)
    for name in ("14_03", "15_00"):
        image = np.zeros((100, 200, 3), np.uint8)
        image[10:30, 30:90] = 200
        cv2.imwrite(str(tmp_path / "svt1" / "img" / f"{name}.jpg"), image)
    for file in ("train.xml", "test.xml"):
        (tmp_path / "svt1" / file).write_text(XML, encoding="utf-8")
    return tmp_path / "svt1"


def test_words_have_their_box_and_the_lexicon_of_their_picture(root):
    first, second, *bad, outside = parse_tagset(root, "test.xml", lexicon=True)
    lexicon = {"lexicon_50": ["LIVING", "ROOM", "THEATERS", "KENNY"]}
    origin = "test.xml: image 1 (img/14_03.jpg), word 1"
    assert first == Entry(root / "img/14_03.jpg", "LIVING", origin, Box(30, 10, 90, 30), lexicon)
    assert isinstance(second, Entry)
    assert second.region == Box(-6, 70, 45, 89)
    assert [error.origin for error in bad] == [f"test.xml: image 2 (img/15_00.jpg), word {number}" for number in (1, 2)]
    assert isinstance(outside, Entry)


def test_words_are_cut_out_and_what_lies_outside_is_malformed(root):
    first, second, *_, outside = load(parse_tagset(root, "train.xml", lexicon=True))
    assert isinstance(first, Loaded)
    word = decode(first.picture, 3)
    assert word.shape == (20, 60, 3)
    assert word.mean() > 190
    assert isinstance(second, Loaded)
    assert decode(second.picture, 3).shape == (19, 45, 3)
    assert isinstance(outside, BadSampleError)
    assert "outside the picture of 200x100 pixels" in str(outside)


def test_xml_that_was_cut_short_says_where(root):
    (root / "test.xml").write_text(XML[:-60])
    with pytest.raises(ValueError, match=r"test\.xml is not well-formed XML: .*line"):
        list(parse_tagset(root, "test.xml"))


def test_splits(root, tmp_path):
    builder = Svt(data_dir=tmp_path / "out")
    assert list(builder.splits(tmp_path)) == list(builder.splits(root)) == ["train", "test"]
    (root / "train.xml").unlink()
    assert list(builder.splits(root)) == ["test"]
    with pytest.raises(FileNotFoundError, match=r"none of train\.xml, test\.xml"):
        builder.splits(root / "img")
