"""The table of words and lexicons from tiny prepared sets."""

import pytest

from launch.tables import crnn_table2, words
from launch.tables.readers import open_readers
from tests.launch.in_process import run_main
from tests.launch.tables.painted import Word, write_prepared

NEAR = {"lexicon_50": ["124", "808"], "lexicon_1k": ["123", "124", "808"]}
"""Lexicons of a picture that shows 123 and is labelled 124: the short one corrects the reading."""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """IIIT5k, ICDAR 2003 and ICDAR 2013, without SVT."""
    folder = tmp_path_factory.mktemp("prepared")
    right = {"lexicon_50": ["505", "123"], "lexicon_1k": ["505", "123"]}
    write_prepared(folder, "iiit5k", {"test": [Word("505", "505", right), Word("123", "124", NEAR)]})
    kept = [Word("321", "321"), Word("707", "708"), Word("102", "103")]
    write_prepared(folder, "icdar2003", {"test": [*kept, Word("120", "12"), Word("120", "1.0")]})
    write_prepared(folder, "icdar2013", {"test": [Word("120", "120"), Word("120", "a-b")]})
    return folder


def test_lexicons_and_protocol(data_dir, green_reader, tmp_path, monkeypatch, capsys):
    (tmp_path / "words.txt").write_text("321\n708\n900\n")
    flags = [f"--artifact=green={green_reader}", f"--data_dir={data_dir}"]
    run_main(crnn_table2, *flags, f"--lexicon_50k={tmp_path}/words.txt")
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:] == [
        "| reader | IIIT5k 50 | IIIT5k 1k | IIIT5k none | SVT 50 | SVT none | IC03 50 | IC03 full | IC03 50k "
        "| IC03 none | IC13 none |",
        "| --- " * 11 + "|",
        "| green | 100.0 | 50.0 | 50.0 | – | – | – | 100.0 | 66.7 | 33.3 | 100.0 |",
        "| CRNN (Shi et al. 2015) | 97.6 | 94.4 | 78.2 | 96.4 | 80.8 | 98.7 | 97.6 | 95.5 | 89.4 | 86.7 |",
        "",
        f"- svt is not in {data_dir}. Unpack svt.zip; source is the folder with train.xml and test.xml, or above it. "
        f"Prepare it: `python -m launch.prepare --dataset=svt --source=DIR --data_dir={data_dir}`",
        "- icdar2003: 3 of 5 words in the protocol",
        "- icdar2013: 1 of 2 words in the protocol",
        "- IC03 50: icdar2003 has fewer than 50 different words to draw from",
        "- –: not measured, or not confirmed in the publication; --published=FILE adds figures",
    ]
    monkeypatch.setattr(words, "DRAWN", 3)
    monkeypatch.setattr(
        words, "COLUMNS", [words.Column("IC03", "50", "full:3"), words.Column("IC03", "50k", words.FILE)]
    )
    run_main(crnn_table2, *flags, "--format=csv")
    printed = capsys.readouterr()
    assert printed.out == "reader,IC03 50,IC03 50k\ngreen,100.0,\nCRNN (Shi et al. 2015),98.7,95.5\n"
    assert "IC03 50k: name the words with --lexicon_50k=FILE, one per line\n" in printed.err


def test_readers_without_logits_have_no_lexicons(data_dir, green_reader, monkeypatch):
    (reader,) = open_readers([], [f"green={green_reader}"])
    reader.whole_texts = False
    page = words.word_page([reader], str(data_dir), "", "raise", "")
    assert page.table.lines[0] == ["green", "–", "–", "50.0", "–", "–", "–", "–", "–", "33.3", "100.0"]
    assert [note.text for note in page.notes].count("green has no CTC logits of a whole text, which lexicons need") == 1


def test_a_missing_lexicon_is_named():
    with pytest.raises(FileNotFoundError, match=r"--lexicon_50k=no\.txt: no such file"):
        run_main(crnn_table2, "--lexicon_50k=no.txt")
