"""Pictures of a folder without labels."""

import pytest

from datasets.sources import Keyed
from datasets.specs import open_source


def test_all_pictures_below_a_folder_are_found_in_order_and_have_no_label(tmp_path):
    for name in ("b.png", "a.JPG", "day 1/c.png", "day 1/night/d.webp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    for name in ("labels.tsv", ".hidden.png", "._b.png"):
        (tmp_path / name).touch()
    source = open_source(f"pictures:{tmp_path}")
    assert isinstance(source, Keyed)
    names = ["a.JPG", "b.png", "day 1/c.png", "day 1/night/d.webp"]
    assert [source.key(index).decode() for index in range(len(source))] == names
    assert [source[index] for index in range(4)] == [(name.encode(), "", str(tmp_path / name)) for name in names]


def test_a_folder_without_pictures_is_named(tmp_path):
    for path, reason in ((tmp_path, "holds no pictures"), (tmp_path / "missing", "does not exist")):
        with pytest.raises(FileNotFoundError, match=f"{path} {reason}"):
            open_source(f"pictures:{path}")
