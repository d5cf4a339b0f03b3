"""Kinds of labels: each codec encodes labels as arrays of fixed shape and shows predictions as text."""

from typing import Any

from recog.codecs.box_json import boxes_from_json, boxes_to_json
from recog.codecs.boxes import BoxCodec, BoxLabel, BoxTargets, LabelledBox
from recog.codecs.classes import ClassCodec, ClassTargets, MixedClassTargets
from recog.codecs.codec import CardText, Codec, Prediction, Problems, Reading, fill
from recog.codecs.text import TextCodec, TextTargets

__all__ = [
    "BoxCodec",
    "BoxLabel",
    "BoxTargets",
    "CardText",
    "ClassCodec",
    "ClassTargets",
    "Codec",
    "LabelledBox",
    "MixedClassTargets",
    "Prediction",
    "Problems",
    "Reading",
    "TextCodec",
    "TextTargets",
    "boxes_from_json",
    "boxes_to_json",
    "codec_from_json",
    "fill",
]


def codec_from_json(saved: dict[str, Any]) -> Codec:
    """Loads a codec from the form that its ``to_json`` returned.

    Raises:
      ValueError: unknown kind of labels, or a field is missing.
    """
    try:
        match saved["kind"]:
            case TextCodec.kind:
                return TextCodec.from_json(saved)
            case ClassCodec.kind:
                return ClassCodec.from_json(saved)
            case BoxCodec.kind:
                return BoxCodec.from_json(saved)
            case other:
                raise ValueError(f"unknown kind of labels {other!r}; expected text, classes or boxes")
    except (KeyError, TypeError) as error:
        raise ValueError(f"the saved codec is damaged ({error!r}): copy the folder again") from error
