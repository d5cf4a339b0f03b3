"""ARPA files of several tools load, damaged ones are refused with the line, and what is saved loads again."""

import gzip
import math

import numpy as np
import pytest

from recog.ctc.arpa import ArpaError, load_arpa, save_arpa
from recog.ctc.kneser_ney import train

LMPLZ = """\\data\\
ngram 1=5
ngram 2=4
ngram 3=2

\\1-grams:
-1.5\t<unk>\t0
0\t<s>\t-0.25
-0.75\t</s>\t0
-0.5\ta\t-0.125
-0.625\t<space>\t-0.0625

\\2-grams:
-0.375\t<s> a\t-0.2
-0.4\ta <space>\t-0.1
-0.45\t<space> a\t0
-0.3\ta </s>\t0

\\3-grams:
-0.2\t<s> a <space>
-0.15\ta <space> a

\\end\\
"""
SRILM = """made by a tool

\\data\\
ngram  1=5
ngram  2 = 4
ngram 3=2

\\1-grams:
-0.75 </s>
-99 <s> -0.25
-inf <UNK>
-0.5 a -0.125
-0.625 <space> -0.0625

\\2-grams:
-0.45 <space> a
-0.375 <s> a -0.2
-0.3 a </s>
-0.4 a <space> -0.1

\\3-grams:
-0.15 a <space> a
-0.2 <s> a <space>

\\end\\
and more text
"""


def write(tmp_path, content: str | bytes):
    path = tmp_path / "model.arpa"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("text", [LMPLZ, SRILM])
def test_files_of_several_tools_say_the_same(tmp_path, text, mark, end):
    model = load_arpa(write(tmp_path, mark + text.replace("\n", end).encode()))
    assert (model.order, model.counts) == (3, (5, 4, 2))
    assert set(model.tokens) == {"<unk>", "<s>", "</s>", "a", " "}
    # <s> a, then "<s> a <space>", then "a <space> a"; "<space> a </s>": back-off 0 of "<space> a", then "a </s>"
    assert model.score("a a") == pytest.approx(-0.375 - 0.2 - 0.15 - 0.3)
    # "a a" backs off from "<s> a" and from "a"; "a a a" from "a" alone, because the model lacks "a a"
    assert model.score("aaa") == pytest.approx(-0.375 + (-0.2 - 0.125 - 0.5) + (-0.125 - 0.5) - 0.3)


def test_compressed_files_load(tmp_path):
    assert load_arpa(write(tmp_path, gzip.compress(LMPLZ.encode()))).counts == (5, 4, 2)


def test_probabilities_of_zero_are_finite(tmp_path):
    assert load_arpa(write(tmp_path, SRILM)).score("x", begin=False, end=False) == -99


def test_models_without_unknown_tokens_get_one_as_in_kenlm(tmp_path):
    text = LMPLZ.replace("-1.5\t<unk>\t0\n", "").replace("ngram 1=5", "ngram 1=4")
    assert load_arpa(write(tmp_path, text)).score("x", begin=False, end=False) == -100


def test_orders_without_n_grams_are_left_out(tmp_path):
    text = LMPLZ.replace("ngram 3=2", "ngram 3=2\nngram 4=0").replace("\\end\\", "\\4-grams:\n\n\\end\\")
    assert load_arpa(write(tmp_path, text)).order == 3
    assert load_arpa(write(tmp_path, text.replace("\\4-grams:\n", ""))).order == 3


def test_saved_models_load_again(tmp_path):
    texts = ["to be", "or not", "to be", "京A1", "bebe bob"]
    model = train(texts, 3)
    save_arpa(model, tmp_path / "model.arpa")
    loaded = load_arpa(tmp_path / "model.arpa")
    assert (loaded.tokens, loaded.counts) == (model.tokens, model.counts)
    assert loaded.scores(["to not", "x", "", *texts]) == pytest.approx(model.scores(["to not", "x", "", *texts]))


def test_tokens_of_several_characters_are_saved(tmp_path):
    model = train([["C4", "D#4"], ["C4"]], 2)
    save_arpa(model, tmp_path / "model.arpa")
    assert load_arpa(tmp_path / "model.arpa").score(["C4", "D#4"]) == pytest.approx(model.score(["C4", "D#4"]))


