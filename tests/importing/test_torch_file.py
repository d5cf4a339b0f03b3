"""Reading files of `torch.save`: what it wrote comes back, and nothing else gets in, out or run."""

import os
import pickle
import pickletools
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recog.importing.state_dict import WeightsError
from recog.importing.torch_file import load_state_dict
from tests.importing.torch_pickles import (
    KINDS,
    ORDERED_DICT,
    Attributes,
    Call,
    File,
    Global,
    Outside,
    Raw,
    opcodes,
    pickled,
    view,
    zip_file,
)

REAL = Path(os.environ.get("RECOG_REAL_DATA", "")) / "lprnet_pytorch_weights" / "Final_LPRNet_model.pth"


@pytest.fixture(params=["stream", "zip"])
def file(request):
    return File(request.param)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.pth"


def same(found: dict, expected: dict):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("dtype", KINDS)
def test_every_number_type_comes_back(file, path, dtype):
    numbers = np.arange(-6, 6).astype(dtype).reshape(2, 3, 2)
    same(load_state_dict(file.write(path, {"x": file.tensor(numbers)})), {"x": numbers})


def test_bfloat16_comes_as_float32_and_bool_as_bool(file, path):
    upper_halves = np.array([0x3F80, 0xC000, 0x0001], np.uint16)
    bits = np.array([0, 1, 255], np.uint8)
    saved = {"brain": file.tensor(upper_halves.view("i2"), "BFloat16"), "bits": file.tensor(bits, "Bool")}
    expected = {"brain": np.array([1, -2, 2.0**-133], np.float32), "bits": np.array([False, True, True])}
    same(load_state_dict(file.write(path, saved)), expected)


def test_shapes_strides_and_offsets_within_one_storage(file, path):
    numbers = np.arange(24, dtype=np.float32)
    storage = file.storage(numbers)
    saved = {
        "transposed": view(storage, 0, (6, 4), (1, 6)),
        "row": view(storage, 6, (6,), (1,)),
        "last": view(storage, 23, (), ()),
        "every other": view(storage, 1, (3, 4), (8, 2)),
        "empty": view(storage, 24, (0, 5), (5, 1)),
        "one": view(storage, 4, (1, 2), (2**62, 1)),
    }
    expected = {
        "transposed": numbers.reshape(4, 6).T,
        "row": numbers[6:12],
        "last": numbers[23],
        "every other": numbers.reshape(3, 8)[:, 1::2],
        "empty": np.empty((0, 5), np.float32),
        "one": numbers[None, 4:6],
    }
    same(load_state_dict(file.write(path, saved)), expected)


def test_wrappings_of_a_state_dict_are_taken_off(file, path):
    numbers = np.arange(3, dtype=np.float32)
    tensor = file.tensor(numbers)
    parameter = Call(Global("torch._utils", "_rebuild_parameter"), (tensor, True, Call(ORDERED_DICT, ())))
    old = Call(Global("torch._utils", "_rebuild_tensor"), tensor.arguments[:4])
    by_python_2 = Call(ORDERED_DICT, ([["module.a", parameter], ["module.b", old]],))
    with_versions = Attributes(by_python_2, {"_metadata": Call(ORDERED_DICT, ())})
    saved = {"epoch": 7, "state_dict": with_versions, "best": None}
    same(load_state_dict(file.write(path, saved)), {"a": numbers, "b": numbers})


@pytest.mark.parametrize("keys", [["model_state_dict"], ["model"], ["net"], ["net", "state_dict"], ["model"] * 7])
@pytest.mark.parametrize("prefix", ["", "model.", "_orig_mod.", "module._orig_mod.net.", "_orig_mod.module.model."])
def test_wrappers_and_prefixes_of_training_scripts_are_taken_off(file, path, keys, prefix):
    numbers = np.arange(3, dtype=np.float32)
    saved = {prefix + name: file.tensor(numbers) for name in ("cnn.a", "rnn.model.b")}
    for key in reversed(keys):
        saved = {"optimizer": {"state": {}}, "best": file.tensor(np.zeros(1)), key: saved, "epoch": 3}
    same(load_state_dict(file.write(path, saved)), {"cnn.a": numbers, "rnn.model.b": numbers})


def test_of_several_state_dicts_none_is_chosen(file, path):
    one, other = ({"a": file.tensor(np.full(1, number))} for number in (1.0, 2.0))
    with pytest.raises(WeightsError, match=r"several state dicts \(model, net\)"):
        load_state_dict(file.write(path, {"model": one, "net": other}))


