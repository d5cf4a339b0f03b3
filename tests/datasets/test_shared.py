"""Worker processes share an object's arrays, and see the object as it is."""

import gc
import multiprocessing
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from datasets.plan import BatchPlan
from datasets.shared import Shared
from datasets.sources import Folder, Subset

COUNT = 400_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    lines = (f"images/{index:07}.jpg\t{index * 2654435761 % 10**7}\n" for index in range(COUNT))
    (folder / "labels.tsv").write_text("".join(lines))
    return folder


def own_memory() -> int:
    """Bytes of this process's memory that belong to no file."""
    fields = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in fields if line.startswith("Anonymous:"))


def look(shared, places: list[int], connection) -> None:
    connection.send(([shared[place] for place in places], len(shared), own_memory()))


def in_a_process(shared, places: list[int]):
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=look, args=(shared, places, theirs))
    process.start()
    try:
        assert ours.poll(120)
        return ours.recv()
    finally:
        process.join()


def test_another_process_sees_the_same():
    plan = BatchPlan(np.arange(1000), np.arange(1000) % 3, (32, 64, 96), batch_size=7, seed=5)
    places = [0, 3, 150, 400]
    found, count, _ = in_a_process(Shared(plan), places)
    assert count == len(plan)
    for (width, indices), place in zip(found, places, strict=True):
        assert width == plan[place].width
        np.testing.assert_array_equal(indices, plan[place].indices)


class Keys:
    """Keys of a source as a sequence: what a process can send back."""

    def __init__(self, source: Subset):
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> bytes:
        return self.source.key(index)


def test_texts_and_indices_are_not_copied(folder):
    source = Subset(Folder(folder), np.arange(COUNT)[::-1])
    assert len(pickle.dumps(Shared(Keys(source)))) < 1000
    size, places = len(pickle.dumps(source)), list(range(0, COUNT, 97))
    (found, count, shared), (*_, copied) = (in_a_process(keys, places) for keys in (Shared(Keys(source)), Keys(source)))
    assert count == COUNT
    assert found == [source.key(place) for place in places]
    assert shared < copied - 0.8 * size


def test_the_memory_is_free_when_nothing_uses_it():
    def open_memory() -> int:
        entries = [entry for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
        return sum("memfd:recog" in str(entry.readlink()) for entry in entries)

    gc.collect()
    before, shared = open_memory(), Shared(np.arange(1000))
    copies = [pickle.loads(pickle.dumps(shared)) for _ in range(2)]
    assert open_memory() == before + 3
    del shared
    gc.collect()
    assert open_memory() == before + 2
    assert [copy[999] for copy in copies] == [999, 999]
    with pytest.raises(ValueError, match="read-only"):
        copies[0][:][0] = 1
    del copies
    gc.collect()
    assert open_memory() == before


def test_functions_are_called():
    assert pickle.loads(pickle.dumps(Shared(int)))("12") == 12


def test_systems_without_anonymous_memory_copy(monkeypatch):
    monkeypatch.delattr(os, "memfd_create")
    assert pickle.loads(pickle.dumps(Shared([1, 2])))[1] == 2
