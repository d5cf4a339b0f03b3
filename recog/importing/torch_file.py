"""Reads the weights in a file of `torch.save`, without PyTorch and without running anything in it.

Both formats are read: the zip archive that PyTorch writes since 1.6, and the stream of older versions.
"""

import io
import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recog.importing.pickled_tensors import (
    COPY_AGAIN,
    DTYPES,
    SAVE_ANEW,
    Storage,
    Tensor,
    WeightsError,
    parse_pickle,
)

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
"""First pickle of the older format (torch/serialization.py)."""

PROTOCOL_VERSION = 1001
"""Second pickle of the older format."""

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
"""Keys under which training scripts save a state dict, beside the optimizer's and others."""

PREFIXES = ("module.", "model.", "net.", "_orig_mod.")
"""Prefixes that DataParallel, Lightning's modules (``model.``, ``net.``) and ``torch.compile`` put before all names."""

MAX_WRAPPERS = 8
"""Maximum nesting of wrappers: a pickle can hold a dictionary that contains itself."""

_ZIP_START = b"PK\x03\x04"

_DAMAGE = (
    AttributeError,
    EOFError,
    LookupError,
    OverflowError,
    RuntimeError,  # zipfile's, of encryption and what else it cannot do
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
    zipfile.BadZipFile,
)
"""Errors that damaged bytes raise."""


def load_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """Loads the tensors of a saved state dict.

    Dictionaries around it (`WRAPPERS`) and prefixes that all names share (`PREFIXES`) are taken off, however they nest.

    Returns:
      Read-only arrays by name, in the file's order; bfloat16 as float32.

    Raises:
      WeightsError: the file is cut short, damaged or something else, or holds more than weights; says what to do.
    """
    content = Path(path).read_bytes()
    try:
        saved, numbers = (_parse_zip if content.startswith(_ZIP_START) else _parse_stream)(content)
        return _tensors(saved, numbers)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    except _DAMAGE as error:
        found = f"{type(error).__name__}: {error!s:.200}"
        raise WeightsError(
            f"{path}: cut short, damaged or not written by torch.save ({found}): {COPY_AGAIN}"
        ) from error


def _parse_stream(content: bytes) -> tuple[Any, Mapping[str, np.ndarray]]:
    """Parses the older format: pickles of magic number, version, system, object and storage keys, then the storages."""
    stream = io.BytesIO(content)
    if parse_pickle(stream) != MAGIC_NUMBER or parse_pickle(stream) != PROTOCOL_VERSION:
        raise WeightsError(f"not written by torch.save, or by a version before 0.2: {COPY_AGAIN}")
    if not parse_pickle(stream)["little_endian"]:
        raise WeightsError(f"written on a big-endian machine: on a little-endian one, {SAVE_ANEW}")
    storages: dict[str, Storage] = {}
    saved = parse_pickle(stream, storages)
    numbers = {}
    for key in parse_pickle(stream):
        if not isinstance(key, str):
            raise TypeError(f"a storage key of type {type(key).__name__}")
        (count,) = struct.unpack("<q", stream.read(8))
        if count != storages[key].elements:
            raise ValueError(f"storage {key!r:.80} has {count} elements, not {storages[key].elements}")
        numbers[key] = _numbers(storages[key], stream.read(_size(storages[key])))
    return saved, numbers


