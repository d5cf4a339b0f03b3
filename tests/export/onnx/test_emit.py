"""ONNX programs of every architecture predict what the model predicts, and are valid in all opsets."""

import json

import jax
import numpy as np
import onnx
import onnxruntime
import pytest

from recog.codecs import codec_from_json
from recog.export.half import in_half, in_single
from recog.export.onnx.emit import OnnxOptions
from recog.export.onnx.first_layer import module_calls
from recog.export.onnx.graph import LARGEST_SHARED, Graph
from recog.export.onnx.parity import TOLERANCE, check_parity
from recog.export.onnx.samples import make_pictures
from tests.export.onnx.tiny_tasks import TASKS, make

BY_OPSET = "crnn", "plate_reader", "parts_attention", "classifier", "classifier_sigmoid", "lprnet_batch", "yolo"
"""Tasks that together have every node whose form depends on the opset."""


def check(name: str, **options) -> None:
    made = make(name)
    emitted = made.emit(**options)
    onnx.checker.check_model(emitted.model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(emitted.model, strict_mode=True, data_prop=True)
    assert len(inferred.graph.value_info) > len(inferred.graph.node) // 2
    parity = check_parity(emitted, made.reference, made.task, made.arrays, made.preprocess)
    assert parity.pictures >= 12
    assert parity.difference <= TOLERANCE


@pytest.mark.parametrize("name", TASKS)
def test_predicts_what_the_model_predicts(name):
    check(name)


@pytest.mark.parametrize("opset", [13, 21])
@pytest.mark.parametrize("name", BY_OPSET)
def test_other_opsets_predict_the_same(name, opset):
    check(name, opset=opset)


@pytest.mark.parametrize("name", ["crnn", "crnn_lstm", "lprnet", "lprnet_batch", "classifier"])
def test_takes_normalised_floats_of_other_libraries(name):
    check(name, layout="nchw_float")


def test_suppression_outside_finds_the_same_boxes():
    found = make("yolo").wanted
    assert found["mask"].sum() > 20
    assert not found["mask"].all(), "some candidates are suppressed"
    check("yolo", nms="outside")


@pytest.mark.parametrize("name", TASKS)
def test_marked_tensors_are_outputs_of_modules(name):
    made = make(name)
    images, sizes = make_pictures(made.preprocess)
    images = jax.ShapeDtypeStruct(images.shape, np.float32)
    calls = jax.eval_shape(lambda *x: module_calls(made.task, *x), made.arrays, images, sizes[:, 1])
    paths = [layer.path for layer in made.emit().layers]
    assert paths
    assert {(*path, "__call__") for path in paths} <= calls.keys()


@pytest.mark.parametrize("name", ["crnn_lstm", "crnn_gru", "parts_attention", "lprnet", "classifier_lite", "yolo"])
def test_weights_in_half_precision_are_stored_in_half_the_size(name, monkeypatch):
    made = make(name)
    made = made._replace(arrays={key: in_single(in_half({key: each}))[key] for key, each in made.arrays.items()})
    halves = made.emit().model
    monkeypatch.setattr(
        Graph, "weights", lambda self, x, by=None: self.constant(x * (1 if by is None else by), np.float32)
    )
    singles = made.emit().model
    before, after = (large_constants(model) for model in (singles, halves))
    in_single_still = before & after  # grids of cells, tables of sums
    assert before - in_single_still
    assert sorted(2 * size for _, size in after - in_single_still) == sorted(
        size for _, size in before - in_single_still
    )
    images, sizes = make_pictures(made.preprocess)
    found, wanted = (
        onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"images": images, "sizes": sizes})
        for model in (halves, singles)
    )
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-5, atol=1e-4)


def large_constants(model: onnx.ModelProto) -> set[tuple[bytes, int]]:
    """Content and number of bytes of the constants that vary along more than one axis."""
    arrays = (onnx.numpy_helper.to_array(each) for each in model.graph.initializer)
    return {(array.tobytes(), array.nbytes) for array in arrays if LARGEST_SHARED < array.size > max(array.shape)}


def test_rejects_unknown_options():
    with pytest.raises(ValueError, match="opset=12: choose 13 to 21"):
        make("crnn").emit(opset=12)
    with pytest.raises(ValueError, match="layout=hwc"):
        OnnxOptions(layout="hwc")
    with pytest.raises(ValueError, match="nms=none"):
        OnnxOptions(nms="none")
    with pytest.raises(ValueError, match="leave it out"):
        make("parts_ctc").emit(layout="nchw_float")


def properties(name: str, **options) -> dict[str, str]:
    return {entry.key: entry.value for entry in make(name).emit(**options).model.metadata_props}


def test_metadata_tells_how_to_read():
    made, found = make("crnn_lstm"), properties("crnn_lstm")
    assert found["character"].split("\n") == list("0123456789")
    assert codec_from_json(json.loads(found["codec"])) == made.task.codec
    assert json.loads(found["preprocess"]) == {"height": 32, "width": 0, "channels": 3, "filters": []}
    assert (found["card"], found["layout"], found["blank_id"]) == ("{}", "nhwc_uint8", "10")
    assert properties("crnn_lstm", layout="nchw_float")["blank_id"] == "0", "other libraries want the blank first"


def test_batch_and_width_are_free_and_the_rest_is_not():
    [images, sizes] = make("crnn").emit().model.graph.input
    shapes = [[axis.dim_param or axis.dim_value for axis in x.type.tensor_type.shape.dim] for x in (images, sizes)]
    assert shapes == [["batch", 32, "width", 1], ["batch", 2]]
