"""ONNX program of an artifact, run by onnxruntime without JAX."""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from jaxtyping import Int32, UInt8

from recog.codecs import BoxCodec, Codec, TextCodec
from recog.decoded import Decoded
from recog.export import onnx_outputs
from recog.export.card import Card
from recog.export.files import CARD, ONNX, ArtifactError, sha256
from recog.export.loading import Parts, load_codec

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""Devices to run on, the first that is available."""
NMS = "nms"
"""Entry of the metadata of a detector without non-maximum suppression: the arguments of `onnx_outputs.suppressed`."""

Finish = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
"""Function from the outputs of a session to those of the StableHLO program."""


class OnnxProgram:
    """A `recog.export.program.Program`, for batches of any size without compilation.

    Args:
      session: session of the program.
      finish: makes the outputs those of the StableHLO program.
    """

    def __init__(self, session: onnxruntime.InferenceSession, finish: Finish):
        self._session, self._finish = session, finish
        self._names = [output.name for output in session.get_outputs()]
        self.outputs = _shapes(session)

    def __call__(self, images: UInt8[np.ndarray, "B H W C"], sizes: Int32[np.ndarray, "B 2"]) -> dict[str, Any]:
        """Predicts a batch; see `recog.export.program.Program`."""
        found: Sequence[Any] = self._session.run(self._names, {"images": images, "sizes": sizes})
        return self._finish(dict(zip(self._names, found, strict=True)))


def load_program(folder: Path, card: Card) -> OnnxProgram:
    """Loads the program.

    Raises:
      ArtifactError: the artifact has no ONNX program, or it is damaged or of another artifact.
    """
    path = folder / ONNX
    if not path.is_file() or ONNX not in card.sha256:
        raise ArtifactError(
            f"{folder} holds no {ONNX}: add it with python -m launch.export --artifact={folder} --onnx, or use the "
            "runtime jax"
        )
    if sha256(path) != card.sha256[ONNX]:
        raise ArtifactError(
            f"{path} is damaged or of another artifact (its sha256 differs from that in {CARD}): copy the whole folder "
            "again, or export it again"
        )
    try:
        return make_program(path.read_bytes(), *load_codec(folder))
    except Exception as error:  # of onnxruntime's own types, which it does not name in public
        raise ArtifactError(f"{path}: onnxruntime {onnxruntime.__version__} cannot load it ({error})") from error


def make_program(model: bytes, codec: Codec, parts: Parts | None) -> OnnxProgram:
    """The program of a serialized model."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    available = onnxruntime.get_available_providers()
    providers = [name for name in PROVIDERS if name in available]
    session = onnxruntime.InferenceSession(model, options, providers=providers)
    return OnnxProgram(session, _finish(session, codec, parts))


def _finish(session: onnxruntime.InferenceSession, codec: Codec, parts: Parts | None) -> Finish:
    match codec:
        case TextCodec() if parts:
            pack = onnx_outputs.packed_path if parts.scores == "ctc" else onnx_outputs.packed_greedy
            decode = functools.partial(onnx_outputs.composed, parts.structure, codec.alphabet, pack)
            return lambda found: _with_decoded(decode(found), found)
        case TextCodec():
            blank_id = codec.alphabet.blank_id
            return lambda found: _with_decoded(onnx_outputs.packed_path(found, blank_id), found)
        case BoxCodec() if settings := session.get_modelmeta().custom_metadata_map.get(NMS):
            return functools.partial(onnx_outputs.suppressed, **json.loads(settings))
        case _:
            return lambda found: found


def _with_decoded(decoded: Decoded, found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Fields of a decoded text, and the logits that it was decoded from."""
    return {**decoded._asdict(), **{name: array for name, array in found.items() if name.startswith("logit")}}


def _shapes(session: onnxruntime.InferenceSession) -> dict[str, tuple[int | None, ...]]:
    """Shapes of the program's outputs; of what is decoded from them, only the number of axes is known."""
    shapes = {
        output.name: tuple(size if isinstance(size, int) else None for size in output.shape)
        for output in session.get_outputs()
    }
    if not any(name.startswith("logit_lengths") for name in shapes):
        return shapes
    logits = {name: shape for name, shape in shapes.items() if name.startswith("logit")}
    axes = {"tokens": 2, "lengths": 1, "confidences": 2, "frames": 2, "confidence": 1}
    return logits | {name: (None,) * count for name, count in axes.items()}
