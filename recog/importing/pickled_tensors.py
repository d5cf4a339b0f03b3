"""Unpickles tensors without importing or running anything that a file names.

Refusing names is not enough for files of unknown origin: ten bytes make `pickle.Unpickler` take gigabytes, and forty
nested tuples as the key of a dict keep it hashing for hours. Its opcodes cannot be restricted; those of the standard
library's implementation in Python can, so that is what is subclassed here. Nothing recurses, and nothing is made,
hashed, compared or printed that is larger than some part of the file.
"""

import io
import pickle
import pickletools
from collections.abc import Callable
from types import FunctionType
from typing import Any, ClassVar, NamedTuple

SAVE_ANEW = "save the weights alone with torch.save(model.state_dict(), path)"

COPY_AGAIN = "download or copy it again, or save it anew with torch.save(model.state_dict(), path)"

DTYPES = {
    "torch.FloatStorage": "<f4",
    "torch.DoubleStorage": "<f8",
    "torch.HalfStorage": "<f2",
    "torch.BFloat16Storage": "<u2",  # the upper half of a float32
    "torch.LongStorage": "<i8",
    "torch.IntStorage": "<i4",
    "torch.ShortStorage": "<i2",
    "torch.CharStorage": "i1",
    "torch.ByteStorage": "u1",
    "torch.BoolStorage": "u1",
}
"""NumPy types of the numbers in a storage, by PyTorch's class of storages."""

MAX_AXES = 64
"""Maximum axes of a tensor, as in NumPy."""

MAX_SIZE = 2**63 - 1
"""Maximum size, stride and offset, which are 64-bit integers in PyTorch."""

MAX_ARGUMENTS = 7
"""Maximum arguments of a call, as `_rebuild_tensor_v2` takes; a longer tuple would be copied at each of many calls."""


class WeightsError(ValueError):
    """The file cannot be read, or holds weights of another model."""


class Dict(dict[str | int, Any]):
    """A dict that does not hash tuples: their hash takes in all that is nested in them."""

    def __setitem__(self, key: str | int, value: Any) -> None:
        if not isinstance(key, str | int):
            raise TypeError(f"a dict key of type {type(key).__name__}")
        super().__setitem__(key, value)


class Storage(NamedTuple):
    """A one-dimensional array of numbers that lies outside the pickle."""

    kind: str
    """A key of `DTYPES`."""
    key: str
    elements: int


