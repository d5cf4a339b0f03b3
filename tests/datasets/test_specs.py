"""Sources by their text."""

import dataclasses
import sys
from pathlib import Path

import lmdb
import numpy as np
import pytest

from datasets.csv_source import CsvFile
from datasets.mixture import Mixture
from datasets.name_source import NamedPictures
from datasets.sources import Folder, Keyed, RenderedSource
from datasets.specs import FORMS, open_source, parse_settings
from datasets.synthetic.arithmetic import Arithmetic, ArithmeticConfig
from datasets.synthetic.plates import Plates
from datasets.synthetic.stream import StreamConfig


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.png").write_bytes(b"pixels")
    (tmp_path / "labels.tsv").write_text("a.png\t1\n")
    return tmp_path


def test_a_folder_by_its_path(folder):
    source = open_source(f"folder:{folder}")
    assert isinstance(source, Folder)
    assert source[0].label == "1"


@pytest.mark.parametrize("form", ["folder:$PICTURES/{name}", "folder:${{PICTURES}}/{name}"])
def test_environment_variables_are_expanded(folder, monkeypatch, form):
    monkeypatch.setenv("PICTURES", str(folder.parent))
    assert len(open_source(form.format(name=folder.name))) == 1


def test_the_home_folder_is_expanded(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    assert len(open_source(f"folder:~/{folder.name}")) == 1


@pytest.mark.parametrize("form", ["folder:$UNSET_PICTURES/a", "folder:${UNSET_PICTURES}/a"])
def test_a_variable_that_is_not_set_is_named(monkeypatch, form):
    monkeypatch.delenv("UNSET_PICTURES", raising=False)
    with pytest.raises(ValueError, match="set the environment variable UNSET_PICTURES"):
        open_source(form)


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        open_source(f"folder:{tmp_path}/nowhere")


def test_rendered_samples_by_their_settings():
    source = open_source("arithmetic:count=12, seed=7,height=40,clutter=0.5,")
    expected = Arithmetic(ArithmeticConfig(count=12, seed=7, height=40, clutter=0.5))
    assert isinstance(source, Arithmetic)
    assert len(source) == 12
    assert source[3].label == expected[3].label
    np.testing.assert_array_equal(np.asarray(source[3].image), np.asarray(expected[3].image))


def test_rendered_samples_without_settings_are_the_default():
    assert len(open_source("arithmetic")) == len(open_source("arithmetic:")) == ArithmeticConfig().count


def test_a_preflight_need_not_draw_all_rendered_samples():
    assert isinstance(open_source("arithmetic"), RenderedSource)


@pytest.mark.parametrize("spec", ["", "plate", "/data/plates", "folders:x", "C:x"])
def test_what_names_no_source_lists_the_forms(spec):
    with pytest.raises(ValueError, match=rf"data source '{spec}'.*folder:PATH, csv:FILE"):
        open_source(spec)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("colour=1", "setting 'colour' of rendered arithmetic.* count, seed"),
        ("count", "count='' is not a whole number"),
        ("count=many", "count='many' is not a whole number"),
        ("seed=1.5", "seed='1.5' is not a whole number"),
        ("clutter=high", "clutter='high' is not a number"),
        ("count=-1", "-1"),
    ],
)
def test_a_wrong_setting_is_named(settings, reason):
    with pytest.raises(ValueError, match=reason):
        open_source(f"arithmetic:{settings}")


def test_csv_files_names_and_databases_by_their_paths(folder, monkeypatch):
    (folder / "list.csv").write_text("image_path,plate_text\na.png,2\n")
    (folder / "names").mkdir()
    (folder / "names" / "A1_3.png").touch()
    with lmdb.open(str(folder / "set")) as environment, environment.begin(write=True) as transaction:
        for key, value in (("num-samples", "1"), ("image-000000001", "pixels"), ("label-000000001", "3")):
            transaction.put(key.encode(), value.encode())
    monkeypatch.setenv("PICTURES", str(folder))
    for spec, text in (("csv:$PICTURES/list.csv", "2"), ("names:$PICTURES/names", "A1"), ("lmdb:$PICTURES/set", "3")):
        source = open_source(spec)
        assert (len(source), source[0].label) == (1, text)
    assert isinstance(open_source("csv:$PICTURES/list.csv"), CsvFile)
    assert isinstance(open_source("names:$PICTURES/names"), NamedPictures)


@pytest.mark.parametrize("kind", ["folder", "csv", "names", "lmdb"])
def test_a_path_that_is_missing_or_leads_nowhere_is_named(tmp_path, kind):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        open_source(f"{kind}:{tmp_path}/nowhere")
    with pytest.raises(ValueError, match=f"'{kind}:' lacks a path"):
        open_source(f"{kind}:")
    with pytest.raises(ValueError, match=rf"{kind}:\$UNSET_PICTURES/a: set the environment variable UNSET_PICTURES"):
        open_source(f"{kind}:$UNSET_PICTURES/a")


def test_what_to_install_for_a_database_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lmdb", None)
    monkeypatch.delitem(sys.modules, "datasets.lmdb_source", raising=False)
    with pytest.raises(ValueError, match=r"lmdb:.*set needs the package lmdb: pip install lmdb"):
        open_source(f"lmdb:{tmp_path}/set")


def test_sources_are_mixed_by_weight(folder):
    source = open_source(f"0.75*plates:seed=1,count=9 + 0.25*folder:{folder}")
    assert isinstance(source, Mixture)
    assert [type(part) for part in source.sources] == [Plates, Folder]
    assert [len(part) for part in source.sources] == [9, 1]
    assert source.counts == [3, 1]