def test_a_dict_within_itself_is_refused(file, path):
    within_itself = Raw(b"}q\x00X\x05\x00\x00\x00modelh\x00s")
    with pytest.raises(WeightsError, match="no state dict"):
        load_state_dict(file.write(path, within_itself))


def test_a_prefix_that_not_all_names_have_stays(file, path):
    saved = {"module.a": file.tensor(np.zeros(1)), "b": file.tensor(np.ones(1))}
    same(load_state_dict(file.write(path, saved)), {"module.a": np.zeros(1), "b": np.ones(1)})


@pytest.mark.parametrize("length", [0, 3, 2**40])
def test_later_protocols_are_read_whatever_the_length_of_a_frame(file, path, length):
    tensor = file.tensor(np.arange(3.0))
    short = Raw(b"\x8c\x01x")
    by_stack = Raw(b"\x8c\x0ctorch._utils\x8c\x12_rebuild_tensor_v2\x93")
    frame = b"\x80\x04\x95" + struct.pack("<Q", length)
    saved = Raw(frame[2:] + pickled({short: Call(by_stack, tensor.arguments)})[2:-1] + b"\x94")
    same(load_state_dict(file.write(path, saved)), {"x": np.arange(3.0)})


@pytest.mark.parametrize(
    "wrap", [lambda call: call, lambda call: {"x": call}, lambda call: {"state_dict": {"x": call}}]
)
def test_nothing_is_run_from_a_file(file, path, tmp_path, wrap):
    mark = tmp_path / "mark"
    call = Call(Global("os", "system"), (f"touch {mark}",))
    with pytest.raises(
        WeightsError, match=r"weights\.pth: names 'os\.system'.*torch\.save\(model\.state_dict\(\), path\)"
    ):
        load_state_dict(file.write(path, wrap(call)))
    assert not mark.exists()
    pickle.loads(pickled(call))  # and this is what an unpickler makes of it
    assert mark.exists()


EVAL = Global("builtins", "eval")


@pytest.mark.parametrize(
    ("saved", "named"),
    [
        (EVAL, r"builtins\.eval"),
        (Raw(b"\x8c\x08builtins\x8c\x04eval\x93"), r"builtins\.eval"),
        (Global("torch.nn.modules.linear", "Linear"), r"torch\.nn\.modules\.linear\.Linear"),
        (Global("torch._utils", "_rebuild_sparse_tensor"), "_rebuild_sparse_tensor"),
        (Global("torch", "load"), r"torch\.load"),
        (Global("collections", "OrderedDict.__init__"), "OrderedDict.__init__"),
        (Raw(b"(S'1'\nibuiltins\neval\n"), "opcode"),
        (Raw(b"cbuiltins\neval\n)\x81"), r"builtins\.eval"),
        (Raw(b"ccollections\nOrderedDict\n)\x81"), "opcode NEWOBJ"),
        (Outside(("module", "Net", "net.py", "class Net")), "more than tensors"),
    ],
)
def test_names_outside_of_weights_are_refused_by_name(file, path, saved, named):
    with pytest.raises(WeightsError, match=named):
        load_state_dict(file.write(path, {"x": saved}))


def test_globals_are_called_only_if_they_rebuild(file, path):
    for called in (Global("torch", "FloatStorage"), "torch._utils._rebuild_tensor_v2", ()):
        with pytest.raises(WeightsError, match="not a function"):
            load_state_dict(file.write(path, {"x": Call(called, ())}))


def test_no_function_takes_more_arguments_than_pytorch_passes(file, path):
    """Otherwise a file of a megabyte could copy one long tuple a hundred thousand times."""
    tensor = file.tensor(np.zeros(1))
    longest = Call(tensor.function, (*tensor.arguments, None))
    same(load_state_dict(file.write(path, {"x": longest})), {"x": np.zeros(1)})
    with pytest.raises(WeightsError, match="arguments"):
        load_state_dict(file.write(path, {"x": Call(tensor.function, (*longest.arguments, None))}))


NEEDED = frozenset(b"\x80\x95(.N\x88\x89JKM\x8a\x8bGTUBCX\x8c\x8d)t\x85\x86\x87]ae}suqr\x94hjc\x93QRb")


