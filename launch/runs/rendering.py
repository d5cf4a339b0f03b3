"""Rendered samples stored as a prepared set, by ``launch.prepare --render``."""

import os
import sys
import time
from pathlib import Path

from tqdm import tqdm

from datasets.builders.render import RenderedSet
from datasets.builders.rendering import Rendering
from launch.runs.lock import try_lock
from recog.cli.disk import full_disk_named


def store_rendering(
    spec: str,
    count: int,
    data_dir: str | Path,
    *,
    workers: int | None = None,
    name: str | None = None,
    jpeg_quality: int | None = None,
) -> Path:
    """Renders samples into a prepared set, or goes on with one that was begun, and prints how to use it.

    Args:
      spec: a renderer and its settings, or a mixture of renderers.
      count: number of samples.
      data_dir: folder above all prepared sets.
      workers: number of processes; None takes the number of cores that this process may use.
      name: name of the set; None takes that of the renderers.
      jpeg_quality: 1 to 100; None stores PNG, without loss.

    Returns:
      The folder of the prepared set.

    Raises:
      ValueError: the source is not rendered, or the folder holds something else or is in use.
      DiskFullError: the disk is full.
      OSError: the folder cannot be written.
    """
    rendered = RenderedSet(Rendering(spec, count, jpeg_quality), data_dir, name)
    with full_disk_named([rendered.folder], "the shards that are written"):
        rendered.claim()
        lock = try_lock(rendered.folder)
        if lock is None:
            raise ValueError(f"{rendered.folder} is in use: another process renders into it. Wait until it ends")
        with lock:
            if rendered.complete:
                print(f"{rendered.folder} is complete already")
            else:
                _write(rendered, workers or len(os.sched_getaffinity(0)))
    shards, size = len(rendered.shards), rendered.size
    print(f"{rendered.folder}: {count:,} samples in {shards} shards, {size / 1e6:.1f} MB, {size // count:,} bytes each")
    print(f"use it as tfds:{rendered.home}:train, such as --config.data.train=tfds:{rendered.home}:train")
    return rendered.folder


def _write(rendered: RenderedSet, workers: int) -> None:
    """Writes the missing shards, with a progress bar over all workers."""
    total, missing = rendered.rendering.count, sum(map(len, rendered.missing.values()))
    if done := total - missing:
        print(
            f"{done:,} of {total:,} samples are there already, in {len(rendered.shards) - len(rendered.missing)} shards"
        )
    start = time.monotonic()
    try:
        with tqdm(total=total, initial=done, unit=" samples", disable=None) as bar:
            rendered.write(workers, bar.update)
    except KeyboardInterrupt:
        there = len(rendered.shards) - len(rendered.missing)
        sys.exit(f"stopped with {there} of {len(rendered.shards)} shards: the same command writes the others")
    seconds = time.monotonic() - start
    print(f"rendered {missing:,} samples in {seconds:.0f} s, {missing / seconds:.1f} a second")
