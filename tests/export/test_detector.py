"""A detector is exported for any batch size, suppression included, and then finds what the live model finds."""

import jax
import numpy as np

from recog.batch import Batch
from recog.codecs import BoxCodec
from recog.export.write import make_program
from recog.models.yolo import YOLOConfig
from recog.preprocess import Preprocess
from recog.tasks.locating import LocatingTask


def test_detectors_have_programs_for_any_batch():
    codec = BoxCodec(("plate",), most=2)
    task = LocatingTask(YOLOConfig(width=1 / 16, blocks=(0,) * 5, patch=4).build(codec), codec)
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    sizes = np.array([[64, 64], [40, 64]], np.int32)
    batch = Batch(images, sizes, codec.zeros(2), np.arange(2), np.ones(2, bool))
    shapes = jax.eval_shape(task.init, jax.random.key(0), batch)
    random = np.random.default_rng(1)
    variables = jax.tree.map(lambda x: np.abs(random.normal(0, 0.3, x.shape)).astype(x.dtype), shapes)
    flat = {"/".join(key.key for key in path): x for path, x in jax.tree_util.tree_flatten_with_path(variables)[0]}
    program = make_program(task, flat, Preprocess(64, 64, 3, letterbox=True))
    assert not isinstance(program.in_avals[-1].shape[0], int), "the batch size is symbolic"
    found = jax.device_get(jax.jit(program.call)(flat, images, sizes))
    live = jax.device_get(jax.jit(task.predict)(variables, images, sizes))
    assert found["mask"].any()
    one, other = codec.paired(found, live)
    for name in codec.compared:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-4, atol=1e-4)