class Tensor(NamedTuple):
    """A view of a storage, counted in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def parse_pickle(stream: io.BytesIO, storages: dict[str, Storage] | None = None) -> Any:
    """Parses one pickle and leaves the stream behind it.

    Args:
      stream: the pickle, and whatever comes after it.
      storages: filled with the storages that the pickle refers to, by key; None refuses them.

    Returns:
      Strings, bytes, numbers, None, lists, tuples, `Dict`, `Tensor`, `Storage` and stand-ins for what the pickle names,
      nested to any depth.

    Raises:
      WeightsError: the pickle names or does something that weights do not need.
      Exception: it is damaged (`LookupError`, `TypeError`, `ValueError`, `AttributeError`, `EOFError`, `struct.error`,
        `pickle.UnpicklingError`).
    """
    return _Unpickler(stream, storages).load()


_INHERITED = frozenset(
    {"PROTO", "MARK", "STOP", "NONE", "NEWTRUE", "NEWFALSE", "BINFLOAT"}
    | {"BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINSTRING", "SHORT_BINSTRING"}
    | {"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES"}
    | {"EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS", "SETITEM", "SETITEMS"}
    | {"BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET", "GLOBAL", "STACK_GLOBAL", "BINPERSID"}
)
"""Opcodes that do what they do in the standard library."""


def _opcode(code: int, name: str) -> Callable[[Any], None]:
    def refuse(_: Any) -> None:
        raise WeightsError(f"uses the opcode {name}, which weights do not need: {SAVE_ANEW}")

    return pickle._Unpickler.dispatch[code] if name in _INHERITED else refuse


class _Unpickler(pickle._Unpickler):
    stack: list[Any]
    read: Callable[[int], bytes]

    def __init__(self, stream: io.BytesIO, storages: dict[str, Storage] | None):
        super().__init__(stream, encoding="latin-1")
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        """A stand-in for the class or function of this name."""
        full_name = f"{module}.{name}"
        if full_name in DTYPES:
            return _StorageClass(full_name)
        if full_name not in _STAND_INS:
            raise WeightsError(f"names {full_name!r:.80}, which weights do not need (nothing was run): {SAVE_ANEW}")
        return _STAND_INS[full_name]

    def persistent_load(self, pid: Any) -> Storage:
        """The storage ``("storage", class, key, device, elements)``; a sixth part told older versions of a view."""
        if self._storages is None or not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != "storage":
            raise WeightsError(f"holds more than tensors: {SAVE_ANEW}")
        _, kind, key, _, elements, *view = pid
        if view not in ([], [None]):
            raise WeightsError(f"has views of storages, as the first versions of PyTorch wrote: {SAVE_ANEW}")
        if not isinstance(kind, _StorageClass) or not isinstance(key, str) or not _is_size(elements):
            raise TypeError("a storage of unknown class, key or size")
        storage = Storage(kind.name, key, elements)
        if self._storages.setdefault(key, storage) != storage:
            raise ValueError(f"storage {key!r:.80} has two classes or sizes")
        return storage

    def load_frame(self) -> None:
        """Skips the length of a frame: reading ahead by it could end behind the pickle."""
        self.read(8)

    def load_empty_dictionary(self) -> None:
        self.stack.append(Dict())

    def load_reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        # Checked here: Python's message about an impossible call prints what was called, nested to any depth.
        if not isinstance(function, FunctionType) or not isinstance(arguments, tuple) or len(arguments) > MAX_ARGUMENTS:
            raise TypeError("calls something that is not a function, or with wrong arguments")
        self.stack.append(function(*arguments))

    def load_build(self) -> None:
        """Drops attributes, such as the version numbers that a state dict carries."""
        self.stack.pop()

    dispatch: ClassVar = {
        **{ord(opcode.code): _opcode(ord(opcode.code), opcode.name) for opcode in pickletools.opcodes},
        pickle.FRAME[0]: load_frame,
        pickle.EMPTY_DICT[0]: load_empty_dictionary,
        pickle.REDUCE[0]: load_reduce,
        pickle.BUILD[0]: load_build,
    }


class _StorageClass(NamedTuple):
    name: str
    """A key of `DTYPES`."""


def _is_size(number: Any) -> bool:
    return type(number) is int and 0 <= number <= MAX_SIZE


def _ordered_dict(pairs: Any = None) -> Dict:
    """An empty dict, which is filled later; Python 2 passed a list of pairs."""
    made = Dict()
    if pairs is not None:
        if not isinstance(pairs, list):
            raise TypeError(f"an OrderedDict made of type {type(pairs).__name__}")
        for key, value in pairs:
            made[key] = value
        pairs.clear()  # so that no file makes thousands of large dicts of one list
    return made


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *flags_and_hooks: Any) -> Tensor:
    del flags_and_hooks
    if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise TypeError("a tensor without storage, shape or strides")
    if len(shape) > MAX_AXES or len(shape) != len(strides):
        raise ValueError(f"a tensor of {len(shape)} axes and {len(strides)} strides")
    if not all(_is_size(number) for number in (offset, *shape, *strides)):
        raise ValueError("a tensor with a size, stride or offset that is not a number from 0 to 2**63 - 1")
    return Tensor(storage, offset, shape, strides)


def _parameter(tensor: Any, *flags_and_hooks: Any) -> Any:
    del flags_and_hooks
    return tensor


_STAND_INS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _ordered_dict,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
}
"""Stand-ins for the functions that a pickle of weights may call."""
