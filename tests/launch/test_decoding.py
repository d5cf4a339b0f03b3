"""Decoders by flags, in evaluation and prediction."""

import copy
import dataclasses
import hashlib
import json
import math
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from launch import evaluate, export, predict
from launch.runs.decoding import decoded_by
from launch.runs.tasks import make_task
from recog.alphabet import CHINESE_PLATES, DIGITS, MUSIC_PITCHES
from recog.cli.decoding import Decoding, artifact_decoded_by, from_flags
from recog.codecs import ClassCodec, TextCodec
from recog.ctc import BeamSearch
from recog.ctc.arpa import save_arpa
from recog.ctc.kneser_ney import train
from recog.export.artifact import Artifact
from recog.export.files import ArtifactError
from recog.images import decode
from recog.tasks.branches import BranchTask
from tests.export.by_parts import write
from tests.launch.conftest import plate_reader
from tests.launch.in_process import parsed, run_main

CODEC = TextCodec(DIGITS)


@pytest.mark.parametrize("name", [None, "best_path"])
def test_the_best_path_is_no_search(name):
    assert Decoding(name).make(CODEC) is None
    assert Decoding(name).make(ClassCodec(("cat", "dog"))) is None
    assert Decoding(name).described() == {}


def test_settings_reach_the_search():
    found = Decoding("beam", 7, -4.0, -9.0).make(TextCodec(CHINESE_PLATES))
    assert isinstance(found, BeamSearch)
    assert (found.blank_id, found.beam_width, found.token_min_logp, found.beam_prune_logp) == (67, 7, -4.0, -9.0)
    assert found.automaton is None


def test_patterns_and_allowed_characters_combine():
    found = Decoding("beam", pattern="[0-5]+", allow="456").make(CODEC)
    assert isinstance(found, BeamSearch)
    assert found.automaton is not None
    assert ((found.automaton.following >= 0).sum(axis=1) == 2).all()  # 4 and 5


def test_n_gram_models_hotwords_and_patterns_combine(tmp_path, capsys):
    path = tmp_path / "digits.arpa"
    model = train(["123", "124", "7x"], 3)
    save_arpa(model, path)
    settings = Decoding("beam", pattern="12[3-6]", hotwords="24:3", ngram=str(path), alpha=2.0, beta=0.25)
    found = settings.make(CODEC)
    assert isinstance(found, BeamSearch)
    assert found.automaton is not None
    state, total = 0, 0.0
    for token in DIGITS.encode("124"):
        total += found.automaton.weights[state, token]
        state = found.automaton.following[state, token]
    expected = 2.0 * math.log(10) * model.score("124") + 3 * 0.25 + 3.0
    assert total + found.automaton.final[state] == pytest.approx(expected, abs=1e-4)
    assert found.automaton.following[0, DIGITS.encode("2")[0]] < 0
    notes = capsys.readouterr().err
    assert "does not know 5 of 10 tokens of the alphabet, '0', '5', '6', '8', '9'" in notes
    assert "has 1 tokens that the alphabet lacks, 'x'" in notes


def test_models_that_do_not_fit_are_named(tmp_path):
    path = tmp_path / "words.arpa"
    save_arpa(train([["the", "cat"]], 2), path)
    with pytest.raises(ValueError, match=r"--ngram=.*words\.arpa: the alphabet lacks 2 of the model's 2 tokens"):
        Decoding("beam", ngram=str(path)).make(CODEC)


def test_allowed_tokens_may_have_several_characters():
    found = Decoding("beam", allow="C4 D4").make(TextCodec(MUSIC_PITCHES))
    assert isinstance(found, BeamSearch)
    assert found.automaton is not None
    assert (found.automaton.following >= 0).sum() == 2


