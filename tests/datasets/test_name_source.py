"""Labels in file names."""

import os
import pickle
import sys
import unicodedata

import pytest

from datasets.holdout import split_holdout
from datasets.name_source import NamedPictures
from datasets.sources import BadSampleError, Keyed, RenderedSource


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("皖A12345_3.jpg", "皖A12345"),
        ("皖A12345.jpg", "皖A12345"),
        ("a_b_12.PNG", "a_b"),
        ("two words_1.jpeg", "two words"),
        ("$1.50_7.webp", "$1.50"),
        ("1.50.bmp", "1.50"),
        (unicodedata.normalize("NFD", "Café_1.tif"), "Café"),
    ],
)
def test_the_text_stands_before_the_last_underscore_or_is_the_whole_name(tmp_path, name, text):
    (tmp_path / name).write_bytes(b"pixels")
    source = NamedPictures(tmp_path)
    assert [source[i] for i in range(len(source))] == [(b"pixels", text, str(tmp_path / name))]


def test_pictures_are_sorted_and_other_files_are_passed_over(tmp_path):
    others = ("labels.tsv", "Thumbs.db", ".c_1.png", "._b_1.png", ".DS_Store", "README")
    for name in ("b_1.png", "a_2.jpg", "a_10.jpg", *others):
        (tmp_path / name).touch()
    for folder in ("folder", "__MACOSX"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "d_1.png").touch()
    source = NamedPictures(str(tmp_path))
    assert [source.key(i) for i in range(len(source))] == [b"a_10.jpg", b"a_2.jpg", b"b_1.png"]
    assert not isinstance(source, RenderedSource)
    assert pickle.loads(pickle.dumps(source))[2] == source[2]


def test_what_cannot_be_used_is_named_and_the_others_are_read(tmp_path):
    (tmp_path / "_1.jpg").touch()
    (tmp_path / "a_1.jpg").mkdir()
    (tmp_path / "b_1.jpg").touch()
    (tmp_path / "c_1.jpg").symlink_to("nowhere")
    source, problems = NamedPictures(tmp_path), []
    for index in (0, 1, 3):
        with pytest.raises(BadSampleError) as caught:
            source[index]
        problems.append((caught.value.origin, caught.value.reason.split(":")[0]))
    assert source[2].label == "b"
    assert problems == [
        (f"{tmp_path}/_1.jpg", "the file name holds no label"),
        (f"{tmp_path}/a_1.jpg", "cannot be read"),
        (f"{tmp_path}/c_1.jpg", "cannot be read"),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep names in Unicode")
def test_a_name_in_another_encoding_is_named(tmp_path):
    with open(os.fsencode(tmp_path) + b"/" + "皖A_1.jpg".encode("gbk"), "wb"):  # noqa: PTH123  # pathlib has no bytes
        pass
    source = NamedPictures(tmp_path)
    with pytest.raises(BadSampleError, match="file name is not UTF-8") as caught:
        source[0]
    assert caught.value.origin == f"{tmp_path}/\\udccd\\udceeA_1.jpg"
    assert source.key(0) == "皖A_1.jpg".encode("gbk")


def test_folders_without_pictures_are_refused(tmp_path):
    (tmp_path / "a.txt").touch()
    with pytest.raises(FileNotFoundError, match=rf"{tmp_path} .*'\.png'"):
        NamedPictures(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        NamedPictures(tmp_path / "nowhere")


def test_pictures_of_one_plate_are_held_out_together(tmp_path):
    for plate in range(20):
        for number in range(1 + plate % 3):
            (tmp_path / f"A{plate:05}_{number}.jpg").touch()
    source = NamedPictures(tmp_path)
    assert isinstance(source, Keyed)
    for by in ("", "(.*)_"):
        plates = [{source.key(i)[:6] for i in part.indices} for part in split_holdout(source, 0.25, by)]
        assert [len(part) for part in plates] == [15, 5]
        assert not plates[0] & plates[1]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep names in Unicode")
def test_a_pattern_that_matches_no_name_shows_one(tmp_path):
    with open(os.fsencode(tmp_path) + b"/" + "皖A_1.jpg".encode("gbk"), "wb"):  # noqa: PTH123  # pathlib has no bytes
        pass
    with pytest.raises(ValueError, match=r"matches none of 1 keys, such as '\\\\xcd\\\\xeeA_1\.jpg'"):
        split_holdout(NamedPictures(tmp_path), 0.5, "zzz")