def test_every_other_byte_is_refused_as_an_opcode(file, path):
    names = {ord(opcode.code): f"opcode {opcode.name}," for opcode in pickletools.opcodes}
    for code in set(range(256)) - NEEDED:
        with pytest.raises(WeightsError, match=names.get(code, "damaged")):
            load_state_dict(file.write(path, {"x": Raw(b"N}NK" + bytes([code, code]) + b"1\n" + bytes(8))}))


def test_attributes_from_a_file_are_dropped(file, path):
    """Otherwise they would change the stand-in for a function, or shadow the methods of a dict."""
    function = Attributes(ORDERED_DICT, (None, {"__defaults__": None}))
    by_python_2 = Call(function, ([["x", file.tensor(np.arange(3.0))]],))
    saved = Attributes(by_python_2, {"items": ORDERED_DICT, "get": ORDERED_DICT, "values": ORDERED_DICT})
    for _ in range(2):
        same(load_state_dict(file.write(path, saved)), {"x": np.arange(3.0)})


def test_pickles_that_crash_or_stall_an_unpickler_are_harmless(path):
    file = File("zip")
    deep = Raw(b")" + b"\x85" * 200_000)
    wide = Raw(b")" + b"q\x00h\x00\x86" * 1000)  # 2 ** 1000 empty tuples, if they were counted
    lists = Raw(b"]" * 200_000 + b"a" * 199_999)
    dicts = Raw(b"}K\x01" * 200_000 + b"N" + b"s" * 200_000)
    wrapped = [{"x": lists}, {"x": dicts}]
    for bomb in (deep, wide):
        again = Raw(b"h\x01")
        once = Raw(bomb.opcodes + b"q\x01")
        wrapped += [{bomb: 1}, {"x": bomb}, bomb, Attributes({}, bomb), Call(bomb, 3), Call(once, again)]
        wrapped += [Call(ORDERED_DICT, ([[bomb, 1]],)), view(once, again, again, again)]
        wrapped += [Outside(bomb), Outside((once, *(again,) * 4)), Outside(("storage", once, *(again,) * 4))]
    for saved in wrapped:
        with pytest.raises(WeightsError):
            load_state_dict(file.write(path, saved))


@pytest.mark.parametrize(
    "written",
    [
        b"K\x01r\xff\xff\xff\xff",  # memo 4,294,967,295: 64 GiB of the table of an unpickler in C
        b"\x95" + struct.pack("<Q", 2**63 - 1) + b"K\x01",
        b"B" + struct.pack("<I", 2**32 - 1),
        b"T" + struct.pack("<i", 2**31 - 1),
        b"T" + struct.pack("<i", -1),
        b"\x8b" + struct.pack("<i", 2**31 - 1),
        b"\x8b" + struct.pack("<i", -(2**31)),
        b"X" + struct.pack("<I", 2**32 - 1),
        *(
            code + struct.pack("<Q", size)
            for code in (b"\x8d", b"\x8e", b"\x96")
            for size in (2**33, 2**63 - 1, 2**64 - 1)
        ),
    ],
)
def test_ten_bytes_take_no_gigabytes(file, path, written):
    path = file.write(path, {"x": file.tensor(np.zeros(2)), Raw(written): 1})
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError):
            load_state_dict(path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_memos_may_have_any_number(file, path):
    name = Raw(b"X\x01\x00\x00\x00xr\xff\xff\xff\xff")
    same(load_state_dict(file.write(path, {name: file.tensor(np.zeros(2))})), {"x": np.zeros(2)})


def test_one_list_makes_one_dict(path):
    """Otherwise a file of a few megabytes could ask for terabytes."""
    file = File("zip")
    tensor = file.tensor(np.zeros(1))
    dict_of_list = b"ccollections\nOrderedDict\nh\x07\x85R"
    pairs = Raw(pickled([[str(i), tensor] for i in range(3)])[2:-1] + b"q\x07")
    saved = {"list": pairs, "state_dict": Raw(dict_of_list), "again": Raw(dict_of_list)}
    assert list(load_state_dict(file.write(path, saved))) == ["0", "1", "2"]
    with pytest.raises(WeightsError, match="no state dict"):
        load_state_dict(file.write(path, {"list": pairs, "first": Raw(dict_of_list), "state_dict": Raw(dict_of_list)}))


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (7,), (1,)),
        (1, (6,), (1,)),
        (7, (), ()),
        (0, (2, 3), (4, 1)),
        (0, (2,), (6,)),
        (0, (4, 4), (0, 0)),
        (0, (2**40,), (0,)),
        (0, (2**31, 2**31, 2**31), (0, 0, 0)),
        (0, (2**62,), (2**62,)),
        (0, (2**70,), (1,)),
        (2**62, (1,), (1,)),
        (-1, (2,), (1,)),
        (5, (2,), (-1,)),
        (0, (-1,), (1,)),
        (0, (True,), (1,)),
        (0, (2, 3), (1,)),
        (0, (1,) * 65, (1,) * 65),
        (0, "12", "11"),
        (0, None, None),
        ("0", (1,), (1,)),
    ],
)
def test_tensors_outside_their_storage_are_refused(file, path, offset, shape, strides):
    storage = file.storage(np.arange(6, dtype=np.float32))
    with pytest.raises(WeightsError, match=r"weights\.pth: "):
        load_state_dict(file.write(path, {"x": view(storage, offset, shape, strides)}))


