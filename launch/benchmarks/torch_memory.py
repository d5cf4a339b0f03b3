"""Peak bytes of PyTorch's live tensors, by its own record of allocations."""

import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # optional: competes where it is installed


def allocated(device: str) -> int:
    """Bytes of all tensors on CUDA now; 0 on a CPU, where torch does not report them."""
    return torch.cuda.memory_allocated() if device == "cuda" else 0


def peak_bytes(
    run: Callable[[], object], kept: Iterable[torch.Tensor], device: str, before: int, mode: str | None = None
) -> int:
    """Peak bytes of live tensors during a run; 0 with CUDA graphs, which replay in memory that torch does not record.

    Args:
      run: a function that has run before, so that lasting allocations of its first call are in ``kept``.
      kept: tensors that outlive a run.
      device: ``cpu`` or ``cuda``.
      before: bytes `allocated` before any of these tensors was made, which belong to others and are subtracted.
      mode: mode of ``torch.compile``.
    """
    if mode == "reduce-overhead":
        return 0
    if device == "cpu":
        return sum(x.numel() * x.element_size() for x in kept) + growth_on_cpu(run)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    run()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def growth_on_cpu(run: Callable[[], object]) -> int:
    """Peak bytes of live tensors among those made during a run, from torch's own record of allocations."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        run()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profile.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    changes = sorted((event["ts"], event["args"]["Bytes"]) for event in events if event["name"] == "[memory]")
    return int(max(np.cumsum([0, *(change for _, change in changes)])))