@pytest.mark.parametrize(
    ("settings", "codec", "reason"),
    [
        ({"pattern": "1+"}, CODEC, "--decoder=best_path ignores --pattern: set --decoder=beam"),
        ({"allow": "12", "ngram": "x.arpa"}, CODEC, "--decoder=best_path ignores --allow and --ngram"),
        ({"beam_width": 10}, CODEC, "--decoder=best_path ignores --beam_width"),
        ({"token_min_logp": -5.0, "beam_prune_logp": 0.0}, CODEC, "ignores --token_min_logp and --beam_prune_logp"),
        ({"hotwords": "1", "alpha": 0.0, "beta": 0.0}, CODEC, "ignores --hotwords and --alpha and --beta"),
        ({"decoder": "beam", "alpha": 0.5, "beta": 0.0}, CODEC, "nothing uses --alpha and --beta without an n-gram"),
        ({"decoder": "beam", "hotwords": "1x:2"}, CODEC, "hotwords hold 'x', which the alphabet lacks"),
        ({"decoder": "beam"}, ClassCodec(("cat", "dog")), "decodes texts, this model predicts classes"),
        ({"decoder": "beam", "allow": "1x"}, CODEC, "--allow holds 'x', which the alphabet lacks"),
        ({"decoder": "beam", "pattern": "plate_cn"}, CODEC, "which the alphabet lacks"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, codec, reason):
    with pytest.raises(ValueError, match=reason):
        Decoding(**settings).make(codec)


def test_readers_by_parts_take_a_decoder(digits):
    task = decoded_by(make_task(plate_reader(str(digits))), Decoding("beam", 7))
    assert isinstance(task, BranchTask)
    assert isinstance(task.decoder, BeamSearch)
    assert task.decoder.beam_width == 7


def test_an_exported_decoder_is_used_as_it_is(exported):
    artifact, decoding = Artifact.load(exported.folder), Decoding("beam", 7)
    artifact.card = dataclasses.replace(artifact.card, decoder={"decoder": "beam", "beam_width": 7})
    assert artifact_decoded_by(artifact, decoding) is artifact
    assert artifact_decoded_by(artifact, Decoding("beam")) is not artifact
    assert artifact_decoded_by(artifact, Decoding()) is artifact


@pytest.fixture(scope="module")
def attention(tmp_path_factory):
    """The artifact of a reader by attention."""
    folder = tmp_path_factory.mktemp("attention") / "artifact"
    write(folder, "attention")
    return Artifact.load(folder)


def with_decoder(artifact: Artifact, settings) -> Artifact:
    """A copy whose card says that it was exported with these settings."""
    other = copy.copy(artifact)
    other.card = dataclasses.replace(artifact.card, decoder=settings)
    return other


@pytest.fixture
def models(tmp_path):
    """An n-gram model, an equal one elsewhere, and another one of the first one's name."""
    paths = [tmp_path / name for name in ("model.arpa", "copy.arpa", "other/model.arpa")]
    paths[2].parent.mkdir()
    for path, texts in zip(paths, (["12"], ["12"], ["34"]), strict=True):
        save_arpa(train(texts, 2), path)
    return [Decoding("beam", ngram=str(path)) for path in paths]


def test_n_gram_models_are_described_by_content(models):
    one, same, other = (decoding.described()["ngram"] for decoding in models)
    assert (one["file"], same["file"], other["file"]) == ("model.arpa", "copy.arpa", "model.arpa")
    assert one["sha256"] == same["sha256"] == hashlib.sha256(Path(models[0].ngram).read_bytes()).hexdigest()
    assert other["sha256"] != one["sha256"]


def test_n_gram_models_of_equal_content_are_one_decoder(exported, attention, models):
    one, same, other = models
    for loaded in (Artifact.load(exported.folder), attention):
        artifact = with_decoder(loaded, one.described())
        assert artifact_decoded_by(artifact, one) is artifact
        assert artifact_decoded_by(artifact, same) is artifact
    artifact = with_decoder(Artifact.load(exported.folder), one.described())
    assert artifact_decoded_by(artifact, other) is not artifact
    assert artifact_decoded_by(with_decoder(artifact, vars(one)), one) is not artifact, "card of an earlier version"
    Path(one.ngram).write_bytes(Path(other.ngram).read_bytes())
    assert artifact_decoded_by(artifact, one) is not artifact
    with pytest.raises(ArtifactError, match=r"exported with .*model\.arpa.*export it again with the decoder's flags"):
        artifact_decoded_by(with_decoder(attention, artifact.card.decoder), one)


def test_the_best_path_of_attention_needs_a_program_without_a_search(attention):
    for decoding in (Decoding(), Decoding("best_path")):
        assert artifact_decoded_by(attention, decoding) is attention
    searching = with_decoder(attention, {"decoder": "beam"})
    assert artifact_decoded_by(searching, Decoding()) is searching
    with pytest.raises(ArtifactError, match=r'exported with \{"decoder": "beam"\}: export it again .* without'):
        artifact_decoded_by(searching, Decoding("best_path"))


@pytest.mark.parametrize(
    "flags",
    [["--decoder=lexicon", "--lexicon=x.txt"], ["--lexicon=x.txt"], ["--decoder=beam", "--nbest=2"], ["--nbest=2"]],
    ids=str,
)
def test_both_commands_say_why_readers_by_parts_take_neither_lexicons_nor_lists(attention, flags, digits, monkeypatch):
    monkeypatch.setattr("recog.cli.predicting_lines.Artifact.load", lambda folder, runtime: attention)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    reason = "^.*(lexicon|nbest).*need CTC logits of a whole text; this model reads by parts or attention"
    with parsed(predict, "--artifact=x", *flags), pytest.raises(ValueError, match=reason):
        predict.main(["predict", str(digits)])
    task = make_task(plate_reader(str(digits)))
    monkeypatch.setattr("launch.runs.exporting.load_run", lambda workdir: SimpleNamespace(task=task))
    with pytest.raises(ValueError, match=reason):
        run_main(export, "--workdir=x", f"--out={digits / 'artifact'}", *flags)


def test_export_sends_lexicons_of_whole_texts_to_prediction(trained, tmp_path):
    with pytest.raises(ValueError, match=r"give them to launch\.predict"):
        run_main(export, f"--workdir={trained.workdir}", f"--out={tmp_path / 'artifact'}", "--decoder=lexicon")


def test_flags_tell_an_explicit_best_path_from_none():
    for flags, expected in (([], None), (["--decoder=best_path"], "best_path"), (["--decoder=beam"], "beam")):
        with parsed(predict, "--artifact=x", *flags):
            assert from_flags() == Decoding(expected)


def test_export_takes_the_flags_of_a_decoder(trained, exported, digits, tmp_path, monkeypatch):
    monkeypatch.setattr("recog.export.check.SHAPES", ((1, 64),))  # the shape of the picture: it compiles once
    flags = ["--decoder=beam", "--beam_width=4", "--pattern=[12]{3}"]
    run_main(export, f"--workdir={trained.workdir}", f"--out={tmp_path / 'artifact'}", *flags)
    artifact = Artifact.load(tmp_path / "artifact")
    assert artifact.card.decoder == {"decoder": "beam", "beam_width": 4, "pattern": "[12]{3}"}
    pictures = [decode((digits / "0.png").read_bytes(), 1)]
    [reading] = artifact.read_pictures(pictures)
    assert re.fullmatch("[12]{3}", reading.text)
    assert artifact_decoded_by(artifact, Decoding()) is artifact
    [best] = artifact_decoded_by(artifact, Decoding("best_path")).read_pictures(pictures)
    [expected] = Artifact.load(exported.folder).read_pictures(pictures)
    assert best.text == expected.text != reading.text
    assert best.confidence == pytest.approx(expected.confidence, rel=1e-4)


def test_evaluation_and_prediction_follow_the_pattern(trained, exported, digits, tmp_path, capsys):
    save_arpa(train(["121", "212"], 2), tmp_path / "digits.arpa")
    flags = ["--decoder=beam", "--beam_width=4", "--pattern=[12]{3}", f"--ngram={tmp_path}/digits.arpa"]
    flags += ["--alpha=0.1", "--beta=0", "--hotwords=12:0.5"]
    run_main(evaluate, f"--workdir={trained.workdir}", f"--data=folder:{digits}", f"--out={tmp_path}", *flags)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["count"] == 24
    evaluated = [line.split("\t")[2] for line in (tmp_path / "predictions.tsv").read_text().splitlines()[1:]]
    assert all(re.fullmatch("[12]{3}", text) for text in evaluated)
    with parsed(predict, f"--artifact={exported.folder}", *flags), pytest.raises(SystemExit):
        predict.main(["predict", str(digits)])
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    named = [line.split("\t")[0] for line in (digits / "labels.tsv").read_text().splitlines()]
    predicted = {path.rpartition("/")[2]: text for path, text, _ in lines}
    assert [predicted[name.rpartition("/")[2]] for name in named] == evaluated


def test_a_pattern_that_no_picture_of_an_artifact_fits_is_refused(exported, monkeypatch):
    artifact, long = Artifact.load(exported.folder), Decoding("beam", pattern="(12){25}")
    assert artifact.frames is None, "it depends on the width"
    artifact_decoded_by(artifact, long)
    monkeypatch.setattr(artifact.program, "outputs", {**artifact.program.outputs, "logits": (1, 16, 11)})
    with pytest.raises(ValueError, match="needs 50 frames, the model emits 16"):
        artifact_decoded_by(artifact, long)
