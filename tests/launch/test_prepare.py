"""The prepare command: published sets become sources that can be trained on, and sources are shown and reported."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.builders import BUILDERS
from datasets.pipeline import DataConfig
from datasets.report import make_report
from datasets.sources import Folder, Sample
from datasets.synthetic.scenes import OUTLINE
from datasets.tfds_source import Tfds
from launch.prepare import SCENE_CELL, choose, make_builder, prepare, preview
from launch.runs.data import check
from launch.runs.data_page import LONGEST, report, spelt, write_report_page
from launch.runs.tasks import make_task
from recog.evaluation.contact_sheet import CELL

REPOSITORY = Path(__file__).parents[2]
PLATE = "025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg"


@pytest.fixture
def prices(tmp_path) -> Path:
    folder = tmp_path / "prices"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((24, 70, 3), 80 * number, np.uint8))
    (folder / "train.txt").write_text("0.png 1.50\n1.png 20\n")
    (folder / "test.txt").write_text("2.png 7.99\n")
    return folder


def run(*flags: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "launch.prepare", *flags]
    return subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY)


def test_a_set_is_prepared_and_read(prices, tmp_path, capsys):
    folder = prepare("price_tags", prices, tmp_path / "out")
    assert folder == tmp_path / "out" / "price_tags" / "1.0.0"
    out = capsys.readouterr().out
    assert out.startswith(f"{folder}, ")
    assert "  train: 2 samples\n  test: 1 samples\n" in out
    source = Tfds(tmp_path / "out" / "price_tags", "train")
    assert [(sample.image, sample.label) for sample in source] == [
        ((prices / "0.png").read_bytes(), "1.50"),
        ((prices / "1.png").read_bytes(), "20"),
    ]


def test_what_is_there_is_not_made_again(prices, tmp_path, capsys):
    first = prepare("price_tags", prices, tmp_path / "out")
    (prices / "train.txt").write_text("0.png 9\n")
    assert prepare("price_tags", prices, tmp_path / "out") == first
    assert "is there already: remove it to prepare it anew" in capsys.readouterr().out
    assert len(Tfds(first, "train")) == 2


def test_malformed_entries(prices, tmp_path, capsys):
    (prices / "train.txt").write_text("0.png 1.50\n1.png free\n9.png 3\n")
    with pytest.raises(ValueError, match=r"train\.txt:2 \(1\.png\): 'free'.*\n.*--on_bad_sample=skip"):
        prepare("price_tags", prices, tmp_path / "out")
    folder = prepare("price_tags", prices, tmp_path / "out", "skip")
    out = capsys.readouterr().out
    assert f"2 malformed entries were left out, all named in {folder}/skipped.tsv:" in out
    assert "  train.txt:2 (1.png): 'free'" in out
    assert "..." not in out
    assert len(Tfds(folder, "train")) == 1


def test_both_configurations_of_plates_stand_side_by_side(tmp_path):
    picture = tmp_path / "ccpd" / "ccpd_rotate" / PLATE
    picture.parent.mkdir(parents=True)
    cv2.imwrite(str(picture), np.zeros((600, 500, 3), np.uint8))
    folders = {name: prepare(name, tmp_path / "ccpd", tmp_path / "out") for name in ("ccpd", "ccpd/box")}
    assert [folder.parent.name for folder in folders.values()] == ["rectified", "box"]
    for folder in folders.values():
        (sample,) = Tfds(folder, "rotate")
        assert sample.label == "皖AY339S"
    with pytest.raises(ValueError, match="holds several sets"):
        Tfds(tmp_path / "out" / "ccpd", "rotate")


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_folder_without_the_files_says_which_are_needed(builder, tmp_path):
    source = tmp_path / "source"
    with pytest.raises(FileNotFoundError, match="is no folder with files") as caught:
        prepare(builder.name, source, tmp_path / "out")
    assert builder.MANUAL_DOWNLOAD_INSTRUCTIONS in str(caught.value)
    source.mkdir()
    (source / "something.else").touch()
    with pytest.raises(FileNotFoundError) as caught:
        prepare(builder.name, source, tmp_path / "out")
    assert builder.MANUAL_DOWNLOAD_INSTRUCTIONS in str(caught.value)
    assert not list((tmp_path / "out" / builder.name).rglob("*1.0.0*"))


@pytest.mark.parametrize("name", ["imagenet", "ccpd/round", "svt/box", ""])
def test_an_unknown_set_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"choose one of synth90k, .*ccpd/rectified, ccpd/box, .*primus/agnostic"):
        make_builder(name, tmp_path, "raise")


def test_the_command(prices, tmp_path):
    done = run("--dataset=price_tags", f"--source={prices}", f"--data_dir={tmp_path / 'out'}")
    assert done.returncode == 0, done.stderr
    assert "train: 2 samples" in done.stdout
    assert "ownload" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "error: say what to do, one of --dataset=synth90k|"),
        (["--dataset=svt"], "error: --dataset needs --source=DIR and --data_dir=DIR"),
        (["--dataset=nothing", "--source=/", "--data_dir=out"], "error: --dataset='nothing': choose one of"),
        (["--report"], "error: --report needs --data=SAMPLES"),
    ],
)
def test_flags_that_do_not_do_are_explained_in_a_sentence(flags, message):
    done = run(*flags)
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr


class Texts:
    """A source of labels; every picture is a small gray one."""

    def __init__(self, *texts: str):
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.full((8, 8, 3), 128, np.uint8), self.texts[index], self.origin(index))

    def origin(self, index: int) -> str:
        return f"text {index}"


def write_folder(folder: Path, *texts: str) -> Path:
    """Pictures ``0.png``, ``1.png``... of different grays; a text of ``broken`` is that of a file that is none."""
    folder.mkdir()
    for number, text in enumerate(texts):
        picture = cv2.imencode(".png", np.full((20, 60, 3), 3 * number, np.uint8))[1].tobytes()
        (folder / f"{number}.png").write_bytes(b"" if text == "broken" else picture)
    lines = [f"{number}.png\t{text}\n" for number, text in enumerate(texts)]
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    return folder


def read(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path))
    assert picture is not None
    return picture


def test_a_preview_shows_samples_drawn_by_lot_always_the_same(tmp_path, capsys):
    folder = write_folder(tmp_path / "in", *map(str, range(40)))
    first = preview(f"folder:{folder}", tmp_path / "new" / "a.png", count=12)
    second = preview(f"folder:{folder}", tmp_path / "b.png", count=12)
    assert capsys.readouterr().out.splitlines()[0] == f"12 of 40 samples of folder:{folder}: {first}"
    assert first.read_bytes() == second.read_bytes()
    assert read(first).shape == (2 * CELL[1], 6 * CELL[0], 3)
    whole = read(preview(f"folder:{folder}", tmp_path / "c.png"))
    middles = whole[35 :: CELL[1], CELL[0] // 2 :: CELL[0], 0].ravel()
    assert middles[:40].tolist() == [3 * number for number in range(40)], "all of them, in their order"


def test_chinese_labels_are_written_below_the_pictures(tmp_path):
    captions = []
    for number, text in enumerate("皖京?"):
        sheet = preview(f"folder:{write_folder(tmp_path / str(number), text)}", tmp_path / f"{number}.png")
        captions.append(read(sheet)[CELL[1] - 26 :, : CELL[0]])
    assert all((caption < 150).any() for caption in captions)
    assert len({caption.tobytes() for caption in captions}) == 3


def test_a_preview_leaves_out_what_cannot_be_read_and_names_it(tmp_path, capsys):
    folder = write_folder(tmp_path / "in", "1", "broken", "2")
    with (folder / "labels.tsv").open("a") as labels:
        labels.write("no tab\n")
    preview(f"folder:{folder}", tmp_path / "a.png")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"left out: {folder}/labels.tsv:2 (1.png): not a picture")
    assert lines[1].startswith(f"left out: {folder}/labels.tsv:4: 'no tab' is not path<TAB>text")
    assert lines[2].startswith("2 of 4 samples of ")


def test_a_preview_of_rendered_samples(tmp_path, capsys):
    preview("arithmetic:seed=3", tmp_path / "a.png", count=2)
    assert "2 of 1,000,000 samples of arithmetic:seed=3" in capsys.readouterr().out


def test_a_preview_of_scenes_is_large_and_outlines_the_plates(tmp_path):
    sheet = read(preview("scenes:seed=3,height=120,width=160", tmp_path / "a.png", count=7))
    assert sheet.shape == (2 * SCENE_CELL[1], 6 * SCENE_CELL[0], 3)
    assert (np.abs(sheet[..., ::-1].astype(int) - OUTLINE).sum(axis=2) < 60).any()


@pytest.mark.parametrize("texts", [(), ("broken", "broken")])
def test_a_preview_of_nothing_is_refused(tmp_path, texts):
    with pytest.raises(ValueError, match="no sample that can be shown"):
        preview(f"folder:{write_folder(tmp_path / 'in', *texts)}", tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def test_a_preview_is_a_png(tmp_path):
    with pytest.raises(ValueError, match=r"a\.jpg: give the contact sheet a name that ends in \.png"):
        preview("arithmetic", tmp_path / "a.jpg")


def test_a_report_is_written_and_summed_up(tmp_path, capsys):
    folder = write_folder(tmp_path / "in", "皖A1", "broken", "京")
    (folder / "2.png").write_bytes((folder / "0.png").read_bytes())
    found = report(f"folder:{folder}", tmp_path / "a" / "b", height=40)
    document = json.loads((tmp_path / "a" / "b" / "report.json").read_text(encoding="utf-8"))
    assert document["data"] == f"folder:{folder}"
    assert document["widths"] == {"120": 2}
    assert document == {"data": f"folder:{folder}", **json.loads(json.dumps(found.to_json()))}
    assert read(tmp_path / "a" / "b" / "report.png").shape[1] > 1000
    out = capsys.readouterr().out
    assert out.splitlines()[:3] == [
        f"folder:{folder}:",
        "  3 of 3 samples looked at, 2 can be used",
        "  unreadable: 1",
    ]
    assert (found.duplicates.same_pixels, found.duplicates.same_file, found.duplicates.other_label) == (1, 1, 2)
    assert found.duplicates.summary() in out
    assert out.endswith(f"{tmp_path}/a/b/report.json, {tmp_path}/a/b/report.png\n")


def test_a_report_for_a_model_finds_what_its_preflight_refuses(tmp_path, config):
    folder = write_folder(tmp_path / "in", "12", "1x", "12345", "1234", "broken", "")
    assert report(f"folder:{folder}", tmp_path / "out", config=config).problems["too_wide"] == 5
    config.data.buckets, config.data.on_bad_sample = (96,), "skip"
    found = report(f"folder:{folder}", tmp_path / "out", config=config)
    checked = check(Folder(folder), config, make_task(config), "samples").checked
    assert found.usable == len(checked.indices) == 2
    assert {named.origin for n in found.examples.values() for named in n} == {p.origin for p in checked.problems}
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


def test_a_height_beside_a_configuration_is_refused(tmp_path, config):
    with pytest.raises(ValueError, match="--height and --config both tell a height"):
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
    ],
    ids=["no readable sample", "empty label", "one", "mathematics", "many", "no glyphs", "long"],
)
def test_a_page_of_any_texts_needs_no_font(tmp_path, texts):
    source = Texts(*texts) if texts else Folder(write_folder(tmp_path / "in", "broken"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_report_page(tmp_path / "a.png", "folder:数据/$x_1$", make_report(source, DataConfig(height=8)))
    assert read(tmp_path / "a.png").shape[1] > 1000


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


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"dataset", "source", "data_dir", "on_bad_sample"}, "dataset"),
        ({"preview", "out", "count"}, "preview"),
        ({"report", "data", "out", "count", "config"}, "report"),
        ({"report"}, "report"),
    ],
)
def test_one_thing_is_asked_for(given, asked):
    assert choose(given) == asked


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (set(), r"--preview=SAMPLES and --report --data=SAMPLES$"),
        ({"out", "data"}, r"--report --data=SAMPLES$"),
        ({"dataset", "report"}, r"SAMPLES, not --dataset and --report$"),
        ({"dataset", "preview", "report"}, r"not --dataset and --preview and --report$"),
        ({"preview", "source"}, "--source goes with --dataset, not with --preview"),
        ({"preview", "config"}, "--config goes with --report, not with --preview"),
        ({"dataset", "height"}, "--height goes with --report, not with --dataset"),
    ],
)
def test_no_thing_or_several_or_flags_of_another_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        choose(given)


def test_the_commands_that_look(tmp_path):
    folder = write_folder(tmp_path / "in", "皖A12345", "京A1234")
    done = run(f"--preview=folder:{folder}", f"--out={tmp_path / 'sheet.png'}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"2 of 2 samples of folder:{folder}: {tmp_path / 'sheet.png'}\n")
    configuration = ["--config=launch/configs/lprnet.py", "--config.data.max_label_length=6"]
    done = run("--report", f"--data=folder:{folder}", f"--out={tmp_path / 'out'}", *configuration)
    assert done.returncode == 0, done.stderr
    assert "  2 of 2 samples looked at, 1 can be used\n  label too long: 1\n" in done.stdout