def _parse_zip(content: bytes) -> tuple[Any, Mapping[str, np.ndarray]]:
    """Parses the format since 1.6: the object at ``NAME/data.pkl``, its storages at ``NAME/data/KEY``."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        records = archive.infolist()
        names = [record.filename for record in records]
        pickles = [name for name in names if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise WeightsError(f"a zip archive with {len(pickles)} files data.pkl instead of one: {COPY_AGAIN}")
        # torch.save does not compress. Records that are larger than the archive would share their bytes.
        if any(record.compress_type != zipfile.ZIP_STORED for record in records):
            raise WeightsError(f"a compressed zip archive, which torch.save does not write: {COPY_AGAIN}")
        if sum(record.file_size for record in records) > len(content):
            raise WeightsError(f"a zip archive that claims to hold more than its size: {COPY_AGAIN}")
        folder = pickles[0].removesuffix("data.pkl")
        if f"{folder}byteorder" in names and archive.read(f"{folder}byteorder") != b"little":
            raise WeightsError(f"written on a big-endian machine: on a little-endian one, {SAVE_ANEW}")
        storages: dict[str, Storage] = {}
        saved = parse_pickle(io.BytesIO(archive.read(pickles[0])), storages)
        return saved, {key: _numbers(storages[key], archive.read(f"{folder}data/{key}")) for key in storages}


def _size(storage: Storage) -> int:
    """Bytes of a storage."""
    return storage.elements * np.dtype(DTYPES[storage.kind]).itemsize


def _numbers(storage: Storage, content: bytes) -> np.ndarray:
    """Numbers of a storage, read-only."""
    if len(content) != _size(storage):
        raise ValueError(f"storage {storage.key!r:.80} has {len(content)} bytes, not {_size(storage)}")
    numbers = np.frombuffer(content, DTYPES[storage.kind])
    if storage.kind == "torch.BFloat16Storage":
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
    elif storage.kind == "torch.BoolStorage":
        numbers = numbers != 0
    numbers.flags.writeable = False
    return numbers


def _tensors(saved: Any, numbers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Tensors of the state dict within the saved object."""
    saved = _unwrapped(saved)
    for name, tensor in saved.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise WeightsError(f"holds {name!r:.80} of type {type(tensor).__name__}, not a tensor: {SAVE_ANEW}")
    start = _shared_prefix(list(saved))
    return {name[start:]: _view(name, tensor, numbers) for name, tensor in saved.items()}


def _unwrapped(saved: Any) -> dict[Any, Any]:
    """The state dict within the dictionaries that training scripts put around it.

    Raises:
      WeightsError: there is none, or several.
    """
    for _ in range(MAX_WRAPPERS):
        if not isinstance(saved, dict):
            break
        wrapped = [key for key in WRAPPERS if isinstance(saved.get(key), dict) and saved[key]]
        if len(wrapped) > 1:
            raise WeightsError(f"holds several state dicts ({', '.join(wrapped)}): {SAVE_ANEW}")
        if not wrapped:
            if not any(isinstance(value, Tensor) for value in saved.values()):
                break
            return saved
        saved = saved[wrapped[0]]
    raise WeightsError(f"holds no state dict: {SAVE_ANEW}")


def _shared_prefix(names: list[str]) -> int:
    """Length of the prefixes that all names share."""
    start = 0
    while prefix := next((p for p in PREFIXES if all(name.startswith(p, start) for name in names)), ""):
        start += len(prefix)
    return start


def _view(name: str, tensor: Tensor, storages: Mapping[str, np.ndarray]) -> np.ndarray:
    """A view of a tensor's storage, without a copy.

    Raises:
      ValueError: the tensor reaches beyond its storage, or repeats elements, so that a copy could fill any memory.
    """
    numbers = storages[tensor.storage.key]
    elements, last = 1, tensor.offset
    for length, stride in zip(tensor.shape, tensor.strides, strict=True):
        elements *= length
        last += (length - 1) * stride
    if elements == 0:
        return np.empty(tensor.shape, numbers.dtype)
    if elements > len(numbers) or last >= len(numbers):
        raise ValueError(f"tensor {name!r:.80} lies outside its storage of {len(numbers)} elements")
    size = numbers.itemsize
    # An axis of one is never stepped along, whatever its stride.
    strides = [
        size * (stride if length > 1 else 1) for length, stride in zip(tensor.shape, tensor.strides, strict=True)
    ]
    return np.ndarray(tensor.shape, numbers.dtype, numbers, tensor.offset * size, strides)
