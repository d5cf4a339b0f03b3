"""Description of the models of a server, for clients."""

import dataclasses
from typing import Any

from recog.codecs import TextCodec
from recog.ctc.named_patterns import NAMED
from recog.export.artifact import Artifact
from recog.serving.decoders import NBEST
from recog.serving.limits import Limits
from recog.serving.models import Models, Reader
from recog.version import own_version


def describe(models: Models, limits: Limits) -> dict[str, Any]:
    """Models, their options and the limits, for JSON."""
    readers = list(models.readers.values())
    searches = any("beam" in reader.decoders.names for reader in readers)
    return {
        "version": own_version(),
        "default": readers[0].name if readers else None,
        "models": [_reader(reader) for reader in readers],
        "detector": _artifact(models.plates.detector) if models.plates else None,
        "plates": {"models": list(models.plates.readers)} if models.plates else None,
        "patterns": NAMED if searches else {},
        "limits": dataclasses.asdict(limits) | {"nbest": NBEST},
    }


def _reader(reader: Reader) -> dict[str, Any]:
    decoders = reader.decoders
    options = {"decoders": decoders.names, "lexicons": decoders.lexicons, "nbest": NBEST if decoders.lists else 0}
    return {"name": reader.name} | _artifact(reader.artifact) | options


def _artifact(artifact: Artifact) -> dict[str, Any]:
    card, codec = artifact.card, artifact.codec
    return {
        "kind": codec.kind,
        "architecture": card.architecture,
        "parameters": card.parameters,
        "units": list(codec.units),
        "right_to_left": isinstance(codec, TextCodec) and codec.reading_order == "visual",
        "preprocess": card.preprocess.to_json(),
        "decoder": card.decoder,
        "training_data": card.training_data,
        "validation_data": card.validation_data,
        "metrics": card.metrics,
        "exported": card.exported,
        "sha256": card.sha256,
    }
