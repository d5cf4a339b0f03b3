"""Reading pictures of all sizes for long takes no more memory than at first."""

from pathlib import Path

import numpy as np
import pytest

from recog.export.artifact import Artifact
from recog.serving.named import artifact_folder

CALLS, SETTLED = 10_000, 1_000
ALLOWED = 100
"""Growth after the first `SETTLED` calls, MiB."""


def resident() -> float:
    """Memory of this process, MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [size] = [line.split()[1] for line in lines if line.startswith("VmRSS")]
    return int(size) / 1024


@pytest.mark.exhaustive
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_calls_of_mixed_sizes_take_bounded_memory():
    artifact, random = Artifact.load(artifact_folder("zoo:arithmetic")), np.random.default_rng(0)

    def call() -> None:
        sizes = [(int(random.integers(12, 80)), int(random.integers(20, 500))) for _ in range(random.integers(1, 4))]
        pictures = [random.integers(0, 256, (*size, 3), np.uint8) for size in sizes]
        assert len(artifact.read_pictures(pictures)) == len(sizes)

    for _ in range(SETTLED):
        call()
    before = resident()
    for _ in range(CALLS - SETTLED):
        call()
    assert resident() - before < ALLOWED
