"""Readers of tables find what evaluation of their folder finds."""

import pytest

from datasets.specs import open_source
from launch.runs.evaluating import evaluate
from launch.runs.evaluating_artifact import evaluate_artifact
from launch.tables.readers import BEST_PATH, open_readers, parse_named
from recog.cli.decoding import Decoding
from tests.launch.tables.painted import write_folder

LEXICON = Decoding("lexicon", lexicon="full:3")


def test_of_a_work_folder(trained, digits, tmp_path, capsys):
    (reader,) = open_readers([f"run={trained.workdir}"], [])
    for decoding in (BEST_PATH, LEXICON, BEST_PATH):
        counts = reader.score(open_source(f"folder:{digits}"), "digits", decoding).counts
        assert not capsys.readouterr().out, "the table alone goes to the standard output"
        report = evaluate(trained.workdir, f"folder:{digits}", tmp_path, decoding=decoding)
        assert counts.report().items() <= report.items()
        capsys.readouterr()


def test_of_an_artifact(green_reader, tmp_path):
    data = write_folder(tmp_path / "data", ("123", "123"), ("124", "123"), ("505", "505"), ("801", "70"))
    (reader,) = open_readers([], [str(green_reader)])
    assert reader.name == "artifact"
    accuracies = []
    for decoding in (BEST_PATH, LEXICON):
        counts = reader.score(open_source(data), "digits", decoding).counts
        assert counts.report().items() <= evaluate_artifact(str(green_reader), data, decoding=decoding).items()
        accuracies.append(counts.accuracy)
    assert accuracies == [0.5, 1.0]


def test_samples_that_cannot_be_used(green_reader, tmp_path):
    source = open_source(write_folder(tmp_path / "data", ("123", "123"), ("123", "皖12")))
    (reader,) = open_readers([], [str(green_reader)])
    with pytest.raises(ValueError, match="皖"):
        reader.score(source, "digits")
    score = reader.score(source, "digits", on_bad_sample="skip")
    assert (score.counts.count, score.skipped) == (1, 1)


def test_names(tmp_path):
    cell = tmp_path / "layers=1,seed=0"
    cell.mkdir()
    assert parse_named(str(cell)) == ("layers=1,seed=0", str(cell))
    assert parse_named(f"one={cell}") == ("one", str(cell))
    assert parse_named("车 \n 牌=runs/x/") == ("车 牌", "runs/x/")
    assert parse_named("runs/x/") == ("x", "runs/x/")
    assert parse_named("zoo:plates") == ("zoo:plates", "zoo:plates")
    for text in ("=x", "name="):
        with pytest.raises(ValueError, match="write NAME=FOLDER"):
            parse_named(text)


def test_readers_need_different_names(green_reader):
    with pytest.raises(ValueError, match="several readers are named a"):
        open_readers([], [f"a={green_reader}", f"a={green_reader}"])
