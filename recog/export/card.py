"""The model card: what an artifact takes and gives, how good it is and how it is called, as JSON and for people."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from recog.codecs import Codec
from recog.preprocess import Preprocess

FORMAT = 4
"""Of the artifact's files; raised when an older reader could not use them."""


@dataclasses.dataclass(frozen=True)
class Card:
    """Facts about an artifact: ``card.json`` holds them, ``card.md`` tells them."""

    architecture: str
    settings: dict[str, Any]
    """Of the architecture."""
    parameters: int
    """Trained numbers; batch statistics not counted."""
    preprocess: Preprocess
    """From pictures to the program's input."""
    training_data: str
    validation_data: str
    step: int
    """Batches trained on; 0 for weights from elsewhere."""
    metrics: dict[str, float]
    """On the validation data, at that step; empty when it was not measured."""
    exported: str
    """When, UTC."""
    versions: dict[str, str]
    """Of the packages that wrote the program."""
    sha256: dict[str, str]
    """Of the files that decide what is read."""
    format: int = FORMAT

    def to_json(self) -> str:
        """The text of ``card.json``."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_file(cls, path: Path) -> "Card":
        """Reads ``card.json``.

        Raises:
          ValueError: it is no card, or one of another format.
        """
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            if saved["format"] == FORMAT:
                return cls(**saved | {"preprocess": Preprocess.from_json(saved["preprocess"])})
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} is not a model card ({error}): copy or export the artifact again") from error
        raise ValueError(f"{path} is of format {saved['format']}, this version reads {FORMAT}: export it again")

    def to_markdown(self, codec: Codec) -> str:
        """The text of ``card.md``."""
        shown = "\n".join(f"| {name} | {value:.6g} |" for name, value in self.metrics.items())
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        about = codec.card_text()
        return _MARKDOWN.format(
            architecture=self.architecture,
            settings=json.dumps(self.settings),
            parameters=self.parameters,
            title=about.title,
            classes=about.classes,
            outputs=about.outputs,
            example=about.example,
            inputs=self._inputs(),
            batch=_BY_BATCH if self.settings.get("context") == "batch" else _BY_ITSELF,
            height=self.preprocess.height,
            columns=self.preprocess.width or 128,
            channels=self.preprocess.channels,
            origin=_TRAINED.format(**dataclasses.asdict(self)) if self.step else f"Imported from {self.training_data}.",
            metrics=f"| metric | value |\n|---|---|\n{shown}" if shown else "Not measured.",
            exported=self.exported,
            versions=versions,
            digests="\n".join(f"- `{name}` {digest}" for name, digest in self.sha256.items()),
        )

    def _inputs(self) -> str:
        preprocess = self.preprocess
        text = (_ONE_WIDTH if preprocess.width else _ANY_WIDTH).format(
            colour="grayscale" if preprocess.channels == 1 else "RGB",
            height=preprocess.height,
            width=preprocess.width,
            channels=preprocess.channels,
        )
        names = ", then ".join(f"`{name}`" for name in preprocess.filters)
        return text + (_FILTERED.format(names=names) if names else "")


_TRAINED = (
    "Trained for {step:,} steps on `{training_data}`. On the validation samples (`{validation_data}`) at that step:"
)
_ANY_WIDTH = """\
- `images`, uint8 `B {height} W {channels}`: {colour} pictures scaled to {height} pixels of height with their aspect
  ratio kept, padded with zeros on the right to a shared width. Any batch size and width will do, and how far a picture
  is padded does not matter.
- `sizes`, int32 `B 2`: height ({height}) and width in pixels of each picture without its padding.
"""
_ONE_WIDTH = """\
- `images`, uint8 `B {height} {width} {channels}`: {colour} pictures stretched to {width} by {height} pixels; any batch
  size will do.
- `sizes`, int32 `B 2`: height ({height}) and width ({width}) of each.
"""
_FILTERED = """\
- Before it is scaled, a picture goes through these filters of `recog.filters`: {names}.
"""
_BY_ITSELF = "What a picture reads as does not depend on the others of its batch."
_BY_BATCH = (
    "What a picture reads as depends on the others of its batch (`context=batch`): read pictures one at a time to\n"
    "repeat a reading."
)
_MARKDOWN = """\
# {architecture}: {title}

{parameters:,} parameters, {classes}

Settings: `{settings}`. The whole configuration of its run is in `config.json`.

## What goes in

{inputs}
{batch}

## What comes out

{outputs}

## How to call it

In this folder, with `pip install jax numpy safetensors flatbuffers`:

```python
import json, jax, jax.export, numpy as np, safetensors.numpy
from pathlib import Path
predict = jax.jit(jax.export.deserialize(bytearray(Path("program.bin").read_bytes())).call)
parameters = safetensors.numpy.load_file("parameters.safetensors")
codec = json.loads(Path("codec.json").read_text(encoding="utf-8"))
# your pictures:
images, sizes = np.zeros((1, {height}, {columns}, {channels}), np.uint8), np.array([[{height}, {columns}]], np.int32)
found = predict(parameters, images, sizes)
{example}
```

From a checkout of recog: `python -m launch.predict --artifact=FOLDER PICTURE...`

## How it was made

{origin}

{metrics}

Exported {exported} with {versions}, for the platforms cpu, cuda and tpu. A newer
jax reads `program.bin` for at least six months (the promise of `jax.export`); after that, export the checkpoint again.

sha256:

{digests}
"""
