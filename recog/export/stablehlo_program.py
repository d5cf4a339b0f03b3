"""StableHLO program of an artifact, run by JAX."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import safetensors
import safetensors.numpy
from jax import export
from jaxtyping import Int32, UInt8

from recog.export.card import Card
from recog.export.executables import Executables
from recog.export.files import CARD, PARAMETERS, PROGRAM, ArtifactError
from recog.export.half import in_single
from recog.export.pictures import ON_ACCELERATOR, ON_CPU, Grid


class StableHloProgram:
    """A `recog.export.program.Program`, compiled for each new shape of its arguments (`Executables`).

    Args:
      exported: function of parameters, pictures and sizes.
      parameters: arrays by name.
    """

    def __init__(self, exported: export.Exported, parameters: Mapping[str, np.ndarray]):
        self._parameters = jax.device_put(dict(parameters))
        self.executables = Executables(exported.call)
        avals: Mapping[str, Any] = jax.tree.unflatten(exported.out_tree, exported.out_avals)
        self.outputs = {name: tuple(map(_fixed, aval.shape)) for name, aval in avals.items()}

    def __call__(self, images: UInt8[np.ndarray, "B H W C"], sizes: Int32[np.ndarray, "B 2"]) -> dict[str, jax.Array]:
        """Predicts a batch; see `recog.export.program.Program`."""
        return self.executables(self._parameters, images, sizes)


def load_program(folder: Path, card: Card) -> StableHloProgram:
    """Loads the program and its parameters.

    Raises:
      ArtifactError: the program is of another version of jax or takes other pictures than the card describes; the
        parameters are not those that it takes, or not finite.
    """
    exported = _load_exported(folder, card)
    return StableHloProgram(exported, _load_parameters(folder, exported))


def grid() -> Grid:
    """Shapes of batches that suit the default device."""
    return ON_CPU if jax.default_backend() == "cpu" else ON_ACCELERATOR


def _load_exported(folder: Path, card: Card) -> export.Exported:
    try:
        program = export.deserialize(bytearray((folder / PROGRAM).read_bytes()))
    except Exception as error:  # of any type, for programs of other versions
        raise ArtifactError(
            f"{folder / PROGRAM}: jax {jax.__version__} cannot load programs of jax {card.versions.get('jax')} "
            f"({error}): install that version, or export the checkpoint again"
        ) from error
    _, images, _ = _arguments(program)
    size = card.preprocess.height, card.preprocess.width or images.shape[2], card.preprocess.channels
    if images.shape[1:] != size:
        raise ArtifactError(
            f"{folder / CARD} describes pictures of {size}, {PROGRAM} takes {images.shape[1:]}: copy or export the "
            "artifact again"
        )
    return program


def _load_parameters(folder: Path, program: export.Exported) -> dict[str, np.ndarray]:
    path, (wanted, *_) = folder / PARAMETERS, _arguments(program)
    try:
        parameters = in_single(safetensors.numpy.load_file(path))
    except (safetensors.SafetensorError, ValueError, LookupError) as error:
        raise ArtifactError(f"{path} cannot be read ({error}): export the artifact again") from error
    if _kinds(parameters) != _kinds(wanted):
        raise ArtifactError(f"{path} holds other arrays than {PROGRAM} takes: export the artifact again")
    for name, array in parameters.items():
        if not np.isfinite(array).all():
            raise ArtifactError(f"{path}: {name} holds numbers that are not finite: export the artifact again")
    return parameters


def _arguments(program: export.Exported) -> tuple[Any, Any, Any]:
    """Shapes of the parameters, pictures and sizes that a program takes."""
    return jax.tree.unflatten(program.in_tree, program.in_avals)[0]


def _kinds(arrays: Mapping[str, np.ndarray | jax.ShapeDtypeStruct]) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    return {name: (array.shape, array.dtype) for name, array in arrays.items()}


def _fixed(size: Any) -> int | None:
    """Size of an axis; None for a symbolic one."""
    return size if isinstance(size, int) else None
