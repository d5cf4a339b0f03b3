"""PyTorch as a rival on the device that JAX computes on: its settings, and the modes of ``torch.compile`` that work.

Its architectures are in `launch.benchmarks.torch_readers`, `torch_multitask` and `torch_yolo`.
"""

import gc
import importlib.util
import os
import sys
from collections.abc import Callable
from typing import TypeVar

import jax
from absl import flags

flags.disclaim_key_flags()  # --help lists them as those of the command

READERS = ("crnn", "plates_stn_crnn", "lprnet")
"""Configurations whose architectures `launch.benchmarks.torch_readers` has."""
MODELS = (*READERS, "price_tags", "plate_finder_small")
"""Configurations whose training steps PyTorch has (`launch.benchmarks.torch_objectives`)."""
MODES = {"cpu": {"compiled": "default"}, "gpu": {"compiled": "default", "graphs": "reduce-overhead"}}
"""Modes of ``torch.compile`` by platform: plain, and with CUDA graphs."""
DTYPES = {"cpu": "float32", "gpu": "bfloat16"}
"""Type of convolutions and matrix products of both, by platform, unless a flag sets another."""
BATCH_SIZES = {"cpu": 32, "gpu": 256}
"""Pictures at a time, by platform, unless a flag sets another."""

Runner = TypeVar("Runner")


def platform() -> str:
    """The platform that JAX computes on: ``cpu``, or ``gpu`` for any accelerator."""
    return "cpu" if jax.default_backend() == "cpu" else "gpu"


def define_dtype() -> None:
    """Defines the flag ``--dtype``."""
    flags.DEFINE_enum(
        "dtype",
        "",
        ["", *DTYPES.values()],
        "Type of convolutions and matrix products; empty: float32 on a CPU, bfloat16 on a GPU.",
    )


def share_memory() -> None:
    """Leaves memory of the device to torch, most of which JAX would reserve; call it before JAX computes."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def torch_device() -> str | None:
    """Torch's name of the device that JAX computes on; None, with a printed note, where torch cannot compete.

    Turns on settings that make torch faster there: TF32, and cuDNN that tries its algorithms.
    """
    if not importlib.util.find_spec("torch"):
        print("note: torch is not installed (pip install recog[bench]): nothing to compare with", file=sys.stderr)
        return None
    import torch  # pyright: ignore[reportMissingImports]  # optional: competes where it is installed

    if platform() == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        print(f"note: torch does not compute on {jax.default_backend()} here: nothing to compare with", file=sys.stderr)
        return None
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    return "cuda"


def require_same_size(theirs: int, ours: int) -> None:
    """Checks that both networks have the same number of parameters.

    Raises:
      ValueError: they differ, so they are of different architectures.
    """
    if theirs != ours:
        raise ValueError(
            f"PyTorch's network has {theirs:,} parameters, ours {ours:,}: "
            "launch/benchmarks/torch_*.py do not implement this configuration"
        )


def each_mode(make: Callable[[str | None], Runner]) -> dict[str, Runner]:
    """PyTorch eager, under ``torch``, and compiled in each of `MODES` that works; a mode that fails leaves a note.

    Args:
      make: makes the runner and runs it once, given the mode of ``torch.compile``, or None for eager.
    """
    runners: dict[str, Runner] = {}
    for name, mode in {"torch": None, **MODES[platform()]}.items():
        gc.collect()  # frees the memory of a failed mode before the next one starts
        try:
            runners[name] = make(mode)
        except Exception as error:
            if mode is None:
                raise
            reason = str(error).strip().splitlines() or [""]
            print(
                f"note: torch.compile(mode={mode!r}) does not work here ({type(error).__name__}: {reason[0]:.200})",
                file=sys.stderr,
            )
    return runners
