"""Agreement of the predictions of an artifact with those of its model, with stand-ins for both."""

from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from recog.codecs import BoxCodec
from recog.export.check import SHAPES, DisagreementError, check_agreement
from recog.preprocess import Preprocess

CODEC, SLOTS = BoxCodec(("plate",)), 4


def detected(images, order, down=0.0):
    """Three detections in every picture, in decreasing order of scores up to rounding, and an empty slot."""
    batch = len(images)
    x = 20.0 * np.array(order)
    boxes = np.stack([x, x + down, x + 15, x + 5 + down], axis=-1)
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(SLOTS, 4, 2)
    scores = np.array([0.9, 0.9 - 1e-7, 0.5, 0.0])
    each = {"boxes": boxes, "corners": corners, "scores": scores}
    each = {name: np.broadcast_to(array, (batch, *array.shape)).astype(np.float32) for name, array in each.items()}
    mask = np.broadcast_to(np.array([True, True, True, False]), (batch, SLOTS))
    return each | {"classes": np.zeros((batch, SLOTS), np.int32), "mask": mask}


def agreement(order=(0, 1, 2, 9), down=0.0):
    task: Any = SimpleNamespace(
        codec=CODEC,
        rows=CODEC.readings,
        predict=lambda variables, images, sizes: {n: jnp.asarray(a) for n, a in detected(images, [0, 1, 2, 9]).items()},
    )
    artifact: Any = SimpleNamespace(
        card=SimpleNamespace(preprocess=Preprocess(16, 32, 3)),
        predict=lambda images, sizes: detected(images, order, down),
    )
    return check_agreement(artifact, task, {})


def test_detections_with_equal_scores_may_swap_their_places():
    pictures = sum(rows for rows, _ in SHAPES)
    assert agreement().pictures == pictures
    swapped = agreement(order=[1, 0, 2, 5])  # the empty slot is not compared
    assert swapped.pictures == pictures
    assert swapped.numbers == 2 * 3 * pictures
    assert swapped.difference < 1e-6


@pytest.mark.parametrize("changed", [{"order": [0, 2, 1, 9]}, {"order": [0, 1, 3, 9]}, {"down": 0.1}, {"down": 30.0}])
def test_other_detections_are_refused(changed):
    with pytest.raises(DisagreementError, match=r"the artifact predicts .*, the live model .* differs by"):
        agreement(**changed)


def test_numbers_that_are_not_finite_are_named():
    with pytest.raises(DisagreementError, match="boxes is not finite"):
        agreement(down=np.nan)
