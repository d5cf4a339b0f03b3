"""Collective operations of a compiled program."""

import math
import re
from typing import NamedTuple

KINDS = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
_OPERATION = re.compile(rf" = (\S+|\([^)]*\)) ({'|'.join(KINDS)})(?:-start)?\(")
_ARRAY = re.compile(r"\b([a-z]+\d*)\[([\d,]*)\]")


class Collective(NamedTuple):
    """One operation between devices, which may take several arrays."""

    kind: str
    """One of `KINDS`."""
    arrays: tuple[tuple[str, int], ...]
    """Type and number of elements of each array of the result."""

    @property
    def numbers(self) -> int:
        """Number of elements in float32, of gradients and statistics."""
        return sum(size for kind, size in self.arrays if kind == "f32")


def collectives(program: str) -> list[Collective]:
    """Collective operations in the text of a compiled program (``jax.stages.Compiled.as_text``), each once."""
    return [
        Collective(kind, tuple(map(_array, _ARRAY.findall(result)))) for result, kind in _OPERATION.findall(program)
    ]


def _array(found: tuple[str, str]) -> tuple[str, int]:
    kind, shape = found
    return kind, math.prod(int(size) for size in shape.split(",") if size)
