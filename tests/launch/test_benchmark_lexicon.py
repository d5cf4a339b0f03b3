"""The benchmark of lexicons measures what it says; how long things take is not tested."""

import numpy as np
import pytest

from datasets.specs import open_source
from launch.benchmarks import lexicon_table
from launch.benchmarks.lexicon_table import load_words, report
from recog.ctc.lexicon import LexiconError


def test_words_are_the_labels_and_those_of_a_file_or_a_source(digits, tmp_path):
    (tmp_path / "words.txt").write_text("1\n22\n1\n333\n")
    assert load_words(str(tmp_path / "words.txt"), ["7", "22"], 4) == ["7", "22", "1", "333"]
    assert load_words(str(tmp_path / "words.txt"), ["7", "22"], 2) == ["7", "22"]
    assert len(load_words(f"folder:{digits}", ["7"], 5)) == 5
    with pytest.raises(LexiconError, match=r"has [5-6] words: name a larger one"):
        load_words(str(tmp_path / "words.txt"), ["7", "22"], 9)


def test_reports_searches_that_agree(exported, digits, monkeypatch, capsys):
    monkeypatch.setattr(lexicon_table, "TURNS", 1)
    monkeypatch.setattr(lexicon_table, "TOGETHER", 3)
    labels = len({sample.label for sample in map(open_source(f"folder:{digits}").__getitem__, range(24))})
    table = report(str(exported.folder), f"folder:{digits}", f"folder:{digits}", [labels])
    assert table[labels].agreement == 1.0
    assert table[labels].exact.shape == (24,)
    assert np.isfinite(table[labels].exact).all()
    line = capsys.readouterr().out.splitlines()[-1].split()
    assert line[0] == str(labels)
    assert line[-1] == "100%"
