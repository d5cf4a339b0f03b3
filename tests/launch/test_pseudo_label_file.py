"""File of pseudo-labels: a resumed run takes the labels that it began with."""

import pytest

from datasets.sources import Folder
from launch.runs.pseudo_label_file import FILE, PseudoLabel, load_labels, write_labels
from tests.launch.pictures import write_folder

LABELS = [PseudoLabel("0.png", "17", 0.987654, 0), PseudoLabel("2.png", "皖 A", 1.0, 2)]


@pytest.fixture
def source(tmp_path):
    return Folder(write_folder(tmp_path / "pictures", "1", "2", "3"))


def test_labels_come_back_as_they_were_written(source, tmp_path):
    write_labels(tmp_path, LABELS)
    assert load_labels(tmp_path, source) == LABELS
    assert (tmp_path / FILE).read_text(encoding="utf-8").splitlines()[1] == "0.png\t17\t0.987654\t0"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text[:-3], "is damaged"),
        (lambda text: text.replace("\t0\n", "\n"), f"{FILE}:2 is damaged"),
        (lambda text: text.replace("\t0\n", "\t1\n"), "0.png is not picture 1 of data.unlabelled any more"),
        (lambda text: text.replace("\t2\n", "\t7\n"), "2.png is not picture 7 of data.unlabelled any more"),
    ],
)
def test_a_changed_file_or_source_is_named(source, tmp_path, change, reason):
    write_labels(tmp_path, LABELS)
    (tmp_path / FILE).write_text(change((tmp_path / FILE).read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(ValueError, match=reason):
        load_labels(tmp_path, source)


def test_a_missing_file_is_named(source, tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"{FILE} does not exist: copy it again"):
        load_labels(tmp_path, source)
