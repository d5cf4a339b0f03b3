"""Inference with a PyTorch reader, tuned for PyTorch: the rival in `launch.benchmarks.models`."""

import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # optional: competes where it is installed
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from launch.benchmarks import torch_memory
from launch.benchmarks.torch_readers import count_parameters, make_reader
from launch.runs.config import Config


class Inference:
    """A reader from pixels to each frame's most likely class and its probability: the best path before merging repeats.

    Args:
      config: model and data.
      classes: the blank included.
      images: uint8 B H W C.
      device: ``cpu`` or ``cuda``.
      mode: mode of ``torch.compile``; None does not compile.
    """

    def __init__(self, config: Config, classes: int, images: np.ndarray, device: str, mode: str | None = None):
        self.allocated_before = torch_memory.allocated(device)
        self.device, self.mode, self.dtype = device, mode, getattr(torch, config.model.dtype)
        reader = make_reader(config, classes).to(device).eval()
        self.parameters = count_parameters(reader)
        self.reader = reader.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # its stubs lack it
        # From a view of B H W C, so that it is channels-last in memory.
        self.images = torch.from_numpy(images).to(device).permute(0, 3, 1, 2)
        self._compiled = torch.compile(self._read, mode=mode) if mode else self._read

    def _read(self, images):
        with torch.autocast(self.device, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            logits = self.reader(images.float() / 127.5 - 1)
        return functional.softmax(logits.float(), -1).max(-1)

    def read(self) -> None:
        """Reads the pictures, and waits for the result."""
        with torch.inference_mode():
            self._compiled(self.images)
        if self.device == "cuda":
            torch.cuda.synchronize()

    def peak_bytes(self) -> int:
        """Peak bytes of live tensors while it reads, 0 if unknown; call it after a first `read`."""
        kept = [*self.reader.parameters(), *self.reader.buffers(), self.images]
        return torch_memory.peak_bytes(self.read, kept, self.device, self.allocated_before, self.mode)
