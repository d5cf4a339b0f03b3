"""Pictures sorted by class."""

import os
import pickle
import sys
import unicodedata

import pytest

from datasets.class_source import ClassPictures
from datasets.sources import BadSampleError, Folder, Keyed, RenderedSource


def touch(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"pixels")
    return folder


def labels(source):
    return {source.key(i).decode(): source[i].label for i in range(len(source))}


def test_the_label_is_the_first_folder_at_any_depth(tmp_path):
    source = ClassPictures(touch(tmp_path, "cat/0.jpg", "cat/a/b/9.PNG", "dog/cat.1.webp", "big dog/x_1.jpeg"))
    assert labels(source) == {
        "big dog/x_1.jpeg": "big dog",
        "cat/0.jpg": "cat",
        "cat/a/b/9.PNG": "cat",
        "dog/cat.1.webp": "dog",
    }
    assert source[1] == (b"pixels", "cat", str(tmp_path / "cat/0.jpg"))
    assert isinstance(source, Keyed)
    assert not isinstance(source, RenderedSource)
    assert pickle.loads(pickle.dumps(source))[2] == source[2]


def test_the_label_of_a_file_outside_of_folders_stands_before_its_number(tmp_path):
    source = ClassPictures(touch(tmp_path, "cat.0.jpg", "dog.12499.jpg", "St. Bernard.3.png", "pug/1.jpg"))
    assert labels(source) == {
        "St. Bernard.3.png": "St. Bernard",
        "cat.0.jpg": "cat",
        "dog.12499.jpg": "dog",
        "pug/1.jpg": "pug",
    }


def test_numbers_are_sorted_by_their_value(tmp_path):
    source = ClassPictures(touch(tmp_path, "cat.10.jpg", "cat.9.jpg", "dog.1.jpg", "ant/10/2.jpg", "ant/9/03.jpg"))
    assert list(labels(source)) == ["ant/9/03.jpg", "ant/10/2.jpg", "cat.9.jpg", "cat.10.jpg", "dog.1.jpg"]


def test_hidden_and_other_files_are_passed_over(tmp_path):
    hidden = (".git/1.jpg", "cat/._1.jpg", "cat/.cache/1.jpg", "__MACOSX/1.jpg", "cat/__MACOSX/1.jpg", ".cat.1.jpg")
    source = ClassPictures(touch(tmp_path, "cat/1.jpg", "cat/Thumbs.db", "readme.txt", *hidden))
    assert list(labels(source)) == ["cat/1.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_the_folder_of_a_class_may_be_a_link(tmp_path):
    touch(tmp_path, "elsewhere/1.jpg", "set/dog/1.jpg")
    (tmp_path / "set" / "cat").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "round").symlink_to(tmp_path / "elsewhere")
    assert labels(ClassPictures(tmp_path / "set")) == {"cat/1.jpg": "cat", "dog/1.jpg": "dog"}


def test_accents_are_composed(tmp_path):
    source = ClassPictures(touch(tmp_path, unicodedata.normalize("NFD", "Café/1.jpg")))
    assert source[0].label == "Café"


def test_files_that_cannot_be_used_are_named_and_the_others_are_read(tmp_path):
    touch(tmp_path, "7.jpg", "cat/1.jpg")
    (tmp_path / "cat" / "2.jpg").symlink_to("nowhere")
    source, reasons = ClassPictures(tmp_path), {}
    for index in range(len(source)):
        try:
            source[index]
        except BadSampleError as error:
            reasons[error.origin] = error.reason
    assert list(reasons) == [str(tmp_path / "7.jpg"), str(tmp_path / "cat/2.jpg")]
    assert "CLASS.NUMBER.SUFFIX" in reasons[str(tmp_path / "7.jpg")]
    assert "cannot be read" in reasons[str(tmp_path / "cat/2.jpg")]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep names in Unicode")
def test_a_name_in_another_encoding_is_named(tmp_path):
    (tmp_path / "cat").mkdir()
    with open(os.fsencode(tmp_path) + b"/cat/" + "皖A.jpg".encode("gbk"), "wb"):  # noqa: PTH123  # pathlib has no bytes
        pass
    source = ClassPictures(tmp_path)
    with pytest.raises(BadSampleError, match="not UTF-8"):
        source[0]
    assert source.key(0) == b"cat/" + "皖A.jpg".encode("gbk")


def test_folders_of_another_kind_are_refused_with_the_mend(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        ClassPictures(tmp_path / "nowhere")
    touch(
        tmp_path, "empty/a.txt", "lines/labels.tsv", "lines/images/1.jpg", "set/train/cat/1.jpg", "set/train/dog/1.jpg"
    )
    touch(tmp_path, "set/test1/1.jpg")
    with pytest.raises(FileNotFoundError, match="holds no pictures"):
        ClassPictures(tmp_path / "empty")
    with pytest.raises(ValueError, match=rf"folder:{tmp_path}/lines"):
        ClassPictures(tmp_path / "lines")
    with pytest.raises(ValueError, match=rf"test1, train .*classes:{tmp_path}/set/train"):
        ClassPictures(tmp_path / "set")


@pytest.mark.parametrize(
    ("files", "mend"),
    [
        (["cat/1.jpg", "dog/a/1.jpg"], ""),
        (["cat.0.jpg", "dog.0.jpg"], ""),
        (["train/cat.0.jpg", "test1/1.jpg"], "/train"),
        (["Val/cat/0.jpg", "Val/dog/1.jpg"], "/Val"),
        (["images/1.jpg"], None),
        (["1.jpg", "2.5.jpg"], None),
        (["cat/a.txt", "dog/a.txt"], None),
    ],
)
def test_a_folder_without_labels_is_recognised_as_classes(tmp_path, files, mend):
    touch(tmp_path, *files)
    with pytest.raises(FileNotFoundError) as caught:
        Folder(tmp_path)
    message = str(caught.value)
    assert "labels.tsv does not exist" in message
    assert message.endswith(f"read as classes:{tmp_path}{mend}") if mend is not None else "classes:" not in message
