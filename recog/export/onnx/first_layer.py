"""Search for the first layer at which an ONNX program differs from the Flax model."""

import functools
from collections.abc import Mapping
from typing import Any

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import onnxruntime

from recog.export.onnx.emit import Emitted
from recog.export.onnx.pictures import FLOAT
from recog.export.onnx.samples import Pictures
from recog.tasks.branches import BranchTask
from recog.tasks.classifying import ClassifyingTask
from recog.tasks.task import Task, normalize
from recog.tasks.views import views_of

TOLERANCE = 1e-3
"""Maximum difference of a layer's output, relative to its largest absolute value."""


def first_difference(emitted: Emitted, task: Task, arrays: Mapping[str, np.ndarray], pictures: Pictures) -> str:
    """Path of the first Flax module, in the order of the graph, whose output differs by more than `TOLERANCE`."""
    session = onnxruntime.InferenceSession(emitted.with_layers().SerializeToString())
    layers = {layer.path: layer for layer in emitted.layers}
    names = [layer.tensor for layer in layers.values()]
    given = {"x": pictures.as_floats()} if emitted.options.layout == FLOAT else pictures._asdict()
    found = session.run(names, given)
    expected = _outputs_of_modules(task, arrays, pictures)
    for layer, ours in zip(layers.values(), found, strict=True):
        theirs = expected.get(layer.path)
        if theirs is not None and _differs(np.asarray(ours).transpose(layer.order), theirs):
            return "/".join(layer.path)
    return "after all layers, in the outputs themselves"


def _differs(ours: np.ndarray, theirs: np.ndarray) -> bool:
    if ours.shape != theirs.shape:
        return True
    apart, scale = np.max(np.abs(ours - theirs), initial=0.0), np.max(np.abs(theirs), initial=0.0)
    return not apart <= TOLERANCE * max(float(scale), 1e-6)


def _outputs_of_modules(
    task: Task, arrays: Mapping[str, np.ndarray], pictures: Pictures
) -> dict[tuple[str, ...], np.ndarray]:
    """Outputs of all modules by path; a convolution that returns its bias beside its output has it added."""
    images, widths = normalize(jnp.asarray(pictures.images)), jnp.asarray(pictures.sizes[:, 1])
    if isinstance(task, ClassifyingTask) and len(task.views) > 1:
        views = views_of(jnp.asarray(pictures.images), jnp.asarray(pictures.sizes), task.views)
        images, widths = jnp.concatenate([normalize(view) for view in views]), jnp.tile(widths, len(views))
    calls = jax.jit(functools.partial(module_calls, task))(dict(arrays), images, widths)
    return {path[:-1]: _value(value[0]) for path, value in calls.items() if _is_array(value[0])}


def module_calls(task: Task, arrays: Mapping[str, Any], images: Any, widths: Any) -> dict[tuple[str, ...], Any]:
    """Results of the calls of all modules, by path and ``__call__``; a pure function of normalised pictures."""
    method: dict[str, Any] = {"method": "score"} if isinstance(task, BranchTask) else {"train": False}
    variables = flax.traverse_util.unflatten_dict(dict(arrays), sep="/")
    _, state = task.model.apply(
        variables, images, widths, **method, capture_intermediates=True, mutable=["intermediates"]
    )
    return flax.traverse_util.flatten_dict(state["intermediates"])


def _is_array(value: Any) -> bool:
    return isinstance(value, jax.Array) or (type(value) is tuple and isinstance(value[0], jax.Array))


def _value(value: Any) -> np.ndarray:
    return np.asarray(value[0] + value[1] if isinstance(value, tuple) else value)
