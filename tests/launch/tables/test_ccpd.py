"""The table of CCPD from tiny prepared sets, in all formats."""

import pytest

from launch.tables import ccpd
from launch.tables.printing import CJK
from tests.launch.in_process import run_main
from tests.launch.tables.painted import Word, write_prepared

RIGHT, WRONG, OUTSIDE = Word("123", "123"), Word("123", "124"), Word("123", "皖12")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Rectified plates: base, an empty db; plates as found: base and weather."""
    folder = tmp_path_factory.mktemp("prepared")
    write_prepared(folder, "ccpd/rectified", {"base": [RIGHT, RIGHT, WRONG], "db": []})
    write_prepared(folder, "ccpd/box", {"base": [RIGHT, WRONG], "db": [RIGHT], "tilt": [RIGHT, OUTSIDE]})
    return folder


def unpublished(monkeypatch):
    """Leaves one published row, so that tables are short."""
    monkeypatch.setattr(ccpd, "CCPD", ccpd.CCPD[:1])
    monkeypatch.setattr(ccpd, "CCPD_NOTES", ())


MARKDOWN = """**CCPD: accuracy in per cent by split**

| reader | plates | base | db |
| --- | --- | --- | --- |
| 车_牌 | rectified | 66.67 | – |
| 车_牌 | not rectified | 50.00 | 100.00 |
| SSD512+HC (CCPD 2019) | found | – | 34.47 |

- ccpd/rectified holds no samples in split db
- –: not measured, or not confirmed in the publication; --published=FILE adds figures
"""
CSV = """reader,plates,base,db
车_牌,rectified,66.67,
车_牌,not rectified,50.00,100.00
SSD512+HC (CCPD 2019),found,,34.47
"""
LATEX = rf"""% CCPD: accuracy in per cent by split
% ccpd/rectified holds no samples in split db
% –: not measured, or not confirmed in the publication; --published=FILE adds figures
{CJK}
\begin{{tabular}}{{lrrr}}
  \toprule
  reader & plates & base & db \\
  \midrule
  车\_牌 & rectified & 66.67 & -- \\
  车\_牌 & not rectified & 50.00 & 100.00 \\
  SSD512+HC (CCPD 2019) & found & -- & 34.47 \\
  \bottomrule
\end{{tabular}}
"""


@pytest.mark.parametrize(("form", "text"), [("markdown", MARKDOWN), ("csv", CSV), ("latex", LATEX)])
def test_formats(form, text, data_dir, green_reader, monkeypatch, capsys):
    unpublished(monkeypatch)
    flags = [f"--artifact=车_牌={green_reader}", f"--data_dir={data_dir}", "--splits=base,db", f"--format={form}"]
    run_main(ccpd, *flags)
    assert capsys.readouterr().out == text


def test_a_missing_set_and_one_split_only(green_reader, tmp_path, monkeypatch, capsys):
    unpublished(monkeypatch)
    write_prepared(tmp_path, "ccpd/box", {"base": [RIGHT]})
    run_main(ccpd, f"--artifact=a={green_reader}", f"--data_dir={tmp_path}", f"--out={tmp_path}/table.md")
    assert capsys.readouterr().out == ""
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[4:6] == [
        "| a | not rectified | 100.00 | – | – | – | – | – | – | – | – | – |",
        "| SSD512+HC (CCPD 2019) | found | – | 34.47 | 25.83 | 45.24 | 52.82 | 52.04 | – | 44.62 | 43.42 | – |",
    ]
    assert lines[7].startswith(f"- ccpd/rectified is not in {tmp_path}. Unpack CCPD2019.tar.xz")
    assert lines[7].endswith(f"`python -m launch.prepare --dataset=ccpd/rectified --source=DIR --data_dir={tmp_path}`")
    assert lines[8] == "- ccpd/box has no splits db, blur, fn, rotate, tilt, weather, challenge, test, green_test"


def test_samples_that_are_left_out_are_told(data_dir, green_reader, capsys):
    flags = [f"--artifact=a={green_reader}", f"--data_dir={data_dir}", "--splits=tilt"]
    with pytest.raises(ValueError, match="皖"):
        run_main(ccpd, *flags)
    run_main(ccpd, *flags, "--on_bad_sample=skip")
    text = capsys.readouterr().out
    assert "| a | not rectified | 100.00 |\n" in text
    assert "- a on ccpd/box tilt: 1 of 2 samples are left out\n" in text


def test_without_readers_the_published_figures_and_missing_sets_are_shown(data_dir, tmp_path, capsys):
    run_main(ccpd, f"--data_dir={tmp_path}", "--splits=db", "--format=csv")
    printed = capsys.readouterr()
    assert printed.out.splitlines()[:2] == ["reader,plates,db", "SSD512+HC (CCPD 2019),found,34.47"]
    for form in ("rectified", "box"):
        assert f"ccpd/{form} is not in {tmp_path}." in printed.err
    run_main(ccpd, f"--data_dir={data_dir}", "--splits=base", "--format=csv")
    printed = capsys.readouterr()
    assert printed.out.splitlines()[1] == "SSD512+HC (CCPD 2019),found,"
    assert "not in" not in printed.err


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--splits=base,snow", "unknown split 'snow'; expected some of base, db"),
        ("--splits=", "--splits names no split; expected some of base, db"),
        ("--out=/", "--out=/ is a folder: name a file in it"),
    ],
)
def test_flags_are_checked_before_anything_is_measured(flag, message):
    with pytest.raises(ValueError, match=message):
        run_main(ccpd, flag)
