"""IIIT5K's structure arrays, written by SciPy as MATLAB writes them."""

import numpy as np
import pytest
import scipy.io

from datasets.builders.entries import Entry
from datasets.builders.iiit5k import Iiit5k, parse_mat
from datasets.sources import BadSampleError


def write_mat(path, samples):
    """A 1xN structure array with strings and 1xM cell arrays of strings."""
    fields = ("ImgName", "GroundTruth", "smallLexi", "mediumLexi")
    array = np.zeros((1, len(samples)), [(field, object) for field in fields])
    for column, (name, text, small, medium) in enumerate(samples):
        array[0, column] = (name, text, cells(small), cells(medium))
    scipy.io.savemat(path, {path.stem: array})


def cells(words):
    array = np.empty((1, len(words)), object)
    array[0] = words
    return array


SMALL = [f"WORD{number}" for number in range(49)] + ["YOU"]
MEDIUM = [f"LONGER{number}" for number in range(999)] + ["YOU"]


@pytest.mark.parametrize("file", ["traindata.mat", "testdata.mat"])
def test_words_come_with_both_lexicons(tmp_path, file):
    write_mat(
        tmp_path / file, [("test/2_1.png", "YOU", SMALL, MEDIUM), ("test/2_2.png", "2012", ["2012"], ["2012", "A"])]
    )
    first, second = parse_mat(tmp_path, file)
    extra = {"lexicon_50": SMALL, "lexicon_1k": MEDIUM}
    assert first == Entry(tmp_path / "test/2_1.png", "YOU", f"{file}:1 (test/2_1.png)", extra=extra)
    assert isinstance(second, Entry)
    assert (second.text, second.extra["lexicon_1k"]) == ("2012", ["2012", "A"])


def test_a_record_without_a_word_is_named_and_the_others_are_read(tmp_path):
    samples = [("a.png", np.zeros((0, 0)), SMALL, MEDIUM), ("b.png", "YOU", SMALL, MEDIUM)]
    write_mat(tmp_path / "testdata.mat", samples)
    bad, good = parse_mat(tmp_path, "testdata.mat")
    assert isinstance(bad, BadSampleError)
    assert bad.origin == "testdata.mat:1"
    assert isinstance(good, Entry)


@pytest.mark.parametrize("content", [b"", b"no MATLAB file at all, but long enough to hold a header " * 9])
def test_what_is_no_matlab_file_says_so(tmp_path, content):
    (tmp_path / "testdata.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"testdata\.mat is not a MATLAB file"):
        list(parse_mat(tmp_path, "testdata.mat"))


@pytest.mark.parametrize("kept", [1, 21, 100, 128, 133, 200, 0.5, 0.99])
def test_a_file_that_is_cut_short_says_so(tmp_path, kept):
    path = tmp_path / "testdata.mat"
    write_mat(path, [("test/2_1.png", "YOU", SMALL, MEDIUM)])
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    with pytest.raises(ValueError, match=r"testdata\.mat is not a MATLAB file"):
        list(parse_mat(tmp_path, "testdata.mat"))


def test_another_matlab_file_is_refused(tmp_path):
    scipy.io.savemat(tmp_path / "testdata.mat", {"trainCharBound": np.zeros(3)})
    with pytest.raises(ValueError, match="with testdata"):
        list(parse_mat(tmp_path, "testdata.mat"))


def test_splits(tmp_path):
    (tmp_path / "IIIT5K").mkdir()
    for file in ("traindata.mat", "testdata.mat"):
        write_mat(tmp_path / "IIIT5K" / file, [("a.png", "A", ["A"], ["A"])])
    builder = Iiit5k(data_dir=tmp_path / "out")
    for source in (tmp_path, tmp_path / "IIIT5K"):
        assert list(builder.splits(source)) == ["train", "test"]
    with pytest.raises(FileNotFoundError, match=r"none of traindata\.mat, testdata\.mat"):
        builder.splits(tmp_path / "nowhere")
