"""The alphabet of a set of labels, from a report to a configuration."""

import pytest

from launch.runs.codecs import make_alphabet
from launch.runs.config import AlphabetConfig
from launch.runs.data_alphabet import write_alphabet
from launch.runs.data_page import report
from recog.alphabet import Alphabet
from recog.codecs import ClassCodec, TextCodec
from tests.launch.pictures import Texts


@pytest.fixture
def path(tmp_path):
    return tmp_path / "alphabet.txt"


def counts(text: str) -> dict[str, int]:
    return dict.fromkeys(text, 1)


@pytest.mark.parametrize("text", [" ", "ba é\u0301京😀\t\u3000", "\x0b\x0c\x1c\x85\u2028\u200b\x00", "#\"',\\"])
def test_tokens_come_back_sorted_by_code_point(path, text):
    (line,) = write_alphabet(path, counts(text))
    assert f"{len(text)} tokens, to train with --config.alphabet.file={path}" in line
    assert Alphabet.from_file(path).tokens == tuple(sorted(text, key=ord))
    assert make_alphabet(AlphabetConfig(file=str(path))) == Alphabet(sorted(text))


def test_what_cannot_be_a_line_is_left_out_and_named(path):
    _, lacks = write_alphabet(path, {"a": 1, "\n": 2, "\r": 1, "\ufeff": 1, "\udcff": 1, "": 3})
    assert Alphabet.from_file(path).tokens == ("a",)
    named = ("U+000A CONTROL", "U+000D CONTROL", "U+FEFF ZERO", "U+DCFF SURROGATE", "nothing between two separators")
    assert all(part in lacks for part in named)
    assert r"'\n' (U+000A CONTROL CHARACTER) 2 times" in lacks


def test_many_that_are_left_out_are_counted(path):
    _, lacks = write_alphabet(path, counts("a" + "".join(map(chr, range(0xDC80, 0xDCD0)))))
    assert "and 70 more" in lacks


def test_tokens_of_several_characters_are_lines_and_a_configured_alphabet_is_cleared(path):
    music = TextCodec(Alphabet(["D4"], separator=" "))
    (line,) = write_alphabet(path, {"D4": 2, "C4": 1}, music, AlphabetConfig(name="music_pitches"))
    assert line.endswith(f" --config.alphabet.file={path} --config.alphabet.name= '--config.alphabet.separator= '")
    (line,) = write_alphabet(path, {"D4": 2, "C4": 1}, music, AlphabetConfig(tokens="x", separator=" "))
    assert line.endswith(f" --config.alphabet.file={path} --config.alphabet.tokens=")
    assert Alphabet.from_file(path, separator=" ").tokens == ("C4", "D4")


@pytest.mark.parametrize(("tokens", "codec"), [({}, None), ({"\n": 1}, None), ({"cat": 1}, ClassCodec(("cat", "dog")))])
def test_an_earlier_alphabet_does_not_stay(path, tokens, codec):
    path.write_text("old")
    assert write_alphabet(path, tokens, codec) == []
    assert not path.exists()


def test_the_alphabet_of_a_report_fits_its_labels(tmp_path, monkeypatch, capsys):
    texts = ("a b", "京", "x\ry", "\u3000")
    monkeypatch.setattr("launch.runs.data_page.open_source", lambda spec: Texts(*texts))
    report("names:x", tmp_path)
    codec = TextCodec(Alphabet.from_file(tmp_path / "alphabet.txt"))
    assert [bool(codec.problems(text, (8, 8))) for text in texts] == [False, False, True, False]
    assert "U+000D" in capsys.readouterr().out
