"""Outputs of ONNX programs in the form of the StableHLO program's, by NumPy.

ONNX programs leave the best path in place (`recog.export.onnx.frames`), because no packing works in every importer.
Packed, tokens have the meaning, and nearly the numbers, of `recog.ctc.best_path` and `recog.tasks.greedy.until_end`.
"""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Bool, Float, Int

from recog.alphabet import Alphabet
from recog.composition import compose
from recog.decoded import Decoded
from recog.rectangles import overlaps
from recog.structure import Structure

Outputs = Mapping[str, np.ndarray]


def packed_path(found: Outputs, blank_id: int, suffix: str = "") -> Decoded:
    """Best path of a reader by CTC, or of one of its branches.

    Args:
      found: outputs of the program.
      blank_id: id of the blank.
      suffix: end of the names of the branch's outputs.
    """
    path, posterior = found[f"path{suffix}"], found[f"confidences{suffix}"]
    batch, frames = path.shape
    token = path != blank_id
    starts = token & (path != np.pad(path, ((0, 0), (1, 0)), constant_values=blank_id)[:, :-1])
    slot = np.where(token, np.cumsum(starts, axis=1) - 1, frames)
    row = np.arange(batch)[:, None]
    confidences, tokens = np.zeros((batch, frames + 1), np.float32), np.zeros((batch, frames + 1), np.int32)
    np.maximum.at(confidences, (row, slot), posterior)
    np.maximum.at(tokens, (row, slot), path)
    peaks = token & (posterior == np.take_along_axis(confidences, slot, axis=1))
    at = np.full((batch, frames + 1), frames, np.int32)
    np.minimum.at(at, (row, np.where(peaks, slot, frames)), np.arange(frames, dtype=np.int32))
    lengths = starts.sum(axis=1, dtype=np.int32)
    read = np.arange(frames) < lengths[:, None]
    confidences = np.where(read, confidences[:, :frames], np.float32(0))
    confidence = np.where(read, confidences, np.float32(1)).prod(axis=1)
    empty = np.flatnonzero(lengths == 0)
    confidence[empty] = _all_blank(found[f"logits{suffix}"][empty], found[f"logit_lengths{suffix}"][empty], blank_id)
    return Decoded(
        np.where(read, tokens[:, :frames], 0), lengths, confidences, np.where(read, at[:, :frames], -1), confidence
    )


def _all_blank(logits: Float[np.ndarray, "B T K"], lengths: Int[np.ndarray, " B"], blank_id: int):
    """Probability that all frames are blank."""
    live = np.arange(logits.shape[1]) < lengths[:, None]
    return np.exp(np.where(live, _log_softmax(logits)[..., blank_id], np.float32(0)).sum(axis=1))


def _log_softmax(logits: Float[np.ndarray, "*B K"]) -> Float[np.ndarray, "*B K"]:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def packed_greedy(found: Outputs, end_id: int, suffix: str) -> Decoded:
    """Greedy reading of an attention decoder up to its end; arguments as for `packed_path`."""
    path, confidences, places = (found[f"{name}{suffix}"] for name in ("path", "confidences", "places"))
    steps = path.shape[1] - 1
    read = np.cumsum(path == end_id, axis=1)[:, :steps] == 0
    lengths = read.sum(axis=1, dtype=np.int32)
    last = np.take_along_axis(found[f"logits{suffix}"], lengths[:, None, None], axis=1)[:, 0]
    path, confidences, places = (array[:, :steps] for array in (path, confidences, places))
    return Decoded(
        tokens=np.where(read, path, 0),
        lengths=lengths,
        confidences=np.where(read, confidences, np.float32(0)),
        frames=np.where(read, places, -1),
        confidence=np.where(read, confidences, np.float32(1)).prod(axis=1) * np.exp(_log_softmax(last)[:, end_id]),
    )


def composed(
    structure: Structure, alphabet: Alphabet, packed: Callable[[Outputs, int, str], Decoded], found: Outputs
) -> Decoded:
    """Text composed of the branches, each packed by one of the functions above."""
    read = {branch.name: packed(found, alphabet.blank_id, f".{branch.name}") for branch in structure.branches}
    return compose(structure, alphabet, read)


def suppressed(found: Outputs, most: float, count: int) -> dict[str, np.ndarray]:
    """Detections that greedy non-maximum suppression keeps, as `recog.tasks.locating` returns them.

    Args:
      found: candidates by decreasing score: ``boxes``, ``corners``, ``classes`` and ``scores``.
      most: maximum intersection over union of two detections of a class.
      count: maximum number of detections in a picture.
    """
    kept = np.stack([_kept(*row, most) for row in zip(found["boxes"], found["classes"], found["scores"], strict=True)])
    order = np.argsort(~kept, axis=1, kind="stable")[:, :count]
    mask = np.take_along_axis(kept, order, axis=1)
    chosen = {}
    for name, array in found.items():
        index, own = (x.reshape(*x.shape, *[1] * (array.ndim - 2)) for x in (order, mask))
        chosen[name] = np.where(own, np.take_along_axis(array, index, axis=1), array.dtype.type(0))
    return chosen | {"mask": mask}


def _kept(
    boxes: Float[np.ndarray, "N 4"], classes: Int[np.ndarray, " N"], scores: Float[np.ndarray, " N"], most: float
) -> Bool[np.ndarray, " N"]:
    rivals = (overlaps(boxes, boxes) > most) & (classes[:, None] == classes)
    kept = scores > 0
    for place in np.flatnonzero(kept):
        if kept[place]:
            kept[place + 1 :] &= ~rivals[place, place + 1 :]
    return kept
