"""The model card: what an artifact reads, how good it is and how it is called, as JSON and for people."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from recog.alphabet import Alphabet
from recog.filters import check_filters

FORMAT = 3
"""Of the artifact's files; raised when an older reader could not use them."""


@dataclasses.dataclass(frozen=True)
class Card:
    """Facts about an artifact: ``card.json`` holds them, ``card.md`` tells them."""

    architecture: str
    settings: dict[str, Any]
    """Of the architecture."""
    parameters: int
    """Trained numbers; batch statistics not counted."""
    height: int
    """Pixels to which pictures are scaled."""
    width: int
    """Pixels to which pictures are stretched; 0 where the aspect ratio is kept and any width will do."""
    channels: int
    """1 for grayscale, 3 for RGB."""
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
    filters: tuple[str, ...] = ()
    """Names of what pictures go through before they are scaled (see `recog.filters`)."""
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
                check_filters(saved["filters"])
                return cls(**saved | {"filters": tuple(saved["filters"])})
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} is no model card ({error}): copy or export the artifact again") from error
        raise ValueError(f"{path} is of format {saved['format']}, this version reads {FORMAT}: export it again")

    def to_markdown(self, alphabet: Alphabet) -> str:
        """The text of ``card.md``."""
        tokens = " ".join(f"`{token}`" if token != "`" else "`` ` ``" for token in alphabet.tokens)
        shown = "\n".join(f"| {name} | {value:.6g} |" for name, value in self.metrics.items())
        metrics = f"| metric | value |\n|---|---|\n{shown}" if shown else "Not measured."
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        digests = "\n".join(f"- `{name}` {digest}" for name, digest in self.sha256.items())
        return _MARKDOWN.format(
            architecture=self.architecture,
            settings=json.dumps(self.settings),
            parameters=self.parameters,
            height=self.height,
            columns=self.width or 128,
            inputs=(_ONE_WIDTH if self.width else _ANY_WIDTH).format(
                colour="grayscale" if self.channels == 1 else "RGB",
                height=self.height,
                width=self.width,
                channels=self.channels,
            )
            + (_FILTERED.format(names=", then ".join(f"`{name}`" for name in self.filters)) if self.filters else ""),
            batch=_BY_BATCH if self.settings.get("context") == "batch" else _BY_ITSELF,
            channels=self.channels,
            classes=alphabet.classes,
            count=len(alphabet.tokens),
            tokens=tokens,
            origin=_TRAINED.format(**dataclasses.asdict(self)) if self.step else f"Imported from {self.training_data}.",
            metrics=metrics,
            exported=self.exported,
            versions=versions,
            digests=digests,
            names='["", *alphabet["tokens"]]  # id 0 is the blank'
            if alphabet.blank == "first"
            else 'alphabet["tokens"]  # the blank comes last',
        )


_TRAINED = (
    "Trained for {step:,} steps on `{training_data}`. On the validation samples (`{validation_data}`) at that step:"
)
_ANY_WIDTH = """\
- `images`, uint8 `B {height} W {channels}`: {colour} pictures scaled to {height} pixels of height with their aspect
  ratio kept, padded with zeros on the right to a shared width. Any batch size and width will do, and how far a picture
  is padded does not matter.
- `widths`, int32 `B`: the columns of each picture that are not padding.
"""
_ONE_WIDTH = """\
- `images`, uint8 `B {height} {width} {channels}`: {colour} pictures stretched to {width} by {height} pixels; any batch
  size will do.
- `widths`, int32 `B`: {width} for each.
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
# {architecture}: reads one line of text

{parameters:,} parameters, {classes} classes: the blank (of CTC, or start and end of an attention decoder) and
{count} tokens.

Tokens: {tokens}

Settings: `{settings}`. The whole configuration of its run is in `config.json`.

## What goes in

{inputs}
{batch}

## What comes out

`tokens` int32 `B S` (ids, packed to the left), `lengths` int32 `B` (tokens read), `confidences` float32 `B S` (0 to 1),
`frames` int32 `B S` (the frame where each token stands), `confidence` float32 `B` (of the whole reading). Slots at and
beyond `lengths` hold no token.

## How to call it

In this folder, with `pip install jax numpy safetensors flatbuffers`:

```python
import json, jax, jax.export, numpy as np, safetensors.numpy
from pathlib import Path
read = jax.jit(jax.export.deserialize(bytearray(Path("program.bin").read_bytes())).call)
parameters = safetensors.numpy.load_file("parameters.safetensors")
alphabet = json.loads(Path("alphabet.json").read_text(encoding="utf-8"))
names = {names}
# your pictures:
images, widths = np.zeros((1, {height}, {columns}, {channels}), np.uint8), np.array([{columns}], np.int32)
found = read(parameters, images, widths)
ids = found["tokens"][0, : found["lengths"][0]]
text = alphabet["separator"].join(names[i] for i in ids)
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
