"""Training of n-gram models on labels by ``launch.prepare --ngram``."""

import pytest

from launch import prepare
from launch.runs.config import Config
from launch.runs.ngram import train_ngram
from recog.ctc.arpa import load_arpa
from recog.models.classifier import ClassifierConfig
from tests.launch.in_process import run_main
from tests.launch.pictures import write_folder

LATIN = ["--config=launch/configs/crnn.py", "--config.alphabet.name=latin_36", "--config.data.lower_case=true"]
MUSIC = ["--config=launch/configs/music.py"]


def trained(tmp_path, lines: str | bytes, *flags: str):
    file, out = tmp_path / "labels.txt", tmp_path / "new" / "out.arpa"
    file.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    run_main(prepare, f"--ngram={out}", f"--data=text:{file}", *flags)
    return load_arpa(out)


def test_lines_of_a_file_are_labels(tmp_path, capsys):
    words = "".join(f"{word}\r\n" for word in [f"a{number:03}b" for number in range(100)])
    model = trained(tmp_path, b"\xef\xbb\xbf" + words.encode() + b"\n", "--order=3")
    assert model.order == 3
    assert "\r" not in model.tokens
    assert model.score("a123b") > model.score("b321a")
    out = capsys.readouterr().out
    assert "100 labels of 500 tokens\n  15 1-grams\n" in out
    assert "perplexity of a token" in out
    assert f"--decoder=beam --ngram={tmp_path}/new/out.arpa" in out


def test_labels_of_any_source_are_used(tmp_path, capsys):
    folder = write_folder(tmp_path / "in", "皖A12345", "京A1234")
    run_main(prepare, f"--ngram={tmp_path / 'out.arpa'}", f"--data=folder:{folder}")
    model = load_arpa(tmp_path / "out.arpa")
    assert model.order == 5
    assert "皖" in model.tokens
    assert "2 labels of 13 tokens" in capsys.readouterr().out


def test_a_configuration_splits_and_folds_labels(tmp_path):
    assert {"a", "b"} < set(trained(tmp_path, "AB\nBA\n", *LATIN).tokens) - {"A", "B"}
    assert {"C4", "D4"} < set(trained(tmp_path, "C4 D4\nD4\n", *MUSIC).tokens)


def test_samples_that_cannot_be_read_are_refused_or_skipped(tmp_path, capsys):
    folder = write_folder(tmp_path / "in", "12", "34")
    with (folder / "labels.tsv").open("a") as file:
        file.write("missing.png\t56\n")
    flags = [f"--ngram={tmp_path / 'out.arpa'}", f"--data=folder:{folder}"]
    with pytest.raises(ValueError, match=r"labels\.tsv:3 .*--on_bad_sample=skip"):
        run_main(prepare, *flags)
    run_main(prepare, *flags, "--on_bad_sample=skip")
    assert "1 samples that cannot be read are skipped" in capsys.readouterr().out
    assert "5" not in load_arpa(tmp_path / "out.arpa").tokens


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (b"\n \n", "holds no labels"),
        (b"a\n\xff\n", r"labels\.txt:2: .* is not UTF-8"),
        (b"a\tb\n", "cannot be written"),
    ],
)
def test_unusable_labels_are_refused(tmp_path, lines, reason):
    with pytest.raises(ValueError, match=reason):
        trained(tmp_path, lines)


def test_classes_are_not_texts(tmp_path):
    config = Config(model=ClassifierConfig(), classes=("cat", "dog"))
    with pytest.raises(ValueError, match="this configuration is for classes"):
        train_ngram("text:labels.txt", tmp_path / "out.arpa", config=config)
