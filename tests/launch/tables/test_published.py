"""Published figures: that each has a column, and those of users' files."""

import pytest

from launch.ablation.tables import DASH
from launch.tables import ccpd, music_table4, words
from launch.tables.published import CCPD, CRNN_TABLE2, MUSIC_TABLE4, Published, published_lines

TITLES = ["reader", "plates", "base", "db"]
ROWS = [Published(("A", "found"), {"db": "34.47"}), Published(("B", "车牌")), Published(("D", DASH))]


def test_every_figure_has_a_column():
    assert [*CRNN_TABLE2.figures] == [column.title for column in words.COLUMNS]
    assert all([*row.figures] == [*music_table4.PRIMUS, "real"] for row in MUSIC_TABLE4)
    assert all(set(row.figures) <= set(ccpd.SPLITS) for row in CCPD)
    assert all(len(row.labels) == 2 for row in CCPD)


def test_figures_that_are_not_confirmed_are_dashes():
    assert published_lines(TITLES, ROWS, "") == [
        ["A", "found", DASH, "34.47"],
        ["B", "车牌", DASH, DASH],
        ["D", *[DASH] * 3],
    ]


def test_a_file_adds_and_replaces_figures(tmp_path):
    file = tmp_path / "figures.csv"
    file.write_text("plates,reader,db\n车牌,B,99.1\nfound,A,\nnew,C,5\n\n,,\n,D,7\n", encoding="utf-8-sig")
    lines = published_lines(TITLES, ROWS, str(file))
    assert lines == [
        ["A", "found", DASH, "34.47"],
        ["B", "车牌", DASH, "99.1"],
        ["D", DASH, DASH, "7"],
        ["C", "new", DASH, "5"],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reader,plates,weather\n", "unknown column 'weather'; expected some of reader, plates, base, db"),
        ("reader,db\nA,3\n", "lacks the column 'plates'"),
        ("reader,plates,db\nA,found\n", "line 2: expected 3 cells"),
        ("reader,plates,db\nA,found,1\nA,found,1,2\n", "line 3: expected 3 cells"),
        ("", "lacks the column 'reader'"),
        ("reader,plates,db,db\nA,found,1,2\n", "has the column 'db' twice"),
        ('reader,plates,db\n"A,found,1\n', "is not a CSV file in UTF-8: unexpected end of data"),
        ("reader,plates,db\n\udce9,found,1\n", "is not a CSV file in UTF-8: .*0xe9"),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    file = tmp_path / "figures.csv"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ValueError, match=rf"--published={file}.*{message}"):
        published_lines(TITLES, ROWS, str(file))


def test_a_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match=r"--published=no\.csv: no such file"):
        published_lines(TITLES, ROWS, "no.csv")
