"""Sources by their text."""

import numpy as np
import pytest

from datasets.sources import Folder, RenderedSource
from datasets.specs import open_source
from datasets.synthetic.arithmetic import Arithmetic, ArithmeticConfig


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.png").write_bytes(b"pixels")
    (tmp_path / "labels.tsv").write_text("a.png\t1\n")
    return tmp_path


def test_a_folder_by_its_path(folder):
    source = open_source(f"folder:{folder}")
    assert isinstance(source, Folder)
    assert source[0].text == "1"


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
    assert source[3].text == expected[3].text
    np.testing.assert_array_equal(np.asarray(source[3].image), np.asarray(expected[3].image))


def test_rendered_samples_without_settings_are_the_default():
    assert len(open_source("arithmetic")) == len(open_source("arithmetic:")) == ArithmeticConfig().count


def test_a_preflight_need_not_draw_all_rendered_samples():
    assert isinstance(open_source("arithmetic"), RenderedSource)


@pytest.mark.parametrize("spec", ["", "plate", "/data/plates", "folders:x", "C:x"])
def test_what_names_no_source_lists_the_forms(spec):
    with pytest.raises(ValueError, match=r"names no source of samples: use one of folder:PATH, arithmetic:"):
        open_source(spec)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("colour=1", "'colour' is no setting of rendered arithmetic: there are count, seed"),
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
