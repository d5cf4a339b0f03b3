"""Elements of a report's page: texts are escaped, tables are files, figures follow the theme."""

import csv
import html
import re
from collections import Counter

import numpy as np
import pytest

from launch.runs.reporting.characters import finding
from launch.runs.reporting.comparing import MOST, shown_of
from launch.runs.reporting.figures import ACCENT, INK, draw
from launch.runs.reporting.markup import Column, Html, Table, percent, plural, table, tag, text, visible
from launch.runs.reporting.pictures import compared, heat_map, over, picture
from launch.runs.reporting.rates import Rate, rates_section
from launch.runs.reporting.section import Section
from launch.runs.reporting.writing import write_parts, write_table
from recog.evaluation.alignment import AlignedCounts


def test_text_is_escaped_and_markup_is_not():
    assert tag("p", "a<b", tag("i", "&"), class_="x", hidden=True, title=None) == (
        '<p class="x" hidden>a&lt;b<i>&amp;</i></p>'
    )
    assert tag("img", alt='"><script>') == '<img alt="&quot;&gt;&lt;script&gt;">'
    assert text("שלום") == "<bdi>שלום</bdi>"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1, "100.0"), (0.99999, "99.9"), (0.0001, "<0.1"), (0, "0.0"), (0.5, "50.0"), (0.0012, "0.1")],
)
def test_shares_are_not_rounded_to_all_or_none(value, shown):
    assert percent(value) == f"{shown}\N{NO-BREAK SPACE}%"


def test_white_space_is_named():
    assert [visible(token) for token in (" ", "\N{IDEOGRAPHIC SPACE}", "\t", "a b", "")] == [
        "space",
        "ideographic space",
        r"'\t'",
        "a b",
        "",
    ]


def test_numbers_have_their_nouns():
    assert [plural(1, "picture"), plural(1000, "picture")] == ["1 picture", "1,000 pictures"]


def test_a_table_shows_the_first_rows_and_its_file_has_all(tmp_path):
    columns = [Column("name"), Column("share", percent, True), Column("examples", pictures=True)]
    content = Table(columns, [["a,<b>", 0.25, tag("img", alt="")], ["c", None, Html("")], ["d", 1.0, Html("")]])
    shown = table(content, most=2)
    assert "a,&lt;b&gt;" in shown
    assert 'data-value="0.25">25.0' in shown
    assert "1 more rows are in the CSV file" in shown
    write_table(tmp_path / "x.csv", content)
    with (tmp_path / "x.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [["name", "share"], ["a,<b>", "0.25"], ["c", ""], ["d", "1.0"]]


def test_rates_of_parts_are_over_their_samples():
    rate = Rate("cer", "CER", "", np.array([1.0, 0, 2]), np.array([4.0, 4, 2]))
    assert rate.of().value == pytest.approx(3 / 10)
    assert rate.of(np.array([0, 2])).value == pytest.approx(3 / 6)
    assert rate.of(groups=["x", "x", "x"])[1:] == pytest.approx((3 / 10, 3 / 10))


def test_figures_take_the_colours_of_the_page():
    def paint(canvas):
        canvas.axes[0].plot([0, 1], [0, 1], color=ACCENT)
        canvas.name_bars(canvas.axes[0], ["京", "B"])

    drawing = draw("a line", paint)
    assert drawing.svg.startswith("<svg")
    assert "var(--accent)" in drawing.svg
    assert not re.search(f"{ACCENT}|{INK}|#000000|font-family|<text[^>]*font: ", drawing.svg)
    assert "京" in drawing.svg
    assert 'width="' not in drawing.svg[: drawing.svg.index(">")]
    assert draw("a line", paint) == drawing
    assert drawing.png.startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["$a$b$", r"$\frac$", "_hidden", "x" * 200, '<i>"'])
def test_figures_show_any_name(name):
    def paint(canvas):
        canvas.axes[0].plot([0, 1], [0, 1], label=canvas.named(name, "0.5"))
        canvas.axes[0].legend()
        canvas.name_bars(canvas.axes[0], [name], turned=True)

    drawing = draw("names", paint)
    texts = [html.unescape(found) for found in re.findall(r"<text[^>]*>([^<]*)</text>", drawing.svg)]
    shown = name if len(name) < 20 else name[:15] + "…"
    assert {shown, f"{shown}, 0.5"} <= {each.lstrip("\N{ZERO WIDTH SPACE}") for each in texts}


