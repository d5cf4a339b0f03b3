"""Graphic supervision (PeerJ Computer Science 2024): during training, a decoder draws the label of the picture.

The loss of the drawing pulls the features towards the shapes and positions of the characters. Prediction does not run
the decoder.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from recog.alphabet import Alphabet
from recog.batch import Batch
from recog.drawing import Box, draw_labels, glyph_atlas
from recog.tasks.task import Loss, LossOutput, Variables, apply_training, masked_mean


def drawing_loss(model: Any, alphabet: Alphabet, box: Box) -> Loss:
    """Squared error between a model's drawing and the label drawn with a font; an auxiliary loss of a task.

    Example::

      box = alignment_box(mean_of_training_pictures)
      task = ReadingTask(model, codec, auxiliary=(drawing_loss(model, codec.alphabet, box),))

    Args:
      model: a Flax module with ``draw(images, widths, *, train) -> Float B H W``, ink 0 to 1.
      alphabet: alphabet of the labels.
      box: position of the label in pixels of the drawing (see `recog.drawing.alignment_box`).

    Returns:
      The loss ``image``: mean squared error of each sample, averaged over the batch's samples.

    Raises:
      ValueError: OpenCV's fonts cannot draw a token; when traced, the box extends beyond the model's drawings.
    """
    atlas = glyph_atlas(alphabet)

    def function(variables: Variables, batch: Batch, key: jax.Array) -> tuple[Float[Array, ""], LossOutput]:
        drawings, model_state = apply_training(model, variables, batch, key, method="draw")
        size = drawings.shape[1:]
        targets = draw_labels(atlas, *batch.targets, size=size, box=box)
        losses = jnp.mean(jnp.square(drawings.astype(jnp.float32) - targets), axis=(1, 2))
        return masked_mean(losses, batch.mask), LossOutput(model_state, losses, {})

    return Loss("image", function)
