"""From a source folder to a prepared set and back: streaming, malformed entries, no TensorFlow."""

import gc
import json
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tensorflow_datasets as tfds
from array_record.python.array_record_data_source import ArrayRecordDataSource

from datasets.builders import BUILDERS
from datasets.builders.builder import SHOWN, SKIPPED, SetBuilder
from datasets.builders.entries import AT_ONCE, Entries, Entry, load
from datasets.builders.shards import write_shards
from datasets.sources import BadSampleError


class Squares(SetBuilder):
    """One split for each file of numbers; the picture of a number is its PNG."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = "Make them."
    description, homepage, citation = "Squares.", "https://example.org", "Nobody: Nothing"

    def splits(self, source: Path) -> dict[str, Entries]:
        def parse(file: Path):
            for line in file.read_text().splitlines():
                if line.isdigit():
                    yield Entry(source / f"{line}.png", f"№{line}", line, extra={"words": ["a", line]})
                else:
                    yield BadSampleError(f"{file.name} ({line})", "no number")

        return {file.stem: lambda file=file: parse(file) for file in sorted(source.glob("*.txt"))}

    def extra_features(self) -> dict[str, Any]:
        return {"words": tfds.features.Sequence(tfds.features.Text())}


@pytest.fixture
def source(tmp_path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for number in range(5):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((4, 5 + number, 3), number, np.uint8))
    (folder / "train.txt").write_text("3\n1\n2\n0\n")
    return folder


def build(source: Path, data_dir: Path, on_bad_sample: str = "raise") -> Squares:
    builder = Squares(data_dir=data_dir, file_format="array_record", on_bad_sample=on_bad_sample)
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=source))
    return builder


def test_samples_keep_their_order_their_bytes_and_what_else_is_known(source, tmp_path):
    (source / "test.txt").write_text("4\n")
    builder = build(source, tmp_path / "out")
    info = tfds.builder_from_directory(builder.data_dir).info
    assert {name: split.num_examples for name, split in info.splits.items()} == {"test": 1, "train": 4}
    assert (info.description, info.homepage, info.citation) == ("Squares.", "https://example.org", "Nobody: Nothing")
    open_split: Any = builder.as_data_source
    records = open_split("train", decoders={"image": tfds.decode.SkipDecoding()})
    read = [
        (x["image"], x["text"].decode(), x["origin"].decode(), [word.decode() for word in x["words"]]) for x in records
    ]
    assert read == [((source / f"{n}.png").read_bytes(), f"№{n}", str(n), ["a", str(n)]) for n in (3, 1, 2, 0)]
    decoded = open_split("test")[0]["image"]
    np.testing.assert_array_equal(decoded, np.full((4, 9, 3), 4, np.uint8))
    assert not (Path(builder.data_dir) / SKIPPED).exists()


BAD = ["x", "7", "8", "9", "10"]


def break_some(source: Path) -> None:
    """A malformed line, a picture that is not there, one that is empty, one cut short, and a folder for one."""
    (source / "8.png").touch()
    (source / "9.png").write_bytes((source / "0.png").read_bytes()[:40])
    (source / "10.png").mkdir()
    (source / "train.txt").write_text("\n".join(["0", *BAD, "1"]))


def test_malformed_entries_are_counted_named_and_skipped(source, tmp_path):
    break_some(source)
    builder = build(source, tmp_path / "out", "skip")
    assert builder.skipped == len(builder.problems) == 5
    assert builder.info.splits["train"].num_examples == 2
    lines = (Path(builder.data_dir) / SKIPPED).read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["train.txt (x)", "7", "8", "9", "10"]
    assert [line.split("\t")[1].partition(":")[0].split(" ")[0] for line in lines[:1]] == ["no"]
    assert "cannot be read: No such file" in lines[1]
    assert "cannot be read: Is a directory" in lines[4]


@pytest.mark.parametrize("bad", BAD)
def test_or_the_first_is_raised_and_nothing_is_left_behind(source, tmp_path, bad):
    break_some(source)
    (source / "train.txt").write_text(f"0\n{bad}\n1\n")
    with pytest.raises(BadSampleError, match=bad):
        build(source, tmp_path / "out")
    assert not [path for path in (tmp_path / "out" / "squares").rglob("*") if path.is_file()]
    (source / "train.txt").write_text("0\n1\n")
    assert build(source, tmp_path / "out").info.splits["train"].num_examples == 2


def test_many_problems_are_all_named_in_the_file_but_few_are_kept(source, tmp_path):
    (source / "train.txt").write_text("x\n" * 50 + "0\n")
    builder = build(source, tmp_path / "out", "skip")
    assert builder.skipped == len((Path(builder.data_dir) / SKIPPED).read_text().splitlines()) == 50
    assert len(builder.problems) == SHOWN


@pytest.mark.parametrize(("lines", "reason"), [("", "0 samples can be used$"), ("x\n" * 3, r"3 .* \(train\.txt \(x\)")])
def test_a_split_without_any_good_sample_is_refused(source, tmp_path, lines, reason):
    (source / "train.txt").write_text(lines)
    with pytest.raises(ValueError, match=rf"split train: none of its {reason}"):
        build(source, tmp_path / "out", "skip")


def test_an_unknown_choice_for_malformed_entries_is_refused(tmp_path):
    with pytest.raises(ValueError, match="on_bad_sample='drop': choose raise or skip"):
        Squares(data_dir=tmp_path, on_bad_sample="drop")


def test_an_interrupt_leaves_nothing_behind(source, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("datasets.builders.entries._load", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(source, tmp_path / "out")
    assert not [path for path in (tmp_path / "out" / "squares").rglob("*") if path.is_file()]


def test_an_empty_label_is_malformed(source):
    (bad,) = load(iter([Entry(source / "0.png", "", "here")]))
    assert isinstance(bad, BadSampleError)
    assert str(bad) == "here: the label is empty"


def test_entries_are_drawn_no_further_than_the_threads_need():
    """An endless set can be read: what is loaded is a bounded part of it, whatever was read before."""
    drawn = []

    class Seen(Entry):
        __slots__ = ("__weakref__",)

    def endless():
        while True:
            entry = Seen(Path("nowhere"), "x", str(len(drawn)))
            drawn.append(weakref.ref(entry))
            yield entry
            del entry

    loaded = load(endless())
    for _ in range(3 * AT_ONCE):
        next(loaded)
    assert len(drawn) <= 4 * AT_ONCE
    gc.collect()
    assert sum(reference() is not None for reference in drawn) <= 2 * AT_ONCE


def test_shards_are_closed_at_their_size_and_keep_the_order(tmp_path):
    template = tfds.core.ShardedFileTemplate(
        data_dir=tmp_path, dataset_name="set", split="train", filetype_suffix="array_record"
    )
    records = [bytes([number]) * 100 for number in range(25)]
    split = write_shards(iter(records), template, shard_bytes=1000)
    assert (split.shard_lengths, split.num_bytes) == ([10, 10, 5], 2500)
    names = [f"set-train.array_record-{n:05}-of-00003" for n in range(3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert list(ArrayRecordDataSource([str(tmp_path / name) for name in names])) == records


def test_a_record_above_the_size_has_a_shard_of_its_own(tmp_path):
    template = tfds.core.ShardedFileTemplate(
        data_dir=tmp_path, dataset_name="set", split="train", filetype_suffix="array_record"
    )
    assert write_shards(iter([b"x" * 99, b"y", b"z"]), template, shard_bytes=50).shard_lengths == [1, 2]


@pytest.mark.parametrize(("count", "lengths"), [(0, []), (1, [1]), (3, [3]), (7, [3, 3, 1])])
def test_shards_are_closed_at_their_number_of_records_too(tmp_path, count, lengths):
    template = tfds.core.ShardedFileTemplate(
        data_dir=tmp_path, dataset_name="set", split="train", filetype_suffix="array_record"
    )
    assert write_shards(iter([b"x"] * count), template, shard_records=3).shard_lengths == lengths


def test_every_set_says_what_it_is():
    assert len({builder.name for builder in BUILDERS}) == len(BUILDERS) == 10
    for builder in BUILDERS:
        assert builder.MANUAL_DOWNLOAD_INSTRUCTIONS
        assert builder.description
        assert builder.homepage.startswith("http")


WITHOUT_TENSORFLOW = """
import sys, json

from importlib.machinery import PathFinder
find_spec = PathFinder.find_spec

def find_others(name, *rest):
    return None if name in ("tensorflow", "keras") else find_spec(name, *rest)

PathFinder.find_spec = find_others
import tensorflow_datasets as tfds
from tests.datasets.builders.test_builder import build
from pathlib import Path
builder = build(Path(sys.argv[1]), Path(sys.argv[2]))
source = builder.as_data_source(split="train")
print(json.dumps([len(source), sorted(m for m in sys.modules if m.split(".")[0] in ("tensorflow", "keras"))]))
"""


def test_sets_are_built_and_read_where_tensorflow_cannot_be_imported(source, tmp_path):
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, str(source), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [4, []]