def test_rates_without_spread_have_no_interval():
    rate = Rate("accuracy", "read exactly", "", np.ones(5), np.ones(5))
    section = rates_section([rate], {"split": {"a": np.arange(2), "b": np.arange(2, 5)}}, None, {})
    assert "no spread" in section.body
    assert "up to 45.1" in section.body  # 1 - 0.05 ** (1 / 5)
    assert section.data["by_split"]["b"] == {"count": 3, "accuracy": 1, "low": None, "high": None}


@pytest.mark.parametrize(("count", "warned"), [(20, True), (60, False)])
def test_intervals_of_few_pictures_or_groups_have_a_warning(count, warned):
    rate = Rate("accuracy", "read exactly", "", np.arange(60) % 2.0, np.ones(60))
    section = rates_section([rate], {}, [place % count for place in range(60)], {})
    assert (f"With only {count} of them" in section.body) == warned


def test_parts_of_an_earlier_report_are_removed(tmp_path):
    rows = Table([Column("a")], [[1]])
    (tmp_path / "mine.csv").touch()
    write_parts(tmp_path, {}, [Section("x", "X", Html(""), {}, {"old": rows, "kept": rows}, {"old": b"png"})])
    assert {path.name for path in tmp_path.iterdir()} == {"mine.csv", "report.json", "old.csv", "kept.csv", "old.png"}
    write_parts(tmp_path, {}, [Section("x", "X", Html(""), {}, {"kept": rows})])
    assert {path.name for path in tmp_path.iterdir()} == {"mine.csv", "report.json", "kept.csv"}


def test_differences_are_marked_on_each_side():
    pairs = [("1", "1"), ("B", "8"), ("<", None)]
    assert compared(pairs, 0) == "<bdi>1<mark>B</mark><mark>&lt;</mark></bdi>"
    assert compared(pairs, 1) == "<bdi>1<mark>8</mark><mark>␣</mark></bdi>"


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ({("8", "8"): 9}, ["Every character is read right."]),
        ({("8", None): 2}, []),
        ({("8", "<"): 1}, ["The only mistake: 8 is read as <."]),
        ({("8", "B"): 1, ("1", "7"): 1}, ["100\N{NO-BREAK SPACE}% of the 2 mistakes", "none more than once"]),
        ({("8", "B"): 1, ("1", "7"): 2, ("0", None): 1}, ["75\N{NO-BREAK SPACE}%", "1 is read as 7 (2 times)"]),
    ],
)
def test_the_commonest_mistake_is_said_only_where_there_is_one(pairs, says):
    found = [html.unescape(re.sub("<[^>]*>", "", sentence)) for sentence in finding(AlignedCounts(Counter(pairs)))]
    assert len(found) == bool(says)
    assert all(part in found[0] for part in says)
    assert ("most often" in "".join(found)) == any("times" in part for part in says)


def test_bars_claim_no_more_classes_than_they_show():
    assert shown_of(MOST).startswith("every")
    assert f"the {MOST} " in shown_of(MOST + 1)
    assert f"of {MOST + 1}" in shown_of(MOST + 1)


def test_a_heat_map_has_the_classes_that_matter_in_the_order_of_the_picture():
    heat = np.zeros((4, 30))
    heat[0, 7], heat[2, 3], heat[[1, 3], 0], heat[2, 4] = 1, 0.9, 1, 0.01
    names = ["", *(f"t{place}" for place in range(1, 30))]
    assert re.findall(r"<text[^>]*>([^<]*)</text>", heat_map(heat, names)) == [
        "t7",
        "t3",
        "blank",
        "4 steps from left to right",
    ]


def test_maps_are_hot_where_they_are_high():
    gray = np.full((4, 6, 1), 100, np.uint8)
    heat = np.zeros((4, 6))
    heat[1, 2] = 1
    shown = over(gray, heat).astype(int)
    assert shown.shape == (4, 6, 3)
    assert shown[1, 2, 0] > 200 > 60 > shown[1, 2, 2]
    assert (np.delete(shown.reshape(-1, 3), 6 + 2, axis=0) == 100).all()


def test_large_pictures_are_scaled_down():
    assert 'width="100" height="50"' in picture(np.zeros((200, 400, 3), np.uint8), "dark", 100)
