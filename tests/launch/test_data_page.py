"""The report on a source: its JSON file, its summary and its page, for any labels and for a model's needs."""

import json
import warnings

import numpy as np
import pytest

from datasets.box_report import make_box_report
from datasets.boxes_source import Boxes
from datasets.pipeline import DataConfig
from datasets.report import Report, make_report
from datasets.sources import Folder
from launch.runs.box_page import write_box_page
from launch.runs.data import check, needs
from launch.runs.data_page import LONGEST, report, spelt, write_report_page
from launch.runs.page_text import LINES
from launch.runs.tasks import make_task
from recog.preprocess import Preprocess
from tests.launch.pictures import Texts, load, write_boxes, write_folder


def test_a_report_is_written_and_summed_up(tmp_path, capsys):
    folder = write_folder(tmp_path / "in", "皖A1", "broken", "京")
    (folder / "2.png").write_bytes((folder / "0.png").read_bytes())
    found = report(f"folder:{folder}", tmp_path / "a" / "b", height=40)
    document = json.loads((tmp_path / "a" / "b" / "report.json").read_text(encoding="utf-8"))
    assert document["data"] == f"folder:{folder}"
    assert document["widths"] == {"120": 2}
    assert document == {"data": f"folder:{folder}", **json.loads(json.dumps(found.to_json()))}
    assert load(tmp_path / "a" / "b" / "report.png").shape[1] > 1000
    out = capsys.readouterr().out
    title, total, unreadable = out.splitlines()[:3]
    assert (title, total) == (f"folder:{folder}:", "  3 of 3 samples looked at, 2 can be used")
    assert unreadable.startswith(f"  unreadable: 1, such as {folder}/labels.tsv:2 (1.png): not a picture")
    assert "1 repeat an earlier picture, 1 of them byte for byte; 2 share a picture that has several labels" in out
    assert f"\n{tmp_path}/a/b/report.json, {tmp_path}/a/b/report.png\n" in out
    alphabet = tmp_path / "a" / "b" / "alphabet.txt"
    assert out.endswith(f"{alphabet}: 4 tokens, to train with --config.alphabet.file={alphabet}\n")
    assert alphabet.read_text(encoding="utf-8") == "1\nA\n京\n皖\n"


def test_a_report_for_a_model_finds_what_its_preflight_refuses(tmp_path, config):
    folder = write_folder(tmp_path / "in", "12", "1x", "12345", "1234", "broken", "")
    assert report(f"folder:{folder}", tmp_path / "out", config=config).problems["too_wide"] == 5
    config.data.buckets, config.data.on_bad_sample = (96,), "skip"
    found = report(f"folder:{folder}", tmp_path / "out", config=config)
    assert isinstance(found, Report)
    asked = needs(config.data, make_task(config))
    checked = check(Folder(folder), asked, "skip", "samples").checked
    assert found.usable == len(checked.indices) == 2
    named = {named.origin for kind in found.problems for named in found.examples.get(kind, [])}
    assert named == {problem.origin for problem in checked.problems}
    assert {kind: count for kind, count in found.problems.items() if count} == {
        "unreadable": 1,
        "empty_label": 1,
        "label_too_long": 1,
        "out_of_alphabet": 1,
    }
    assert found.outside == ("x",)
    assert found.unseen == tuple("06789")


def test_names_that_are_no_utf8_are_reported(tmp_path, monkeypatch):
    monkeypatch.setattr("launch.runs.data_page.open_source", lambda spec: Texts("a\udcff", "b"))
    report("names:x", tmp_path)
    document = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert document["tokens"] == {"a": 1, "b": 1, "\udcff": 1}


def test_a_report_of_boxes_leaves_out_what_is_about_text(tmp_path, capsys):
    spec, out = f"boxes:{write_boxes(tmp_path / 'in')}", tmp_path / "out"
    out.mkdir()
    (out / "alphabet.txt").write_text("of an earlier report")
    found = report(spec, out)
    assert json.loads((out / "report.json").read_text(encoding="utf-8")) == {
        "data": spec,
        **json.loads(json.dumps(found.to_json())),
    }
    assert load(out / "report.png").shape[1] > 1000
    assert sorted(path.name for path in out.iterdir()) == ["report.json", "report.png"]
    lines = capsys.readouterr().out
    assert "\n  3 boxes in 3 pictures, 1.00 a picture" in lines
    assert "tokens" not in lines
    with pytest.raises(ValueError, match="--height sets the height of lines of text"):
        report(spec, out, height=40)


def test_a_page_without_a_readable_box(tmp_path):
    (tmp_path / "boxes.tsv").write_text("0.png\t\t1,2\n")
    source = Boxes(tmp_path)
    write_box_page(tmp_path / "report.png", "nothing", make_box_report(source, Preprocess(height=32)))
    assert load(tmp_path / "report.png").shape[1] > 1000


@pytest.mark.parametrize("place", [(0.5, 0.5, 0.2, 0.1, 2.4), (0.5, 0.5, 1.5, 1.5, 120)], ids=["inside", "beyond"])
def test_a_page_of_boxes_that_differ_by_rounding_alone(tmp_path, place):
    places = np.array([place, place], np.float32)
    places[1] = np.nextafter(places[1], np.float32(1e9))
    found = make_box_report(Boxes(write_boxes(tmp_path / "in")), Preprocess(height=32))._replace(places=places)
    write_box_page(tmp_path / "report.png", "equal", found)
    assert load(tmp_path / "report.png").shape[1] > 1000


def test_a_height_beside_a_configuration_is_refused(tmp_path, config):
    with pytest.raises(ValueError, match="--height and --config both set a height"):
        report("arithmetic", tmp_path, height=32, config=config)


CJK = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))


@pytest.mark.parametrize(
    "texts",
    [
        (),
        ("",),
        ("1",),
        ("皖A12345", "$x_1$^ \\frac{", "京"),
        (CJK, CJK[:50]),
        ("😀\t\x00\u0915\ue000\udcff \u3000",),
        ("x" * 100_000,),
        (" 皖" * 200, "А" * 50, "A\u0301", "“A”", "京\u200bA", "Ａ–-"),
    ],
    ids=["no readable sample", "empty label", "one", "mathematics", "many", "no glyphs", "long", "remarks"],
)
def test_a_page_of_any_texts_needs_no_font(tmp_path, texts):
    source = Texts(*texts) if texts else Folder(write_folder(tmp_path / "in", "broken"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_report_page(tmp_path / "a.png", "folder:数据/$x_1$", make_report(source, DataConfig(height=8)))
    assert load(tmp_path / "a.png").shape[1] > 1000


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("皖", "皖"),
        ("?", "?"),
        (" ", "space"),
        ("\t", "U+0009"),
        ("😀", "U+1F600"),
        ("\udcff", "U+DCFF"),
        ("clef-G2", "clef-G2"),
        ("note-C4_sixteenth", "note-C4_six…"),
    ],
)
def test_tokens_are_spelt_so_that_they_can_be_drawn(token, shown):
    assert spelt(token) == shown
    assert len(shown) <= LONGEST


def test_a_page_grows_with_its_findings_and_cuts_each(tmp_path):
    heights = []
    for texts in (("A",), (" 12", '"1"', "А"), (f" {'1' * 10_000}", f'"{"1" * 10_000}"', "А")):
        write_report_page(tmp_path / "a.png", "x", make_report(Texts("A", *texts), DataConfig(height=8)))
        heights.append(load(tmp_path / "a.png").shape[0])
    assert heights[0] < heights[1] <= heights[2] < heights[1] + 2 * LINES * 20
