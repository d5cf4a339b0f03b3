"""Sources with the pictures of others and labels of their own."""

from collections.abc import Sequence
from typing import Any

from datasets.sources import Keyed, Sample, Source, Subset
from recog.codecs import BoxCodec, BoxLabel, ClassCodec, Codec


class Unlabelled:
    """The pictures of a source, all with the same label in place of their own.

    Args:
      source: source of the pictures.
      label: a label that the loader can encode (`label_of_nothing`).
    """

    def __init__(self, source: Source, label: Any):
        self._source, self._label = source, label

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> Sample:
        return self._source[index]._replace(label=self._label)

    def origin(self, index: int) -> str:
        """Origin of a sample in the source."""
        return self._source.origin(index)


class Relabelled(Subset):
    """Some samples of a source with given labels, such as readings of a model.

    Args:
      source: source of the pictures.
      indices: indices of the samples in the source.
      labels: label of each.
      by: author of the labels, for messages.
    """

    def __init__(self, source: Keyed, indices: Sequence[int], labels: Sequence[str], by: str):
        super().__init__(source, indices)
        self._labels, self._by = tuple(labels), by

    def __getitem__(self, index: int) -> Sample:
        return Sample(super().__getitem__(index).image, self._labels[index], self.origin(index))

    def origin(self, index: int) -> str:
        """Origin of a sample in the whole source, with the author of its label."""
        return f"{super().origin(index)}, read by {self._by}"


def label_of_nothing(codec: Codec) -> Any:
    """Label for pictures whose label is unknown and not used, which every codec of this kind can encode."""
    match codec.kind:
        case BoxCodec.kind:
            return BoxLabel(())
        case ClassCodec.kind:
            return codec.class_names[0]
        case _:
            return ""
