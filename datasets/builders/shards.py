"""Writer of ArrayRecord shards in one pass, without knowing number and size of the records beforehand.

TFDS's own writer sorts records through TensorFlow files as soon as they exceed 1 GB.
"""

import contextlib
import itertools
import math
from collections.abc import Iterator
from pathlib import Path

import tensorflow_datasets as tfds
from array_record.python.array_record_module import ArrayRecordWriter

SHARD_BYTES = 1 << 28
"""Maximum bytes of a shard, exceeded by at most one record."""
SHARD_RECORDS = 1 << 14
"""Maximum records of a shard. The time to load one record grows with their number in its shard (13 us of a core for
2,000, 600 us for 180,000); MJSynth makes 440 shards, few enough to be open at the same time."""


def write_shards(
    records: Iterator[bytes],
    template: tfds.core.ShardedFileTemplate,
    shard_bytes: int = SHARD_BYTES,
    shard_records: int = SHARD_RECORDS,
) -> tfds.core.SplitInfo:
    """Writes the records of a split in their order.

    Args:
      records: serialized examples.
      template: names of the shards of the split and their folder.
      shard_bytes: bytes at which a shard is closed.
      shard_records: number of records at which a shard is closed.
    """
    parts: list[Path] = []
    lengths: list[int] = []
    size = 0
    for first in records:
        parts.append(Path(template.data_dir, f"{template.split}.part{len(parts)}"))
        of_shard = itertools.islice(itertools.chain([first], records), shard_records)
        length, written = write_shard(parts[-1], of_shard, shard_bytes)
        lengths.append(length)
        size += written
    for index, part in enumerate(parts):
        part.rename(template.sharded_filepath(shard_index=index, num_shards=len(parts)))
    return tfds.core.SplitInfo(
        name=str(template.split), shard_lengths=lengths, num_bytes=size, filename_template=template
    )


def write_shard(path: Path, records: Iterator[bytes], limit: float = math.inf) -> tuple[int, int]:
    """Writes one shard until the records end or reach ``limit`` bytes; returns the number of records and of bytes.

    Raises:
      OSError: the file cannot be written; the message holds that of the operating system.
    """
    length = size = 0
    try:
        # Random access decompresses a whole group, so each record is a group of its own.
        with contextlib.closing(ArrayRecordWriter(str(path), "group_size:1")) as writer:
            for record in records:
                writer.write(record)
                length, size = length + 1, size + len(record)
                if size >= limit:
                    break
    except RuntimeError as error:
        raise OSError(f"{path} cannot be written: {error}") from error
    return length, size
