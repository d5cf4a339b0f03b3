"""Model card of an artifact: inputs, outputs, accuracy and use, as JSON and as Markdown."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

from recog.codecs import Codec
from recog.preprocess import TALL, Preprocess

FORMAT = 4
"""Version of the artifact's file formats; incremented by changes that earlier versions cannot load."""
HALF = 5
"""Version of artifacts whose kernels are stored in half precision; otherwise as `FORMAT`."""


@dataclasses.dataclass(frozen=True)
class Card:
    """Facts about an artifact, for ``card.json`` and ``card.md``."""

    architecture: str
    """Class name of the model."""
    settings: dict[str, Any]
    """Settings of the architecture."""
    parameters: int
    """Number of parameters, without batch statistics."""
    preprocess: Preprocess
    """Preprocessing of pictures for the program."""
    training_data: str
    """Source of the training samples."""
    validation_data: str
    """Source of the validation samples."""
    step: int
    """Number of batches trained on; 0 for imported weights."""
    metrics: dict[str, float]
    """Rates on the validation data at that step; empty if not evaluated."""
    exported: str
    """Time of export in UTC, ISO 8601."""
    versions: dict[str, str]
    """Versions of the packages that wrote the program."""
    sha256: dict[str, str]
    """Digests of the files that determine predictions."""
    format: int = FORMAT
    decoder: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Settings of the decoder in the program; empty for the best path, or greedy decoding."""
    temperature: float = 1.0
    """Makes confidences of texts right: each is raised to the power of one over this, unless another decoder is chosen
    (`recog.export.temperature`)."""

    def to_json(self) -> str:
        """Content of ``card.json``, which names a decoder and a temperature only where they change something."""
        saved = dataclasses.asdict(self) | {"preprocess": self.preprocess.to_json()}
        if not self.decoder:
            del saved["decoder"]
        if self.temperature == 1:
            del saved["temperature"]
        return json.dumps(saved, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_file(cls, path: Path) -> "Card":
        """Loads ``card.json``.

        Raises:
          ValueError: not a card, or a card of another format.
        """
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            if saved["format"] in (FORMAT, HALF):
                card = cls(**saved | {"preprocess": Preprocess.from_json(saved["preprocess"])})
                if not all(isinstance(field, dict) for field in (card.sha256, card.versions, card.decoder)):
                    raise TypeError("sha256, versions or decoder is no object")
                if not 0 < card.temperature < math.inf:
                    raise ValueError(f"temperature={card.temperature}")
                return card
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise ValueError(f"{path} is not a model card ({error}): copy or export the artifact again") from error
        raise ValueError(
            f"{path} is of format {saved['format']}, this version loads formats {FORMAT} and {HALF}: export it again"
        )

    def to_markdown(self, codec: Codec) -> str:
        """Content of ``card.md``."""
        shown = "\n".join(f"| {name} | {value:.6g} |" for name, value in self.metrics.items() if "/" not in name)
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        rounded = _ROUNDED if self.format == HALF else ""
        about = codec.card_text()
        return _MARKDOWN.format(
            architecture=self.architecture,
            settings=json.dumps(self.settings),
            parameters=self.parameters,
            title=about.title,
            classes=about.classes,
            outputs=about.outputs
            + (_DECODED.format(settings=json.dumps(self.decoder)) if self.decoder else "")
            + (_TEMPERED.format(temperature=self.temperature) if self.temperature != 1 else ""),
            example=about.example,
            inputs=self._inputs(),
            batch=_BY_BATCH if self.settings.get("context") == "batch" else _BY_ITSELF,
            height=self.preprocess.height,
            columns=self.preprocess.width or 128,
            channels=self.preprocess.channels,
            origin=_TRAINED.format(**dataclasses.asdict(self)) if self.step else f"Imported from {self.training_data}.",
            metrics=f"| metric | value |\n|---|---|\n{shown}{rounded}" if shown else "Not measured.",
            single=_SINGLE if self.format == HALF else "",
            exported=self.exported,
            versions=versions,
            digests="\n".join(f"- `{name}` {digest}" for name, digest in self.sha256.items()),
        )

    def _inputs(self) -> str:
        preprocess = self.preprocess
        one_size = _LETTERBOX if preprocess.letterbox else _ONE_WIDTH
        text = (one_size if preprocess.width else _ANY_WIDTH).format(
            colour="grayscale" if preprocess.channels == 1 else "RGB",
            height=preprocess.height,
            width=preprocess.width,
            channels=preprocess.channels,
        )
        names = ", then ".join(f"`{name}`" for name in preprocess.filters)
        if preprocess.rotate_tall:
            text += _TURNED.format(tall=TALL, degrees=preprocess.rotate_tall)
        return text + (_FILTERED.format(names=names) if names else "")


_TRAINED = (
    "Trained for {step:,} steps on `{training_data}`. On the validation samples (`{validation_data}`) at that step:"
)
_ANY_WIDTH = """\
- `images`, uint8 `B {height} W {channels}`: {colour} pictures scaled to {height} pixels of height with their aspect
  ratio kept, padded with zeros on the right to a shared width. Any batch size and width are accepted, and the amount of
  padding does not matter.
