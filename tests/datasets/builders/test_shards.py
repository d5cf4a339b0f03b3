"""Shards that cannot be written are errors of the operating system, as for any other file."""

import pytest

from datasets.builders.shards import write_shard


def test_a_shard_that_cannot_be_written_names_its_file(tmp_path):
    file = tmp_path / "missing" / "shard"
    with pytest.raises(OSError, match=rf"{file} cannot be written: .*No such file"):
        write_shard(file, iter([b"record"]))