@pytest.mark.parametrize(
    ("spec", "counts"),
    [
        ("0.5*arithmetic + 0.5*plates", [1, 1]),
        (" 2 * arithmetic:count=5, seed=2  +  1 * plates: ", [2, 1]),
        ("1/3*arithmetic + 1/3*plates + 1/3*plates:seed=2", [1, 1, 1]),
        ("1*arithmetic", [1]),
    ],
)
def test_mixtures_are_written_freely(spec, counts):
    source = open_source(spec)
    assert isinstance(source, Mixture)
    assert source.counts == counts


@pytest.mark.parametrize("name", ["a b", "a,b", "a+b", "a + b", "a * b", "2*b", "a=b", "a + b, c=d + e"])
def test_paths_may_hold_what_mixtures_are_written_with(folder, name):
    (folder / name).mkdir()
    (folder / name / "labels.tsv").write_text("a.png\t7\n")
    (folder / name / "a.png").touch()
    assert open_source(f"folder:{folder}/{name}")[0].label == "7"
    source = open_source(f"0.5*folder:{folder}/{name} + 0.5*arithmetic:count=1")
    assert isinstance(source, Mixture)
    assert source[0].label == "7"
    assert len(open_source(f"0.5*arithmetic:count=1 + 0.5*folder:{folder}/{name}")) == 2


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("0.5*plates + 0.5*plate:seed=1", "part '0.5.plate:seed=1' .* data source 'plate:seed=1'"),
        ("0.5*plates:colour=1 + 0.5*arithmetic", "part '0.5.plates:colour=1' .* setting 'colour'"),
        ("0.5*plates + 0.5*arithmetic:clutter=2", "part '0.5.arithmetic:clutter=2' .* clutter 2"),
        ("0.5*plates + arithmetic:seed=1", "part 'arithmetic:seed=1' .* no weight"),
        ("arithmetic:seed=1 + 0.5*plates", "part 'arithmetic:seed=1' .* no weight"),
        ("half*plates + 0.5*arithmetic", "part 'half.plates' .* weight 'half'"),
        ("0*plates + 1*arithmetic", "part '0.plates' .* weight '0'"),
        ("1*plates + -1*arithmetic", "part '-1.arithmetic' .* weight '-1'"),
        ("1/0*plates + 1*arithmetic", "part '1/0.plates' .* weight '1/0'"),
        ("nan*plates + 1*arithmetic", "part 'nan.plates' .* weight 'nan'"),
        ("*plates + 1*arithmetic", "part '.plates' .* weight ''"),
        ("0.5*plates + 0.5*", "part '0.5.' .* data source ''"),
        ("0.5*plates + 0.5*plates:count=0", "source 1 of the mixture is empty"),
        ("plates + arithmetic", "data source 'plates . arithmetic'"),
    ],
)
def test_a_wrong_part_of_a_mixture_is_named(spec, reason):
    with pytest.raises(ValueError, match=reason):
        open_source(spec)


def test_a_part_whose_folder_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        open_source(f"0.5*plates + 0.5*folder:{tmp_path}/nowhere")


@dataclasses.dataclass
class EveryKind(StreamConfig):
    """One setting of each kind, and one that text cannot give."""

    bold: bool = False
    font: str = "sans"
    sizes: tuple[int, ...] = (1, 2)


def test_settings_are_read_as_their_kind():
    assert parse_settings(EveryKind(), "x:bold=True, font=a b,clutter=0.5,count=3") == EveryKind(
        bold=True, font="a b", clutter=0.5, count=3
    )
    assert parse_settings(EveryKind(bold=True), "x:bold=false, ,").bold is False


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("bold=1", "x:bold=1: bold='1' is not true or false"),
        ("clutter=", "clutter='' is not a number"),
        ("sizes=1", "setting 'sizes' of rendered x; .* count, seed, height, width, clutter, bold, font$"),
    ],
)
def test_a_setting_of_the_wrong_kind_is_named(setting, reason):
    with pytest.raises(ValueError, match=reason):
        parse_settings(EveryKind(), f"x:{setting}")


def test_every_form_that_errors_list_is_known(tmp_path):
    for form in FORMS.split(", or ")[0].split(", "):
        kind, _, rest = form.partition(":")
        if kind in (
            "folder",
            "lmdb",
            "csv",
            "names",
            "pictures",
            "classes",
            "tfds",
            "boxes",
            "yolo",
            "coco",
            "replated",
            "crops",
            "kept",
            "held",
        ):
            inner = rest.rpartition(":")[0] + ":" if ":" in rest and kind not in ("yolo", "tfds") else ""
            with pytest.raises(FileNotFoundError):
                open_source(f"{kind}:{inner}{Path(tmp_path, 'nowhere')}{':train' * (kind == 'tfds')}")
        else:
            assert len(open_source(form)) == 1000


def test_both_parts_of_a_split_can_be_named(tmp_path):
    for index in range(8):
        (tmp_path / f"{index}.png").write_bytes(b"")
    (tmp_path / "labels.tsv").write_text("".join(f"{index}.png\t{index}\n" for index in range(8)))
    kept, held = (open_source(f"{part}:0.25:folder:{tmp_path}") for part in ("kept", "held"))
    assert [len(kept), len(held)] == [6, 2]
    assert sorted(
        source.key(index) for source in (kept, held) if isinstance(source, Keyed) for index in range(len(source))
    ) == [f"{index}.png".encode() for index in range(8)]
    for spec, reason in {
        f"held:folder:{tmp_path}": "write the share",
        f"held:1:folder:{tmp_path}": "above 0 and below 1",
        "held:0.5:plates": "needs stored pictures",
    }.items():
        with pytest.raises(ValueError, match=reason):
            open_source(spec)
