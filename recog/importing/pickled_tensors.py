"""Reads a pickle of tensors without unpickling.

To unpickle is to run what the pickle names. Refusing names is not enough for files of unknown origin: a megabyte of
nested tuples crashes Python's unpickler, and ten bytes make it take gigabytes. So no unpickler is used: `pickletools`
lists the opcodes, executing none, and the few that weights need are acted out here on plain values. Nothing recurses,
and nothing is made, hashed, compared or printed whose size is not that of some part of the file.
"""

import io
import pickletools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

SAVE_ANEW = "save the weights alone with torch.save(model.state_dict(), path)"

COPY_AGAIN = "download or copy it again, or save it anew with torch.save(model.state_dict(), path)"

DTYPES = {
    "torch FloatStorage": "<f4",
    "torch DoubleStorage": "<f8",
    "torch HalfStorage": "<f2",
    "torch BFloat16Storage": "<u2",  # the upper half of a float32
    "torch LongStorage": "<i8",
    "torch IntStorage": "<i4",
    "torch ShortStorage": "<i2",
    "torch CharStorage": "i1",
    "torch ByteStorage": "u1",
    "torch BoolStorage": "u1",
}
"""How numbers lie in a storage of this type."""

MOST_AXES = 64
"""Of a tensor; NumPy has no more."""

LARGEST = 2**63 - 1
"""Of sizes, strides and offsets: they are 64-bit integers in PyTorch."""


class WeightsError(ValueError):
    """The file cannot be read, or the weights are not those of the model."""


class Storage(NamedTuple):
    """A one-dimensional array of numbers, which lies outside the pickle."""

    kind: str
    """A key of `DTYPES`."""
    key: str
    elements: int


class Tensor(NamedTuple):
    """How a tensor lies in a storage, counted in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Name(NamedTuple):
    """What an unpickler would import."""

    name: str


def read_pickle(stream: io.BytesIO, storages: dict[str, Storage] | None = None) -> Any:
    """Reads one pickle and leaves the stream behind it.

    Args:
      stream: the pickle, and whatever comes after it.
      storages: filled with those that tensors refer to, by key; None where there are to be no tensors.

    Returns:
      Strings, numbers, None, lists, tuples, dicts and `Tensor`, as deeply nested as the file likes.

    Raises:
      WeightsError: the pickle names, or does, what is no part of weights.
      Exception: it is damaged (`LookupError`, `TypeError`, `ValueError`, `EOFError`).
    """
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}

    def popped(count: int) -> list[Any]:
        if count > len(stack):
            raise IndexError("nothing left on the stack")
        start = len(stack) - count
        items = stack[start:]
        del stack[start:]
        return items

    def since_mark() -> list[Any]:
        return popped(max(0, len(stack) - marks.pop()))

    opcodes: Iterator[tuple[Any, Any, Any]] = pickletools.genops(stream)
    for opcode, argument, _ in opcodes:
        match opcode.name:
            case name if name in _PUSH_ARGUMENT:
                stack.append(argument)
            case name if name in _PUSH_CONSTANT:
                stack.append(_PUSH_CONSTANT[name])
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "MARK":
                marks.append(len(stack))
            case "TUPLE":
                stack.append(tuple(since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(popped(int(opcode.name[-1]))))
            case "EMPTY_LIST":
                stack.append([])
            case "APPEND":
                items = popped(1)
                _append(stack[-1], items)
            case "APPENDS":
                items = since_mark()
                _append(stack[-1], items)
            case "EMPTY_DICT":
                stack.append({})
            case "SETITEM":
                items = popped(2)
                _set_items(stack[-1], items)
            case "SETITEMS":
                items = since_mark()
                _set_items(stack[-1], items)
            case "GLOBAL":
                stack.append(_allowed(argument))
            case "STACK_GLOBAL":
                stack.append(_allowed(" ".join(popped(2))))
            case "BINPERSID":
                stack.append(_storage(stack.pop(), storages))
            case "REDUCE":
                function, arguments = popped(2)
                stack.append(_call(function, arguments))
            case "BUILD":  # attributes, such as the version numbers that a state dict carries: of no use here
                popped(1)
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                return stack.pop()
            case name:
                raise WeightsError(f"uses the opcode {name}, which weights do not need: {SAVE_ANEW}")
    raise EOFError("the pickle has no end")


_PUSH_CONSTANT: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_PUSH_ARGUMENT = frozenset(
    {"BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"}
    | {"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES"}
)


def _append(target: Any, items: list[Any]) -> None:
    if not isinstance(target, list):
        raise TypeError("appends to what is no list")
    target.extend(items)


def _set_items(target: Any, items: list[Any]) -> None:
    if not isinstance(target, dict):
        raise TypeError("sets items of what is no dict")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str | int):
            raise TypeError("a dict whose key is no name")
        target[key] = value


def _allowed(name: str) -> _Name:
    if name not in _STAND_INS and name not in DTYPES:
        shown = name.replace(" ", ".")
        raise WeightsError(f"names {shown:.80}, which is no part of weights; nothing in a file is run: {SAVE_ANEW}")
    return _Name(name)


def _call(function: Any, arguments: Any) -> Any:
    if not isinstance(function, _Name) or function.name not in _STAND_INS or not isinstance(arguments, tuple):
        raise TypeError("calls what is no function")
    return _STAND_INS[function.name](*arguments)


def _storage(identity: Any, storages: dict[str, Storage] | None) -> Storage:
    """What ``("storage", type, key, device, elements)`` stands for; a sixth part told older versions of a view."""
    if storages is None or not isinstance(identity, tuple) or identity[0] != "storage":
        raise WeightsError(f"holds more than tensors: {SAVE_ANEW}")
    _, kind, key, _, elements, *view = identity
    if any(part is not None for part in view):
        raise WeightsError(f"has views of storages, as the first versions of PyTorch wrote: {SAVE_ANEW}")
    if not isinstance(kind, _Name) or kind.name not in DTYPES or not isinstance(key, str) or not _is_size(elements):
        raise TypeError("a storage of unknown kind")
    storage = Storage(kind.name, key, elements)
    if storages.setdefault(key, storage) != storage:
        raise ValueError("a storage of two kinds")
    return storage


def _is_size(number: Any) -> bool:
    return type(number) is int and 0 <= number <= LARGEST


def _ordered_dict(pairs: Any = None) -> dict[Any, Any]:
    """Empty, and filled later; Python 2 passed a list of pairs."""
    made: dict[Any, Any] = {}
    if pairs is not None:
        if not isinstance(pairs, list):
            raise TypeError("a dict of what is no list")
        for key, value in pairs:
            _set_items(made, [key, value])
        pairs.clear()  # so that no file makes thousands of large dicts of one list
    return made


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *flags_and_hooks: Any) -> Tensor:
    del flags_and_hooks
    if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise TypeError("a tensor without storage or shape")
    if len(shape) > MOST_AXES or len(shape) != len(strides):
        raise ValueError("a tensor with too many axes, or too few strides")
    if not all(_is_size(number) for number in (offset, *shape, *strides)):
        raise ValueError("a tensor of impossible size")
    return Tensor(storage, offset, shape, strides)


def _parameter(tensor: Any, *flags_and_hooks: Any) -> Any:
    del flags_and_hooks
    return tensor


_STAND_INS: dict[str, Callable[..., Any]] = {
    "collections OrderedDict": _ordered_dict,
    "torch._utils _rebuild_tensor": _tensor,
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_parameter": _parameter,
}
"""What a pickle of weights may call, and what stands in for it."""
