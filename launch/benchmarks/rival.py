"""PyTorch as a rival on the device that JAX computes on: what it is asked for, and each of its ways that works here.

Its architectures are in `launch.benchmarks.torch_readers`.
"""

import gc
import importlib.util
import os
import sys
from collections.abc import Callable
from typing import TypeVar

import jax
from absl import flags

MODELS = ("crnn", "plates_stn_crnn", "lprnet")
"""Configurations whose architectures `launch.benchmarks.torch_readers` has."""
MODES = {"cpu": {"compiled": "default"}, "gpu": {"compiled": "default", "graphs": "reduce-overhead"}}
"""What ``torch.compile`` is asked for, by platform: plain, and with CUDA graphs."""
DTYPES = {"cpu": "float32", "gpu": "bfloat16"}
"""What both compute in, by platform, where no flag says otherwise."""
BATCH_SIZES = {"cpu": 32, "gpu": 256}
"""Pictures at a time, likewise."""


Way = TypeVar("Way")


def platform() -> str:
    """Where JAX computes: ``cpu``, or ``gpu`` for any accelerator."""
    return "cpu" if jax.default_backend() == "cpu" else "gpu"


def define_dtype() -> None:
    """The flag ``--dtype``."""
    flags.DEFINE_enum(
        "dtype",
        "",
        ["", *DTYPES.values()],
        "Of convolutions and matrix products; empty: float32 on a CPU, bfloat16 on a GPU.",
    )


def share_memory() -> None:
    """Leaves torch room on the device, most of which JAX would take before it needs it; call before JAX computes."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def torch_device() -> str | None:
    """Torch's name of the device that JAX computes on; None, with a note, where it cannot compete there.

    Settings that make torch faster there (TF32, cuDNN that tries its algorithms) are on from then on.
    """
    if not importlib.util.find_spec("torch"):
        print("note: torch is not installed (pip install recog[bench]): nothing to compare with", file=sys.stderr)
        return None
    import torch  # pyright: ignore[reportMissingImports]  # a contestant where it is at hand, never a requirement

    if platform() == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        print(f"note: torch does not compute on {jax.default_backend()} here: nothing to compare with", file=sys.stderr)
        return None
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    return "cuda"


def require_same_size(theirs: int, ours: int) -> None:
    """Both readers have as many parameters.

    Raises:
      ValueError: they have not: another architecture.
    """
    if theirs != ours:
        raise ValueError(
            f"PyTorch's reader has {theirs:,} parameters, ours {ours:,}: "
            "this configuration is not written in launch/benchmarks/torch_readers.py"
        )


def each_way(make: Callable[[str | None], Way]) -> dict[str, Way]:
    """PyTorch as it is, under ``torch``, and compiled in each of `MODES` that works; of one that does not, a note.

    Args:
      make: makes and runs it, given the mode of ``torch.compile``, or None.
    """
    ways: dict[str, Way] = {}
    for name, mode in {"torch": None, **MODES[platform()]}.items():
        gc.collect()  # what a failed way held goes before the next one comes
        try:
            ways[name] = make(mode)
        except Exception as error:
            if mode is None:
                raise
            reason = str(error).strip().splitlines() or [""]
            print(
                f"note: torch.compile(mode={mode!r}) does not work here ({type(error).__name__}: {reason[0]:.200})",
                file=sys.stderr,
            )
    return ways