def test_kenlm_loads_saved_models_and_scores_alike(tmp_path):
    ctc_beam_decoder = pytest.importorskip("ctc_beam_decoder")
    model = train(["tobe", "ornot", "tobe", "be"], 3)
    save_arpa(model, tmp_path / "model.arpa")
    classes = ["", " ", *"benort"]
    decoder = ctc_beam_decoder.build_ctcdecoder(  # of words, which are characters here
        classes, str(tmp_path / "model.arpa"), list("benort"), alpha=1.0, beta=0.0, unk_score_offset=0.0
    )
    for text in ["tobe", "torn", "b", "eee"]:
        path = [classes.index(token) for character in text for token in (character, "", " ", "")][:-2]
        logits = np.where(np.eye(len(classes))[path] > 0, 0.0, -40.0).astype(np.float32)
        _, _, _, alone, together = decoder.decode_beams(logits, beam_width=20)[0]
        assert together - alone == pytest.approx(math.log(10) * model.score(text), abs=1e-3)


@pytest.mark.parametrize("token", ["\t", "two words", "<space>"])
def test_tokens_that_cannot_be_written_are_named(tmp_path, token):
    with pytest.raises(ValueError, match="cannot be written"):
        save_arpa(train([[token]], 1), tmp_path / "model.arpa")
    assert not (tmp_path / "model.arpa").exists()


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("\\end\\", "", 24, "cut short"),
        ("-0.15\ta <space> a\n\n\\end\\\n", "", 21, "cut short"),
        (" <space> a\n\n\\end\\\n", "", 21, "cut short"),
        ("ngram 2=4", "ngram 2=5", 19, r"2-grams end here and are 4, \\data\\ says 5"),
        ("ngram 2=4\n", "", 3, "the number of 2-grams is expected"),
        ("-0.5\ta", "-o.5\ta", 10, "'-o.5' is not a number"),
        ("-0.5\ta", "nan\ta", 10, "'nan' is not a number"),
        ("a\t-0.125", "a\tb\t-0.125", 10, "has 4 fields: a 1-gram"),
        ("-0.4\ta <space>\t-0.1", "-0.4\ta", 15, "has 2 fields: a 2-gram"),
        ("-0.375\t<s>", "0.375\t<s>", 14, "probability above 1"),
        ("<s> a\t", "<s> b\t", 14, "'b' is not among the 1-grams"),
        ("-0.45\t<space> a", "-0.45\ta <space>", 16, "listed twice"),
        ("-0.625\t<space>", "-0.625\ta", 11, "'a' is listed twice"),
        ("-0.15\ta <space> a", "-0.15\t<s> <space> a", 21, "context '<s>  ' is not among the n-grams"),
        ("\\2-grams:", "\\3-grams:", 13, r"\\2-grams: is expected"),
        ("\n\\end\\", "\\4-grams:\n-1 a a a a\n\\end\\", 22, r"\\end\\ is expected"),
    ],
)
def test_damaged_files_are_refused_with_the_line(tmp_path, old, new, line, reason):
    assert old in LMPLZ
    path = write(tmp_path, LMPLZ.replace(old, new))
    with pytest.raises(ArpaError, match=reason) as caught:
        load_arpa(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_files_of_other_kinds_are_refused(tmp_path):
    for content, reason in [
        (b"", r"no line \\data\\"),
        (b"one\ntwo\n", r"no line \\data\\"),
        (b"mmap lm http://kheafield.com/code format version 5\n\0", "binary file of KenLM"),
        (gzip.compress(LMPLZ.encode())[:40], "not a whole gzip file"),
        (LMPLZ.encode().replace(b"\ta\t", b"\t\xff\t"), r"model\.arpa:10: b'\\xff' is not UTF-8"),
        (b"\\data\\\n\\end\\\n", "announces no 1-grams"),
    ]:
        with pytest.raises(ArpaError, match=reason):
            load_arpa(write(tmp_path, content))


def test_back_offs_may_be_above_one(tmp_path):
    model = load_arpa(write(tmp_path, LMPLZ.replace("a\t-0.125", "a\t0.125")))
    assert math.isclose(model.score("a", begin=False), -0.5 - 0.3)
    assert math.isclose(model.score("aa", begin=False, end=False), -0.5 + 0.125 - 0.5)
