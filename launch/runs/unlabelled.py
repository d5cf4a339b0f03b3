"""Pictures without labels, to be read by a trained model or to adapt it."""

from typing import Any

from datasets.needs import Needs
from datasets.pipeline import DataConfig
from datasets.relabelled import Unlabelled, label_of_nothing
from datasets.sources import Source
from recog.codecs import Codec, Problems


def pictures_for(source: Source, data: DataConfig, codec: Codec) -> tuple[Unlabelled, Needs]:
    """The pictures of a source without its labels, and the requirements of a model on them.

    Args:
      source: source of the pictures.
      data: preprocessing of the model's pictures.
      codec: codec of the model.
    """
    return Unlabelled(source, label_of_nothing(codec)), Needs(data.preprocess, codec, _no_problems)


def _no_problems(label: Any, size: tuple[int, int]) -> Problems:
    del label, size
    return {}
