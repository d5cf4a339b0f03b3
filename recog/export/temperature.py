"""Temperature of an artifact's confidences, stored beside its program."""

import dataclasses
import shutil
from pathlib import Path

from recog.codecs import TextCodec
from recog.export.files import CARD, CARD_TEXT, FILES, ONNX, ONNX_FLOAT, ArtifactError
from recog.export.loading import load_card, load_codec
from recog.export.write import check_free


def store_temperature(artifact: str | Path, out: str | Path, temperature: float) -> None:
    """Copies a reader's artifact with a further temperature of its confidences.

    Each confidence of a text becomes ``confidence ** (1 / temperature)``, after any temperature that the artifact has
    already (`recog.evaluation.reliability.fit_confidence_temperature`). Texts stay the same.

    Args:
      artifact: folder of the artifact.
      out: folder of the copy: a new or empty folder, or an artifact to replace; the artifact itself is changed.
      temperature: a positive number.

    Raises:
      ArtifactError: not an artifact of a reader.
      FileExistsError: ``out`` holds files but not an artifact.
    """
    artifact, out = Path(artifact), Path(out)
    card, (codec, _) = load_card(artifact), load_codec(artifact)
    if not isinstance(codec, TextCodec):
        raise ArtifactError(
            f"{artifact} predicts {codec.kind}, and only confidences of texts have a temperature beside the program: "
            "fit that of a classifier by launch.evaluate --calibrate, and give it to launch.export"
        )
    check_free(out)
    out.mkdir(parents=True, exist_ok=True)
    if not out.samefile(artifact):
        for name in (*FILES, ONNX, ONNX_FLOAT):
            (out / name).unlink(missing_ok=True)  # of an artifact that is replaced
            if (artifact / name).is_file():
                shutil.copyfile(artifact / name, out / name)
    changed = dataclasses.replace(card, temperature=card.temperature * temperature)
    (out / CARD).write_text(changed.to_json(), encoding="utf-8")
    (out / CARD_TEXT).write_text(changed.to_markdown(codec), encoding="utf-8")
