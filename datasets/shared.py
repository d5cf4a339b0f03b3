"""Objects of hundreds of megabytes that worker processes share instead of each having a copy."""

import mmap
import os
import pickle
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np

ALIGNMENT = 64
"""Bytes to whose multiples arrays are aligned in memory."""


class Shared:
    """A function or a sequence whose copies in other processes of this machine share its arrays, read-only.

    Its first pickling writes it into anonymous memory, which lives as long as this object or a process that has mapped
    it; other processes find it through this one, which must still run when they start. Arrays of NumPy and
    `recog.packed.Packed` are shared, other parts are copied. On systems without such memory it is pickled as a whole.

    Example:
      >>> plan = Shared(BatchPlan(...))
      >>> plan[0], len(plan)
    """

    def __init__(self, value: Any):
        self._value = value
        self._memory: int | None = None
        """File descriptor of the memory; None before the first pickling."""

    def __len__(self) -> int:
        return len(self._value)

    def __getitem__(self, index: int) -> Any:
        return self._value[index]

    def __call__(self, *arguments: Any) -> Any:
        return self._value(*arguments)

    def __reduce__(self):
        if not hasattr(os, "memfd_create"):
            return Shared, (self._value,)
        if self._memory is None:
            self._memory = _write(self._value)
        return _load, (f"/proc/{os.getpid()}/fd/{self._memory}",)

    def __del__(self):
        if self._memory is not None:
            os.close(self._memory)


def _write(value: Any) -> int:
    """Writes a pickled object and its buffers into anonymous memory; returns its file descriptor."""
    buffers: list[pickle.PickleBuffer] = []
    content = cloudpickle.dumps(value, protocol=5, buffer_callback=buffers.append)  # as grain, sources of scripts too
    parts = [memoryview(content), *(buffer.raw() for buffer in buffers)]
    sizes = np.array([len(part) for part in parts], np.int64)
    memory = os.memfd_create("recog")
    with os.fdopen(memory, "wb", closefd=False) as file:
        file.write(len(sizes).to_bytes(8, "little") + sizes.tobytes())
        for part in parts:
            file.write(bytes(-file.tell() % ALIGNMENT))
            file.write(part)
    return memory


def _load(path: str) -> Shared:
    """Loads the object that `_write` has written; its buffers stay where they are."""
    with Path(path).open("rb") as file:
        memory = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    count = int.from_bytes(memory[:8], "little")
    place, parts = 8 * (count + 1), []
    for size in np.frombuffer(memory[8:place], np.int64).tolist():
        place += -place % ALIGNMENT
        parts.append(memory[place : place + size])
        place += size
    return Shared(pickle.loads(parts[0], buffers=parts[1:]))