@pytest.mark.parametrize("elements", [-1, 5, 7, 2**40, 2**63, 2**80])
def test_storages_of_another_size_than_they_say_are_refused(file, path, elements):
    storage = file.storage(np.arange(6, dtype=np.float32), elements=elements)
    if file.kind == "stream":  # where the size stands once more, before the numbers
        file.storages["0"] = (6, file.storages["0"][1])
    with pytest.raises(WeightsError, match=r"weights\.pth: "):
        load_state_dict(file.write(path, {"x": view(storage, 0, (2,), (1,))}))


@pytest.mark.parametrize("elements", [7, 2**40, 2**62])
def test_storages_beyond_the_end_of_the_file_are_refused(path, elements):
    file = File("stream")
    storage = file.storage(np.arange(6, dtype=np.float32), elements=elements)
    with pytest.raises(WeightsError, match=r"weights\.pth: "):
        load_state_dict(file.write(path, {"x": view(storage, 0, (2,), (1,))}))


def test_storages_that_are_missing_or_of_two_kinds_are_refused(file, path):
    tensor = file.tensor(np.zeros(2, np.float32))
    as_int = Outside(
        (*tensor.arguments[0].identity[:1], Global("torch", "IntStorage"), *tensor.arguments[0].identity[2:])
    )
    with pytest.raises(WeightsError, match="two classes"):
        load_state_dict(file.write(path, {"x": tensor, "y": view(as_int, 0, (2,), (1,))}))
    file.storages.clear()
    with pytest.raises(WeightsError):
        load_state_dict(file.write(path, {"x": tensor}))


@pytest.mark.parametrize("saved", [{}, [], "weights", None, 3, {"state_dict": {}}])
def test_what_is_no_state_dict_is_refused(file, path, saved):
    with pytest.raises(WeightsError, match=r"no state dict: save the weights alone"):
        load_state_dict(file.write(path, saved))


def test_what_is_no_tensor_is_refused_by_name(file, path):
    with pytest.raises(WeightsError, match="holds 'epoch' of type int"):
        load_state_dict(file.write(path, {"x": file.tensor(np.zeros(1)), "epoch": 3}))


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(64), b"PK\x03\x04", bytes(512), pickle.dumps({"x": 1}), b"\x80\x02N."],
)
def test_other_files_are_refused_with_a_mend(path, content):
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"weights\.pth: .*(download or copy it again|save the weights alone)"):
        load_state_dict(path)


