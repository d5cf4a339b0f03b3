"""Writes the files of `torch.save` opcode by opcode: what PyTorch would write, and what it never would."""

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

KINDS = {
    "f4": "Float",
    "f8": "Double",
    "f2": "Half",
    "i8": "Long",
    "i4": "Int",
    "i2": "Short",
    "i1": "Char",
    "u1": "Byte",
}


class Global(NamedTuple):
    """Anything that is imported by name."""

    module: str
    name: str


class Call(NamedTuple):
    """A function and what it is called with."""

    function: Any
    arguments: Any


class Outside(NamedTuple):
    """What lies outside the pickle, by its identity."""

    identity: Any


class Attributes(NamedTuple):
    """An object and the attributes that it is given."""

    object: Any
    state: Any


class Raw(NamedTuple):
    """Opcodes as they are."""

    opcodes: bytes


ORDERED_DICT = Global("collections", "OrderedDict")
REBUILD = Global("torch._utils", "_rebuild_tensor_v2")


def opcodes(x: Any) -> bytes:
    """That leave ``x`` on the stack, by protocol 2."""
    match x:
        case None:
            return b"N"
        case Raw(written):
            return written
        case Global(module, name):
            return f"c{module}\n{name}\n".encode()
        case Call(function, arguments):
            return opcodes(function) + opcodes(arguments) + b"R"
        case Outside(identity):
            return opcodes(identity) + b"Q"
        case Attributes(object_, state):
            return opcodes(object_) + opcodes(state) + b"b"
        case bool():
            return b"\x88" if x else b"\x89"
        case int():
            content = x.to_bytes(x.bit_length() // 8 + 1, "little", signed=True)
            return b"\x8a" + bytes([len(content)]) + content
        case str():
            return b"X" + struct.pack("<I", len(x.encode())) + x.encode()
        case tuple():
            return b"(" + b"".join(opcodes(item) for item in x) + b"t"
        case list():
            return b"](" + b"".join(opcodes(item) for item in x) + b"e"
        case dict():
            return b"}(" + b"".join(opcodes(item) for pair in x.items() for item in pair) + b"u"
    raise TypeError(type(x))


def pickled(x: Any) -> bytes:
    return b"\x80\x02" + opcodes(x) + b"."


class File:
    """What one file holds: an object and storages, which making tensors adds to."""

    def __init__(self, kind: str):
        self.kind = kind
        """``stream`` or ``zip``."""
        self.storages: dict[str, tuple[int, bytes]] = {}

    def storage(self, numbers: np.ndarray, kind: str = "", elements: int | None = None) -> Outside:
        """A new storage; ``kind`` where the array's type does not tell it, ``elements`` to lie about their number."""
        kind = kind or KINDS[numbers.dtype.str[1:]]
        elements = numbers.size if elements is None else elements
        key = str(len(self.storages))
        self.storages[key] = elements, numbers.tobytes()
        view = (None,) if self.kind == "stream" else ()
        return Outside(("storage", Global("torch", f"{kind}Storage"), key, "cpu", elements, *view))

    def tensor(self, numbers: np.ndarray, kind: str = "") -> Call:
        """A tensor that has a storage to itself."""
        strides = tuple(stride // numbers.itemsize for stride in numbers.strides)
        return view(self.storage(numbers, kind), 0, numbers.shape, strides)

    def content(self, saved: Any) -> bytes:
        return (stream_file if self.kind == "stream" else zip_file)(saved, self.storages)

    def write(self, path: Path, saved: Any) -> Path:
        path.write_bytes(self.content(saved))
        return path


def view(storage: Any, offset: Any, shape: Any, strides: Any) -> Call:
    """A tensor in a storage."""
    return Call(REBUILD, (storage, offset, shape, strides, False, Call(ORDERED_DICT, ())))


def stream_file(saved: Any, storages: Mapping[str, tuple[int, bytes]]) -> bytes:
    """The format before PyTorch 1.6."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    pickles = [pickled(x) for x in (0x1950A86A20F9469CFC6C, 1001, system, saved, list(storages))]
    return b"".join(pickles) + b"".join(
        struct.pack("<q", elements) + numbers for elements, numbers in storages.values()
    )


def zip_file(saved: Any, storages: Mapping[str, tuple[int, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    """The format since."""
    with zipfile.ZipFile(file := io.BytesIO(), "w", compression) as archive:
        archive.writestr("model/data.pkl", pickled(saved))
        archive.writestr("model/byteorder", "little")
        for key, (_, numbers) in storages.items():
            archive.writestr(f"model/data/{key}", numbers)
        archive.writestr("model/version", "3\n")
    return file.getvalue()
