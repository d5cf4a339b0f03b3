"""Evidence for the predicted class of a picture, by Grad-CAM."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from recog.explaining.chunks import in_chunks
from recog.explaining.gradcam import capture, weigh_whole
from recog.tasks.classifying import ClassifyingTask
from recog.tasks.task import Variables, normalize


class ClassEvidence(NamedTuple):
    """Predicted classes of a batch, and the evidence for them."""

    classes: Int[Any, " B"]
    maps: Float[Any, "B Y X"]
    """Map over the feature map's positions."""


def find_class_evidence(
    task: ClassifyingTask,
    variables: Variables,
    images: UInt8[np.ndarray, "B H W C"],
    sizes: Int[np.ndarray, "B 2"],
) -> ClassEvidence:
    """Predicts classes, and finds the evidence for them in the whole pictures, whatever views the task averages."""
    return in_chunks(functools.partial(_differentiate, task), variables, (images, sizes))


def _differentiate(
    task: ClassifyingTask, variables: Variables, arrays: tuple[UInt8[Array, "B H W C"], Int[Array, "B 2"]]
) -> ClassEvidence:
    """Differentiates the logit of the class with the highest probability."""
    images, sizes = arrays
    classes = jnp.argmax(task.predict(variables, images, sizes)["probabilities"], axis=-1)
    captured = capture(
        task.model, variables, normalize(images), sizes[:, 1], train=False, divide=lambda logits: (logits, ())
    )
    gradient = captured.gradient(jax.nn.one_hot(classes, captured.scores.shape[-1], dtype=captured.scores.dtype))
    return ClassEvidence(classes, weigh_whole(captured.features, gradient))