def test_archives_that_torch_does_not_write_are_refused(path):
    storages = {"0": (1000, bytes(4000))}
    path.write_bytes(zip_file({}, storages, zipfile.ZIP_DEFLATED))
    with pytest.raises(WeightsError, match="compressed"):
        load_state_dict(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/weights.txt", "1 2 3")
    with pytest.raises(WeightsError, match=r"0 files data\.pkl"):
        load_state_dict(path)
    content = zip_file({}, storages)
    record = content.rindex(b"PK\x01\x02", 0, content.rindex(b"model/data/0"))  # its entry in the directory
    sizes = struct.pack("<II", 2**31, 2**31)
    path.write_bytes(content[: record + 20] + sizes + content[record + 28 :])
    with pytest.raises(WeightsError, match="more than its size"):
        load_state_dict(path)


def test_big_endian_files_are_refused(path):
    file = File("stream")
    content = file.content({"x": file.tensor(np.zeros(1))})
    path.write_bytes(content.replace(b"little_endian\x88", b"little_endian\x89"))
    with pytest.raises(WeightsError, match="big-endian"):
        load_state_dict(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickled({}))
        archive.writestr("model/byteorder", "big")
    with pytest.raises(WeightsError, match="big-endian"):
        load_state_dict(path)


def small(kind: str) -> bytes:
    file = File(kind)
    numbers = np.arange(12, dtype=np.float32).reshape(3, 4)
    return file.content(
        Attributes({"a": file.tensor(numbers), "b": file.tensor(numbers[0], "Float")}, {"_metadata": {}})
    )


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged") / "weights.pth"


@pytest.mark.parametrize("kind", ["stream", "zip"])
def test_every_truncation_is_refused(kind, damaged):
    content = small(kind)
    for length in range(len(content)):
        damaged.write_bytes(content[:length])
        with pytest.raises(WeightsError):
            load_state_dict(damaged)


@pytest.mark.parametrize("kind", ["stream", "zip"])
@settings(max_examples=300)
@given(data=st.data())
def test_damage_is_refused_or_harmless(kind, damaged, data):
    content = bytearray(small(kind))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged.write_bytes(content)
    try:
        found = load_state_dict(damaged)
    except WeightsError:
        return
    assert sum(array.nbytes for array in found.values()) <= len(content)
    for array in found.values():
        np.array(array)


ONE_TWO = np.array([1, 2], np.float32)
TENSOR = opcodes(File("zip").tensor(ONE_TWO))


@settings(max_examples=300)
@example(b"}X\x01\x00\x00\x00x" + TENSOR + b"s")
@given(
    st.recursive(
        st.sampled_from([b"N", b"\x88", b")", b"]", b"}", b"K\x05", b"X\x01\x00\x00\x00x", b"h\x00", b"q\x00", b"\x94"])
        | st.sampled_from([b"(", b"t", b"e", b"u", b"s", b"a", b"b", b"Q", b"R", b"\x85", b"\x86", b"\x93"])
        | st.sampled_from([b"ctorch\nFloatStorage\n", b"ccollections\nOrderedDict\n", TENSOR])
        | st.just(b"ctorch._utils\n_rebuild_tensor_v2\n"),
        lambda parts: st.lists(parts, max_size=12).map(b"".join),
    )
)
def test_any_order_of_opcodes_is_refused_or_gives_the_tensor(damaged, written):
    file = File("zip")
    file.storage(ONE_TWO)
    damaged.write_bytes(file.content(Raw(written)))
    try:
        found = load_state_dict(damaged)
    except WeightsError:
        return
    assert found
    same(found, dict.fromkeys(found, ONE_TWO))


@pytest.mark.parametrize("zipped", [False, True])
def test_what_pytorch_saves_is_what_is_read(zipped, path):
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 3, (3, 1)), torch.nn.BatchNorm2d(3), torch.nn.LSTM(4, 2))
    shared = torch.arange(24, dtype=torch.float64).reshape(4, 6)
    extra = {
        "transposed": shared.T,
        "slice": shared[1:, ::2],
        "half": torch.tensor([1.5, -2]).half(),
        "brain": torch.tensor([1.5, -2]).bfloat16(),
        "long": torch.tensor(2**40),
        "byte": torch.tensor([255], dtype=torch.uint8),
        "bool": torch.tensor([True, False]),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(torch.ones(2)),
    }
    state = model.state_dict()
    state.update(extra)
    expected = {name: (x.float() if x.dtype == torch.bfloat16 else x).detach().numpy() for name, x in state.items()}
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    same(load_state_dict(path), expected)
    parallel = {f"module.{name}": x for name, x in state.items()}
    torch.save({"state_dict": parallel, "epoch": 3, "loss": 0.5}, path, _use_new_zipfile_serialization=zipped)
    same(load_state_dict(path), expected)
    torch.save(model, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match=r"torch\.save\(model\.state_dict\(\), path\)"):
        load_state_dict(path)


@pytest.mark.skipif(not REAL.is_file(), reason="RECOG_REAL_DATA names no folder with lprnet_pytorch_weights/")
def test_a_real_file_is_read():
    found = load_state_dict(REAL)
    assert found["backbone.0.weight"].shape == (64, 3, 3, 3)
    trained = [array for name, array in found.items() if "running" not in name and "tracked" not in name]
    assert sum(array.size for array in trained) == 446_976
    assert all(np.isfinite(array).all() for array in found.values())
