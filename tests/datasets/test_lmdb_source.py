"""LMDB databases as other readers' tools write them."""

import multiprocessing
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lmdb
import pytest

from datasets.holdout import split_holdout
from datasets.lmdb_source import Lmdb
from datasets.sources import BadSampleError, Keyed, RenderedSource

TEXTS = ["皖A12345", "two words", " led", "a\tb\n", ""]


def write(path: Path, values: dict[str, bytes], **settings) -> Path:
    """Writes a database with lmdb alone."""
    with (
        lmdb.open(str(path), map_size=1 << 24, **settings) as environment,
        environment.begin(write=True) as transaction,
    ):
        for key, value in values.items():
            transaction.put(key.encode(), value)
    return path


def entries(texts: list[str]) -> dict[str, bytes]:
    """What create_lmdb_dataset.py of deep-text-recognition-benchmark writes."""
    values = {"num-samples": str(len(texts)).encode()}
    for number, text in enumerate(texts, 1):
        values |= {f"image-{number:09d}": b"pixels %d" % number, f"label-{number:09d}": text.encode()}
    return values


@pytest.fixture
def database(tmp_path) -> Path:
    return write(tmp_path / "set", entries(TEXTS))


def test_samples_are_numbered_from_one_and_texts_are_as_written(database):
    source = Lmdb(database)
    assert len(source) == len(TEXTS)
    assert [source[i] for i in range(len(source))] == [
        (b"pixels %d" % (i + 1), text, f"{database} (image-{i + 1:09d})") for i, text in enumerate(TEXTS)
    ]
    assert not isinstance(source, RenderedSource)
    for index in (-1, len(TEXTS)):
        with pytest.raises(IndexError, match=f"sample {index} of 5"):
            source[index]


def test_a_database_may_be_one_file_and_an_empty_one_holds_nothing(tmp_path):
    assert Lmdb(write(tmp_path / "set.lmdb", entries(["x"]), subdir=False))[0].label == "x"
    assert len(Lmdb(write(tmp_path / "empty", entries([])))) == 0


def test_reading_changes_nothing(database):
    before = {path.name: path.read_bytes() for path in database.iterdir()}
    (database / "lock.mdb").unlink()
    (database / "data.mdb").chmod(0o444)
    assert Lmdb(database)[0].label == TEXTS[0]
    assert {path.name: path.read_bytes() for path in database.iterdir()} == {"data.mdb": before["data.mdb"]}


def test_it_can_be_opened_twice_and_copied_in_one_process_and_read_by_threads(database):
    source, other = Lmdb(database), Lmdb(str(database))
    copy = pickle.loads(pickle.dumps(source))
    assert source[1] == other[1] == copy[1]
    del source, other
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda index: copy[index % len(copy)].label, range(200)))
    assert texts == TEXTS * 40


def test_a_database_written_anew_at_the_same_path_is_read_anew(tmp_path):
    old = Lmdb(write(tmp_path / "set", entries(["old"])))
    shutil.rmtree(tmp_path / "set")
    assert Lmdb(write(tmp_path / "set", entries(["new"])))[0].label == "new"
    assert old[0].label == "old"


def _texts(source: Lmdb) -> list[str]:
    return [source[index].label for index in range(len(source))]


def test_it_travels_to_worker_processes(database):
    source = Lmdb(database)
    assert source[0].label == TEXTS[0]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_texts, (source,)) == TEXTS


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("image-000000002", None, "image-000000002 is missing.* 5"),
        ("label-000000002", None, "label-000000002 is missing"),
        ("label-000000002", "皖A".encode("gbk"), r"label b'\\xcd\\xeeA' is not UTF-8"),
    ],
)
def test_a_malformed_entry_is_named_and_the_others_are_read(tmp_path, key, value, reason):
    values = entries(TEXTS) | {key: value}
    source = Lmdb(write(tmp_path / "set", {key: value for key, value in values.items() if value is not None}))
    with pytest.raises(BadSampleError, match=reason) as caught:
        source[1]
    assert caught.value.origin == f"{tmp_path / 'set'} (image-000000002)"
    assert source[0].label == TEXTS[0]
    assert source[2].label == TEXTS[2]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "is missing"),
        ({"image-000000001": b"x"}, "is missing"),
        ({"num-samples": b"many"}, "is b'many'"),
        ({"num-samples": b"-1"}, "is b'-1'"),
        ({"num-samples": b""}, "is b''"),
    ],
)
def test_a_database_that_does_not_tell_its_number_is_refused(tmp_path, values, reason):
    with pytest.raises(ValueError, match=f"{tmp_path / 'set'} .*num-samples {reason}"):
        Lmdb(write(tmp_path / "set", values))


def test_what_is_not_there_or_no_database_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        Lmdb(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"data\.mdb does not exist"):
        Lmdb(tmp_path)
    for content in (b"", b"text", b"text" * 5000):
        (tmp_path / "data.mdb").write_bytes(content)
        with pytest.raises(ValueError, match=r"data\.mdb is not an LMDB database"):
            Lmdb(tmp_path)


# Touching a page that a mapped file lacks would end the process with a bus error.
@pytest.mark.parametrize("kept", [0.99, 0.5, 0.2])
def test_a_database_that_is_cut_short_is_refused(tmp_path, kept):
    path = write(tmp_path / "set", entries(["text"] * 2000)) / "data.mdb"
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ValueError, match=rf"data\.mdb .* {int(kept * len(content))} bytes of {len(content)}"):
        Lmdb(tmp_path / "set")


def test_samples_can_be_held_out_by_their_keys(tmp_path):
    source = Lmdb(write(tmp_path / "set", entries([f"text {i}" for i in range(50)])))
    assert isinstance(source, Keyed)
    assert source.key(0) == b"image-000000001"
    train, held = split_holdout(source, 0.2)
    assert sorted([*train.indices, *held.indices]) == list(range(50))
    assert len(held) == 10
    assert held[0] == source[held.indices[0]]
