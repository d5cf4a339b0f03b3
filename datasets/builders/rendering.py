"""Samples of a rendered source as records of a prepared set."""

import functools
import hashlib
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import tensorflow_datasets as tfds
from jaxtyping import UInt8
from tensorflow_datasets.proto import tf_example_pb2

from datasets.mixture import Mixture
from datasets.sources import Sample
from datasets.specs import open_source
from datasets.synthetic.stream import RenderedStream
from datasets.tfds_source import BOXES, boxes_feature
from recog.codecs import BoxLabel, boxes_to_json

_EXAMPLE: Any = tf_example_pb2.Example  # pyright: ignore[reportAttributeAccessIssue]  # protobuf makes it when imported

RENDERER_VERSION = "version of the renderer"
"""Name of the value that tells whether a renderer draws as it did before."""


class Rendering:
    """The first ``count`` samples of a rendered source.

    Example:
      >>> rendering = Rendering("scenes:seed=3", 1000, jpeg_quality=90)
      >>> records = list(rendering.records(range(256)))  # serialized examples

    Args:
      spec: a renderer and its settings, or a mixture of renderers, as in `open_source`.
      count: number of samples.
      jpeg_quality: 1 to 100; None stores pictures as PNG, without loss.

    Raises:
      ValueError: the source is not rendered, has fewer samples, or mixes boxes with texts.
    """

    def __init__(self, spec: str, count: int, jpeg_quality: int | None = None):
        source = open_source(spec)
        parts = source.sources if isinstance(source, Mixture) else (source,)
        self._parts = [part for part in parts if isinstance(part, RenderedStream)]
        if len(self._parts) < len(parts):
            raise ValueError(
                f"{spec!r} is not rendered: its samples are stored already and can be used as they are; "
                "name a renderer, such as plates:seed=1"
            )
        if count > len(source):
            raise ValueError(f"{spec!r} has {len(source):,} samples, fewer than {count:,}: write a larger count= in it")
        self.count = count
        self.jpeg_quality = jpeg_quality
        self._source = source
        self._weights = source.counts if isinstance(source, Mixture) else [1]
        firsts = [part[0] for part in self._parts]
        kinds = {isinstance(sample.label, BoxLabel) for sample in firsts}
        if len(kinds) > 1:
            raise ValueError(f"{spec!r} mixes labels with boxes and texts: store each kind as a set of its own")
        self.boxes = kinds.pop()
        """Whether the labels are boxes."""
        self._firsts = b"".join(self.records_of(firsts))

    @property
    def name(self) -> str:
        """Names of the renderers, joined by underscores."""
        return "_".join(dict.fromkeys(part.name for part in self._parts))

    def identity(self) -> dict[str, Any]:
        """Values on which the stored bytes depend, by name, for JSON.

        The version of the renderer is a hash of its first sample, which changes with its code, OpenCV and its files.
        """
        version = hashlib.blake2b(self._firsts, digest_size=8).hexdigest()
        values = {"count": self.count, "jpeg_quality": self.jpeg_quality, RENDERER_VERSION: version}
        if len(self._parts) == 1:  # whose own count does not change the samples
            return values | {"renderer": self.name} | self._parts[0].settings | {"count": self.count}
        for number, (part, weight) in enumerate(zip(self._parts, self._weights, strict=True), 1):
            settings = {"renderer": part.name, "weight": weight} | part.settings
            values |= {f"{name} of part {number}": value for name, value in settings.items()}
        return values

    @functools.cached_property
    def features(self) -> tfds.features.FeaturesDict:
        """Features of the set: image, text, origin and, for labels with boxes, boxes."""
        features = {
            "image": tfds.features.Image(shape=(None, None, 3), doc="The encoded picture."),
            "text": tfds.features.Text(doc="The label, or the texts of all boxes."),
            "origin": tfds.features.Text(doc="Renderer, seed and index, which suffice to draw the picture again."),
        }
        return tfds.features.FeaturesDict(features | ({BOXES: boxes_feature()} if self.boxes else {}))

    def records(self, indices: range) -> Iterator[bytes]:
        """Renders these samples, as serialized examples."""
        return self.records_of(map(self._source.__getitem__, indices))

    def records_of(self, samples: Any) -> Iterator[bytes]:
        """Serializes rendered samples, each to the same bytes in every process."""
        for sample in samples:
            record = self.features.serialize_example(self._example(sample))
            # TFDS leaves the order of the features to protobuf, which draws it anew in each process.
            yield _EXAMPLE.FromString(record).SerializeToString(deterministic=True)

    def _example(self, sample: Sample) -> dict[str, Any]:
        image, label, origin = sample
        assert isinstance(image, np.ndarray), "renderers return pixels"
        values = {"image": encode(image, self.jpeg_quality), "origin": origin}
        if self.boxes:
            return values | {"text": label.text, BOXES: boxes_to_json(label)}
        return values | {"text": label}


def encode(image: UInt8[np.ndarray, "H W 3"], jpeg_quality: int | None) -> bytes:
    """Encodes an RGB picture as PNG, or as JPEG of this quality with the chroma subsampling of cameras (4:2:0)."""
    ending, options = (".png", []) if jpeg_quality is None else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])
    done, encoded = cv2.imencode(ending, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f"a picture of {image.shape[1]}x{image.shape[0]} pixels is too large for a JPEG file")
    return encoded.tobytes()
