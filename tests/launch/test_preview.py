"""Contact sheets of samples: the same ones each time, with their labels, without those that cannot be read."""

import numpy as np
import pytest

from launch.runs.preview import write_preview
from recog.evaluation.contact_sheet import CELL, PICTURE_CELL
from recog.outlines import COLOUR
from tests.launch.pictures import load, write_boxes, write_folder


def test_a_preview_shows_samples_drawn_by_lot_always_the_same(tmp_path, capsys):
    folder = write_folder(tmp_path / "in", *map(str, range(40)))
    first = write_preview(f"folder:{folder}", tmp_path / "new" / "a.png", count=12)
    second = write_preview(f"folder:{folder}", tmp_path / "b.png", count=12)
    assert capsys.readouterr().out.splitlines()[0] == f"12 of 40 samples of folder:{folder}: {first}"
    assert first.read_bytes() == second.read_bytes()
    assert load(first).shape == (2 * CELL[1], 6 * CELL[0], 3)
    whole = load(write_preview(f"folder:{folder}", tmp_path / "c.png"))
    middles = whole[35 :: CELL[1], CELL[0] // 2 :: CELL[0], 0].ravel()
    assert middles[:40].tolist() == [3 * number for number in range(40)], "all of them, in their order"


def test_chinese_labels_are_written_below_the_pictures(tmp_path):
    captions = []
    for number, text in enumerate("皖京?"):
        sheet = write_preview(f"folder:{write_folder(tmp_path / str(number), text)}", tmp_path / f"{number}.png")
        captions.append(load(sheet)[CELL[1] - 26 :, : CELL[0]])
    assert all((caption < 150).any() for caption in captions)
    assert len({caption.tobytes() for caption in captions}) == 3


def test_a_preview_leaves_out_what_cannot_be_read_and_names_it(tmp_path, capsys):
    folder = write_folder(tmp_path / "in", "1", "broken", "2")
    with (folder / "labels.tsv").open("a") as labels:
        labels.write("no tab\n")
    write_preview(f"folder:{folder}", tmp_path / "a.png")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"left out: {folder}/labels.tsv:2 (1.png): not a picture")
    assert lines[1].startswith(f"left out: {folder}/labels.tsv:4: 'no tab' is not path<TAB>text")
    assert lines[2].startswith("2 of 4 samples of ")


def test_a_preview_of_rendered_samples(tmp_path, capsys):
    write_preview("arithmetic:seed=3", tmp_path / "a.png", count=2)
    assert "2 of 1,000,000 samples of arithmetic:seed=3" in capsys.readouterr().out


def test_a_preview_of_scenes_is_large_and_outlines_the_plates(tmp_path):
    sheet = load(write_preview("scenes:seed=3,height=120,width=160", tmp_path / "a.png", count=7))
    assert sheet.shape == (2 * PICTURE_CELL[1], 6 * PICTURE_CELL[0], 3)
    assert (np.abs(sheet[..., ::-1].astype(int) - COLOUR).sum(axis=2) < 60).any()


def test_a_preview_outlines_boxes_of_any_source(tmp_path):
    sheet = load(write_preview(f"boxes:{write_boxes(tmp_path / 'in')}", tmp_path / "a.png"))
    assert sheet.shape == (PICTURE_CELL[1], 6 * PICTURE_CELL[0], 3)
    near = np.abs(sheet[..., ::-1].astype(int) - COLOUR).sum(axis=2) < 60
    inked = [near[:, place : place + PICTURE_CELL[0]].sum() for place in range(0, 3 * PICTURE_CELL[0], PICTURE_CELL[0])]
    assert inked[0] > inked[1] > inked[2] == 0
    captions = [sheet[-26:, place : place + PICTURE_CELL[0]] for place in range(0, sheet.shape[1], PICTURE_CELL[0])]
    assert len({caption.tobytes() for caption in captions}) == 4, "three captions, and empty cells"


@pytest.mark.parametrize("texts", [(), ("broken", "broken")])
def test_a_preview_of_nothing_is_refused(tmp_path, texts):
    with pytest.raises(ValueError, match="no sample can be shown"):
        write_preview(f"folder:{write_folder(tmp_path / 'in', *texts)}", tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def test_a_preview_is_a_png(tmp_path):
    with pytest.raises(ValueError, match=r"a\.jpg: the contact sheet needs a name that ends in \.png"):
        write_preview("arithmetic", tmp_path / "a.jpg")