- `sizes`, int32 `B 2`: height ({height}) and width in pixels of each picture without its padding.
"""
_ONE_WIDTH = """\
- `images`, uint8 `B {height} {width} {channels}`: {colour} pictures stretched to {width} by {height} pixels; any batch
  size is accepted.
- `sizes`, int32 `B 2`: height ({height}) and width ({width}) of each picture.
"""
_LETTERBOX = """\
- `images`, uint8 `B {height} {width} {channels}`: {colour} pictures scaled to fit into {width} by {height} pixels with
  their aspect ratio kept, padded with zeros on the right or at the bottom; any batch size is accepted.
- `sizes`, int32 `B 2`: height and width in pixels of each picture without its padding.
"""
_TURNED = """\
- Before scaling, pictures at least {tall} times as high as wide are turned clockwise by {degrees} degrees.
"""
_FILTERED = """\
- Before scaling, these filters of `recog.filters` are applied to each picture: {names}.
"""
_DECODED = """

The program decodes with these settings: `{settings}`. A search of attention decoders returns no logits."""
_TEMPERED = """

`recog` raises each `confidence` to the power of 1 / {temperature:.6g}, a temperature that was fitted to labelled
samples; the program itself does not."""
_ROUNDED = """

These rates were measured before the kernels were rounded to half precision; measure those of the artifact with
`python -m launch.evaluate --artifact=FOLDER --data=...`."""
_SINGLE = """\
parameters = {name: array.astype("float32") for name, array in parameters.items()}  # kernels are stored in float16
"""
_BY_ITSELF = "The prediction for a picture does not depend on the other pictures of its batch."
_BY_BATCH = (
    "The prediction for a picture depends on the other pictures of its batch (`context=batch`): predict pictures one\n"
    "at a time for reproducible results."
)
_MARKDOWN = """\
# {architecture}: {title}

{parameters:,} parameters, {classes}

Settings: `{settings}`. The configuration of its run is in `config.json`.

## Inputs

{inputs}
{batch}

## Outputs

{outputs}

## Use

In this folder, with `pip install jax numpy safetensors flatbuffers`:

```python
import json, jax, jax.export, numpy as np, safetensors.numpy
from pathlib import Path
predict = jax.jit(jax.export.deserialize(bytearray(Path("program.bin").read_bytes())).call)
parameters = safetensors.numpy.load_file("parameters.safetensors")
{single}codec = json.loads(Path("codec.json").read_text(encoding="utf-8"))
# your pictures:
images, sizes = np.zeros((1, {height}, {columns}, {channels}), np.uint8), np.array([[{height}, {columns}]], np.int32)
found = predict(parameters, images, sizes)
{example}
```

With recog installed: `recog-read --artifact=FOLDER PICTURE...`

## Training

{origin}

{metrics}

Exported {exported} with {versions}, for the platforms cpu, cuda and tpu. `jax.export`
guarantees that newer versions of jax load `program.bin` for six months; after that, export the checkpoint again.

sha256:

{digests}
"""
