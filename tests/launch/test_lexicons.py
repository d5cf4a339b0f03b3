"""Lexicons by flags: one for all pictures, drawn ones, those of prepared sets."""

import json
import re
from typing import Any

import numpy as np
import pytest

from datasets.lexicons import words_of
from datasets.mixture import Mixture
from datasets.sources import Sample, Subset
from launch import evaluate, predict
from launch.runs.data import Samples
from launch.runs.lexicons import open_lexicons
from recog.alphabet import DIGITS, LATIN_36, Alphabet
from recog.cli.lexicon_file import load_lexicon
from recog.codecs import TextCodec
from recog.ctc.lexicon import LexiconError
from tests.launch.in_process import parsed, run_main

CODEC = TextCodec(LATIN_36, lower_case=True)


class Words:
    """A source of words, with lexicons of their neighbours."""

    def __init__(self, *texts: str):
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, index: int) -> Sample:
        return Sample(b"", self._texts[index], self.origin(index))

    def origin(self, index: int) -> str:
        return f"words[{index}]"

    def words(self, index: int, feature: str) -> list[str]:
        if feature != "lexicon_2":
            raise ValueError(f"no feature {feature!r}")
        return [self._texts[index], f"Other{index}"]


class Bare:
    """A source without lexicons."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Sample:
        return Sample(b"", "a", "bare")

    def origin(self, index: int) -> str:
        return "bare[0]"


class Checked:
    def __init__(self, count: int):
        self.indices = np.arange(count)


def samples(source) -> Samples:
    checked: Any = Checked(len(source))
    return Samples(source, checked)


NAMES = samples(Words("One", "two", "THREE"))


def test_a_file_is_the_lexicon_of_all_pictures(tmp_path, capsys):
    (tmp_path / "words").write_text("One\nELEVEN\nÜber\n")
    lexicon_of = open_lexicons(str(tmp_path / "words"), CODEC, NAMES)
    assert lexicon_of(0, "One").words == ("one", "eleven")
    assert lexicon_of(2, "THREE") is lexicon_of(0, "One")
    assert "1 words with tokens that the alphabet lacks are left out: 'über'" in capsys.readouterr().out


def test_full_is_all_labels():
    assert open_lexicons("full", CODEC, NAMES)(1, "two").words == ("one", "two", "three")


def test_drawn_lexicons_hold_the_label_and_other_words(tmp_path):
    (tmp_path / "words.txt").write_text("\n".join(f"w{n}" for n in range(100)))
    for pool, others in ((str(tmp_path / "words.txt"), r"w\d+"), ("full", "one|two|three")):
        count = 20 if "txt" in pool else 2
        lexicon_of = open_lexicons(f"{pool}:{count}", CODEC, NAMES)
        lexicons = [lexicon_of(index, label) for index, label in enumerate(["One", "two", "THREE"])]
        for label, lexicon in zip(["one", "two", "three"], lexicons, strict=True):
            assert len(lexicon) == count
            assert label in lexicon
            assert all(re.fullmatch(others, word) for word in lexicon.words if word != label)
        assert open_lexicons(f"{pool}:{count}", CODEC, NAMES)(0, "One").words == lexicons[0].words
        assert len({lexicon.words for lexicon in lexicons}) > 1


def test_words_that_are_the_label_are_drawn_once(tmp_path):
    (tmp_path / "words.txt").write_text("one\ntwo\nthree")
    assert open_lexicons(f"{tmp_path / 'words.txt'}:3", CODEC, NAMES)(0, "One").words == ("one", "three", "two")


def test_prepared_sets_have_a_lexicon_for_each_picture():
    for source, index in (
        (Words("One", "two"), 1),
        (Subset(Words("x", "One", "two"), [0, 2]), 1),
        (Mixture([Words("y"), Subset(Words("One", "two"), [1])], [1, 1]), 1),
    ):
        assert words_of(source, index, "lexicon_2")[0] == "two"
        assert open_lexicons("lexicon_2", CODEC, samples(source))(index, "two").words[0] == "two"


@pytest.mark.parametrize(
    ("spec", "error", "reason"),
    [
        ("missing/words.txt", FileNotFoundError, "--lexicon=missing/words.txt: no such file"),
        ("lexicon_50", ValueError, "lexicon_50"),
        ("full:4", ValueError, "choose 1 to 3, the number of words of full"),
        ("full:0", ValueError, "choose 1 to 3"),
        ("missing.txt:50", FileNotFoundError, "--lexicon=missing.txt: no such file"),
    ],
)
def test_lexicons_that_do_not_exist_are_refused(spec, error, reason):
    with pytest.raises(error, match=reason):
        open_lexicons(spec, CODEC, NAMES)


def test_sources_without_lexicons_are_refused():
    with pytest.raises(ValueError, match=r"bare\[0\] has no lexicon 'lexicon_50': only prepared sets"):
        open_lexicons("lexicon_50", CODEC, samples(Bare()))


def test_a_lexicon_without_a_word_names_the_picture():
    with pytest.raises(LexiconError, match=r"words\[0\]: the lexicon has no word"):
        open_lexicons("lexicon_2", TextCodec(DIGITS), samples(Words("é")))(0, "é")


def test_words_are_read_in_the_order_of_the_picture(tmp_path):
    (tmp_path / "words.txt").write_text("אבג\n")
    codec = TextCodec(Alphabet("אבג"), reading_order="visual")
    assert load_lexicon(tmp_path / "words.txt", codec).words == ("גבא",)


def test_evaluation_and_prediction_read_words_of_the_lexicon(trained, exported, digits, tmp_path, capsys):
    labels = dict(line.split("\t") for line in (digits / "labels.tsv").read_text().splitlines())
    words = sorted(set(labels.values()))[::2]
    (tmp_path / "words.txt").write_text("\n".join(words))
    flags = ["--decoder=lexicon", f"--lexicon={tmp_path / 'words.txt'}", "--nbest=3"]
    run_main(evaluate, f"--workdir={trained.workdir}", f"--data=folder:{digits}", f"--out={tmp_path}", *flags)
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["in_lexicon"] == pytest.approx(np.mean([label in words for label in labels.values()]))
    rows = [line.split("\t") for line in (tmp_path / "predictions.tsv").read_text().splitlines()[1:]]
    assert all(row[2] in words for row in rows)
    lists = [json.loads(line) for line in (tmp_path / "nbest.jsonl").read_text().splitlines()]
    for row, listed in zip(rows, lists, strict=True):
        assert listed["sample"] == row[0]
        found = listed["readings"]
        assert found[0]["text"] == row[2]
        assert len({reading["text"] for reading in found}) == 3
        assert [x["confidence"] for x in found] == sorted((x["confidence"] for x in found), reverse=True)
    with parsed(predict, f"--artifact={exported.folder}", *flags), pytest.raises(SystemExit):
        predict.main(["predict", str(digits)])
    predicted = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    by_name = {item["path"].rpartition("/")[2]: item["readings"] for item in predicted}
    assert [by_name[path.rpartition("/")[2]] for path in labels] == [item["readings"] for item in lists]


def test_the_study_compares_edit_distances(trained, digits, tmp_path, capsys):
    labels = [line.split("\t")[1] for line in (digits / "labels.tsv").read_text().splitlines()]
    (tmp_path / "words.txt").write_text("\n".join(sorted(set(labels))))
    flags = ["--decoder=lexicon", f"--lexicon={tmp_path / 'words.txt'}", "--study=crnn_figure4"]
    asked = f"--workdir={trained.workdir}", f"--data=folder:{digits}", f"--out={tmp_path}"
    run_main(evaluate, *asked, *flags)
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["accuracy_exact"] == report["accuracy"]
    assert report["in_lexicon"] == 1.0
    assert {f"ms_delta_{delta}" for delta in range(6)} < set(report)
    assert (tmp_path / "crnn_figure4.png").stat().st_size > 5_000
    for wrong in (["--nbest=2"], ["--lexicon=full"]):
        with pytest.raises(ValueError, match="--study=crnn_figure4 takes"):
            run_main(evaluate, *asked, *flags, *wrong)


def test_a_pattern_that_fits_no_picture_is_refused(trained, digits, tmp_path):
    asked = f"--workdir={trained.workdir}", f"--data=folder:{digits}", f"--out={tmp_path}"
    with pytest.raises(ValueError, match="needs 50 frames, the model emits"):
        run_main(evaluate, *asked, "--decoder=beam", r"--pattern=(12){25}")
