"""Lists of prices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.builders.entries import Entry
from datasets.builders.price_tags import PriceTags, parse_prices
from datasets.sources import BadSampleError


@pytest.mark.parametrize(
    ("line", "path", "text"),
    [
        ("images/0007.jpg 12.90", "images/0007.jpg", "12.90"),
        ("images/0007.jpg\t12.90\r", "images/0007.jpg", "12.90"),
        ("two words.jpg   5", "two words.jpg", "5"),
        ("a.jpg .99", "a.jpg", ".99"),
        ("a.jpg 7.", "a.jpg", "7."),
    ],
)
def test_a_line_is_a_path_and_a_price(tmp_path, line, path, text):
    (tmp_path / "train.txt").write_bytes(f"\ufeff{line}\n\n".encode())
    assert list(parse_prices(tmp_path, "train.txt")) == [Entry(tmp_path / path, text, f"train.txt:1 ({path})")]


@given(st.integers(0, 10**9), st.integers(0, 3))
def test_every_price_comes_back(tmp_path_factory, units, decimals):
    root = tmp_path_factory.mktemp("prices")
    price = f"{units / 10**decimals:.{decimals}f}"
    (root / "labels.txt").write_text(f"a.jpg\t{price}\n")
    (entry,) = parse_prices(root, "labels.txt")
    assert isinstance(entry, Entry)
    assert entry.text == price


@pytest.mark.parametrize("text", ["12,90", "1.2.3", ".", "$5", "五", "٣"])
def test_what_is_no_price_is_named(tmp_path, text):
    (tmp_path / "train.txt").write_text(f"a.jpg {text}\nb.jpg 1\n", encoding="utf-8")
    bad, good = parse_prices(tmp_path, "train.txt")
    assert isinstance(bad, BadSampleError)
    assert bad.origin == "train.txt:1 (a.jpg)"
    assert repr(text) in bad.reason
    assert isinstance(good, Entry)


def test_a_line_without_a_price_is_named(tmp_path):
    (tmp_path / "train.txt").write_text("a.jpg\n")
    (bad,) = parse_prices(tmp_path, "train.txt")
    assert isinstance(bad, BadSampleError)
    assert bad.origin == "train.txt:1"
    assert "'a.jpg'" in bad.reason


def test_splits(tmp_path):
    builder = PriceTags(data_dir=tmp_path / "out")
    with pytest.raises(FileNotFoundError, match=r"train\.txt, validation\.txt, test\.txt, labels\.txt"):
        builder.splits(tmp_path)
    (tmp_path / "labels.txt").touch()
    assert list(builder.splits(tmp_path)) == ["train"]
    for name in ("test", "validation"):
        (tmp_path / f"{name}.txt").touch()
    assert list(builder.splits(tmp_path)) == ["validation", "test"]
