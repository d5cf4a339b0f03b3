"""ONNX programs predict the same in OpenVINO, in float32."""

import numpy as np
import onnxruntime
import pytest

from recog.export.onnx.samples import make_pictures
from tests.export.onnx.tiny_tasks import TASKS, make

openvino = pytest.importorskip("openvino", reason="the extra openvino is not installed")


@pytest.mark.parametrize("name", TASKS)
def test_openvino_predicts_what_onnxruntime_predicts(name):
    made = make(name)
    model, pictures = made.emit().model.SerializeToString(), make_pictures(made.preprocess)
    session = onnxruntime.InferenceSession(model)
    names = [output.name for output in session.get_outputs()]
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model, b""), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    batches = [pictures] if name == "lprnet_batch" else [pictures, pictures.some([0], made.preprocess)]
    for batch in batches:
        inputs = {"images": batch.images, "sizes": batch.sizes}
        found, expected = compiled(inputs), [np.asarray(x) for x in session.run(names, inputs)]
        for name, wanted in zip(names, expected, strict=True):
            scale = max(1.0, float(np.max(np.abs(wanted), initial=0)))
            np.testing.assert_allclose(found[name] / scale, wanted / scale, atol=1e-4, err_msg=name)
