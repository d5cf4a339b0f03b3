"""Serving artifact: a folder that predicts with JAX or onnxruntime alone, without the code that trained it.

``program.bin`` is the StableHLO program (`jax.export`) from uint8 pixels to predictions, for any batch size and (except
for models with a fixed width) any width, with the parameters as arguments. ``parameters.safetensors``, ``codec.json``
and ``card.json`` complete it; ``config.json`` and ``card.md`` are for people.
"""

import copy
import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from jaxtyping import Float, Int, UInt8

from recog.codecs import ClassCodec, Codec, Prediction, Reading, TextCodec
from recog.export.card import Card
from recog.export.files import ArtifactError
from recog.export.loading import Parts, load_card, load_codec
from recog.export.pictures import ON_CPU, Grid, pad
from recog.export.program import Program

if TYPE_CHECKING:  # they import JAX, which not every runtime needs
    from recog.ctc.decoder import Decoder
    from recog.decoded import Decoded

T = TypeVar("T")


class Artifact:
    """A model loaded from a folder, with the runtime that runs its program; safe from many threads.

    With JAX, a program is compiled for each new shape of a batch. Methods for pictures of any size divide them into
    batches of a few shapes (`recog.export.pictures`), which `warm_up` compiles beforehand.

    Example::

      artifact = Artifact.load("plates")
      for text, confidence in artifact.read_pictures(pictures):  # uint8 arrays H W C of any size
          print(text, confidence)
    """

    grid: Grid = ON_CPU
    """Shapes of batches that pictures of any size are padded to."""

    def __init__(self, program: Program, codec: Codec, card: Card, parts: Parts | None = None):
        self.program = program
        self.codec = codec
        self.parts = parts
        self.card = card
        self._decode: "Callable[..., Decoded] | None" = None
        self._best: "Callable[..., Decoded] | None" = None

    @classmethod
    def load(cls, folder: str | Path, runtime: str = "jax") -> "Artifact":
        """Loads an artifact and verifies its files.

        Args:
          folder: folder that launch.export wrote.
          runtime: ``jax`` for the StableHLO program, ``onnx`` for ``model.onnx`` with onnxruntime, without JAX.

        Raises:
          ArtifactError: a file is missing, damaged, of another artifact, or of another version; a parameter is not
            finite; the runtime is unknown or not installed.
        """
        folder = Path(folder)
        card = load_card(folder)
        program, grid = _load_program(folder, card, runtime)
        codec, parts = load_codec(folder)
        artifact = cls(program, codec, card, parts)
        artifact.grid = grid
        return artifact

    @property
    def reads_whole_texts(self) -> bool:
        """Whether the program returns CTC logits of a whole text, which lexicons and lists of several texts need."""
        return "logit_lengths" in self.program.outputs

    @property
    def frames(self) -> int | None:
        """CTC frames of every picture; None if they depend on its width, or there are no logits of a whole text."""
        return self.program.outputs["logits"][1] if self.reads_whole_texts else None

    def decoded_by(self, decoder: "Decoder | None") -> "Artifact":
        """A copy with another decoder, such as ``BeamSearch(artifact.codec.alphabet.blank_id)``.

        Args:
          decoder: decoder of `recog.ctc` or another one; None for the exported one.

        Raises:
          ArtifactError: its program returns no logits that the decoder needs.
          ValueError: the decoder does not suit the structure of the texts (`recog.ctc.branches`) or the alphabet.
        """
        from recog.ctc.decoder import Ranking

        other = copy.copy(self)
        decode = self._decoding(decoder) if decoder else None
        best = decoder.best if isinstance(decoder, Ranking) and not self.parts else None
        on_device = decoder and not decoder.on_host
        other._decode = _compiled(decode) if decode and on_device else decode
        other._best = _compiled(best) if best and on_device else best
        return other

    def _decoding(self, decoder: "Decoder") -> "Callable[[Prediction], Decoded]":
        """Function that decodes the program's logits."""
        from recog.export.suited import require_alphabet

        if not isinstance(self.codec, TextCodec):
            raise ArtifactError("this artifact returns no logits of a text, which other decoders need")
        if not self.reads_whole_texts:
            return self._decoding_of_parts(decoder, self.codec)
        require_alphabet(decoder, self.codec.alphabet)
        return lambda logits: decoder(logits["logits"], logits["logit_lengths"])

    def _decoding_of_parts(self, decoder: "Decoder", codec: TextCodec) -> "Callable[[Prediction], Decoded]":
        """Function that decodes the logits of all branches and composes the text."""
        from recog.ctc.branches import BranchDecoder
        from recog.export.suited import require_alphabet

        if self.parts is None:
            raise ArtifactError("this artifact does not say how its parts compose a text: export it again")
        if self.parts.scores != "ctc":
            settings = json.dumps(self.card.decoder) if self.card.decoder else "greedy decoding"
            raise ArtifactError(
                f"attention decoders search within the program, and this one was exported with {settings}: export it "
                "again with the decoder's flags (launch.export --decoder=beam ...), or without for greedy decoding"
            )
        structure = self.parts.structure
        decode, names = BranchDecoder(structure, codec.alphabet, decoder), [b.name for b in structure.branches]
        require_alphabet(decoder, codec.alphabet)
        return lambda found: decode({name: (found[f"logits.{name}"], found[f"logit_lengths.{name}"]) for name in names})

    def predict(self, images: UInt8[np.ndarray, "B H W C"], sizes: Int[np.ndarray, "B 2"]) -> Prediction:
        """Predicts a batch of preprocessed and padded pictures: NumPy arrays by name.

        Compiles a program for every new shape. Confidences of texts are those of the card's temperature, unless
        `decoded_by` has chosen another decoder.

        Args:
          images: pictures with the height, the channels and, if fixed, the width of the card, padded with zeros on the
            right and, for letterboxed pictures, at the bottom.
          sizes: height and width of each picture without its padding; zeros for a row without a picture.

        Raises:
          ValueError: unexpected shape, type or size.
        """
        found = self._run(images, sizes)
        if self._decode:
            logits = {name: array for name, array in found.items() if name.startswith("logit")}
            found = found | self._decode(logits)._asdict()
        elif self.card.temperature != 1 and isinstance(self.codec, TextCodec):
            found = found | {"confidence": np.asarray(found["confidence"]) ** np.float32(1 / self.card.temperature)}
        return _arrays(found)

    def _run(self, images: UInt8[np.ndarray, "B H W C"], sizes: Int[np.ndarray, "B 2"]) -> Prediction:
        """Runs the program after checking its arguments."""
        wanted = self.card.preprocess
        if (
            images.dtype != np.uint8
            or images.ndim != 4
            or images.shape[1:] != (wanted.height, wanted.width or images.shape[2], wanted.channels)
        ):
            raise ValueError(
                f"images are {images.dtype} {images.shape}: "
                f"this artifact takes uint8 (B, {wanted.height}, {wanted.width or 'W'}, {wanted.channels})"
            )
        if sizes.shape != (len(images), 2) or np.any(sizes < 0) or np.any(sizes > images.shape[1:3]):
            raise ValueError(
                f"sizes {sizes.tolist()}: give height and width for each of the {images.shape[0]} pictures, up to "
                f"{images.shape[1:3]}, or zeros for a row without a picture"
            )
        return self.program(images, sizes.astype(np.int32))

    def logits(
        self, images: UInt8[np.ndarray, "B H W C"], sizes: Int[np.ndarray, "B 2"], branch: str = ""
    ) -> tuple[Float[np.ndarray, "B T K"], Int[np.ndarray, " B"]]:
        """Logits of a reader and the number of frames of each picture, for other decoders.

        Args:
          images: as for `predict`.
          sizes: as for `predict`.
          branch: name of the branch, for models that read a text by parts.

        Raises:
          ValueError: unexpected shape, type or size, or an unknown branch.
        """
        suffix = f".{branch}" if branch else ""
        if f"logit_lengths{suffix}" not in self.program.outputs:
            available = sorted(name for name in self.program.outputs if name.startswith("logits"))
            raise ValueError(f"no logits of branch {branch!r}: this artifact returns {', '.join(available) or 'none'}")
        found = self._run(images, sizes)
        return np.asarray(found[f"logits{suffix}"]), np.asarray(found[f"logit_lengths{suffix}"])

    def read(self, images: UInt8[np.ndarray, "B H W C"], sizes: Int[np.ndarray, "B 2"]) -> list[Reading]:
        """Predictions of a batch as text; arguments and errors as in `predict`."""
        return self.codec.readings(self.predict(images, sizes))

    def read_pictures(self, pictures: Sequence[UInt8[np.ndarray, "..."]]) -> list[Reading]:
        """Predictions for pictures of any size, grayscale, RGB or RGBA, grouped into few batches and shapes.

        Raises:
          ValueError: an array is not a picture, or a picture is too wide.
        """
        return self.read_fitted([self.fit(picture) for picture in pictures])

    def read_fitted(self, fitted: Sequence[UInt8[np.ndarray, "H W C"]]) -> list[Reading]:
        """Predictions for pictures returned by `fit`, which must not be fitted (and filtered) again."""
        return self.in_groups(fitted, self.read)

    def best_texts(
        self, images: UInt8[np.ndarray, "B H W C"], sizes: Int[np.ndarray, "B 2"], count: int
    ) -> list[list[Reading]]:
        """The best texts, or most probable classes, of each picture, best first, up to ``count``.

        Args:
          images: as for `predict`.
          sizes: as for `predict`.
          count: maximum number of texts or classes of a picture.

        Raises:
          ArtifactError: no decoder that lists several texts has been chosen with `decoded_by`, or the model reads texts
            by parts.
          ValueError: see `predict`.
        """
        if isinstance(self.codec, ClassCodec):
            return self.codec.lists(self.predict(images, sizes), count)
        found = self.predict_best(images, sizes, count)
        assert isinstance(self.codec, TextCodec)
        return self.codec.lists(found)

    def predict_best(
        self, images: UInt8[np.ndarray, "B H W C"], sizes: Int[np.ndarray, "B 2"], count: int
    ) -> Prediction:
        """The best texts of each picture, best first: the fields of `recog.decoded.Decoded` as arrays ``B N ...``.

        Arguments and errors as in `best_texts`.
        """
        if self.parts:
            raise ArtifactError("this artifact reads texts by parts, of which no lists of several texts are made")
        if not (self._best and isinstance(self.codec, TextCodec)):
            raise ArtifactError("choose a decoder that lists several texts: decoded_by(BeamSearch(blank_id=...))")
        found = self._run(images, sizes)
        return _arrays(self._best(found["logits"], found["logit_lengths"], count=count)._asdict())

    def best_of_fitted(self, fitted: Sequence[UInt8[np.ndarray, "H W C"]], count: int) -> list[list[Reading]]:
        """`best_texts` for pictures returned by `fit`."""
        return self.in_groups(fitted, functools.partial(self.best_texts, count=count))

    def in_groups(self, fitted: Sequence[UInt8[np.ndarray, "H W C"]], read: Callable[..., list[T]]) -> list[T]:
        """Outputs of ``read`` for pictures returned by `fit`, in few batches and shapes.

        Args:
          fitted: pictures returned by `fit`.
          read: takes the arguments of `predict`; returns an output for each row.
        """
        readings: dict[int, T] = {}
        wanted = self.card.preprocess
        for group in self.grid.groups([picture.shape[1] for picture in fitted], wanted.width):
            chosen = [fitted[index] for index in group.indices]
            found = read(*pad(chosen, group.rows, wanted.height, group.width))
            readings |= zip(group.indices, found, strict=False)  # further rows are padding of the batch
        return [readings[index] for index in range(len(fitted))]

    def warm_up(
        self,
        widths: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
        proceed: Callable[[], bool] = lambda: True,
    ) -> list[tuple[int, int]]:
        """Compiles programs for the usual batches, decoder included; returns their rows and widths.

        Args:
          widths: widths in pixels of the pictures to expect; None for all usual ones.
          rows: numbers of pictures that are read together; None for all usual ones.
          proceed: asked before each compilation; ends the warm-up where it returns false.
        """
        wanted = self.card.preprocess
        shapes = self.grid.shapes(wanted.width, widths, rows)
        for done, (count, width) in enumerate(shapes):
            if not proceed():
                return shapes[:done]
            nothing = np.zeros((count, wanted.height, width, wanted.channels), np.uint8)
            self.predict(nothing, np.zeros((count, 2), np.int32))
        return shapes

    def fit(self, picture: bytes | UInt8[np.ndarray, "..."]) -> UInt8[np.ndarray, "H W C"]:
        """Preprocesses a picture, or the content of a picture file, for the program.

        Raises:
          ValueError: not a picture, or too wide.
        """
        return self.card.preprocess(picture)


def _load_program(folder: Path, card: Card, runtime: str) -> tuple[Program, Grid]:
    """Loads a program with its runtime, whose packages are imported only then, and the grid that suits it."""
    if runtime == "jax":
        try:
            from recog.export import stablehlo_program
        except ImportError as error:
            raise ArtifactError(
                f"the runtime jax needs JAX ({error}): pip install jax, or use the runtime onnx"
            ) from error
        return stablehlo_program.load_program(folder, card), stablehlo_program.grid()
    if runtime != "onnx":
        raise ArtifactError(f"unknown runtime {runtime!r}; expected jax or onnx")
    try:
        from recog.export import onnx_program
    except ImportError as error:
        raise ArtifactError(
            f"the runtime onnx needs onnxruntime ({error}): pip install recog[onnx], or use the runtime jax"
        ) from error
    return onnx_program.load_program(folder, card), ON_CPU


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decoder compiled by JAX, whichever runtime computes the logits."""
    from recog.export.executables import Executables

    return Executables(function)


def _arrays(found: Prediction) -> Prediction:
    return {name: np.asarray(array) for name, array in found.items()}
