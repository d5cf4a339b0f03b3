"""Flags of ``launch.predict``, and checks that they go together."""

from collections.abc import Sequence

from absl import flags

from recog.cli import decoding
from recog.metrics.boxes import THRESHOLD
from recog.metrics.classes import CLIP

flags.disclaim_key_flags()  # --help lists them as those of the command

OF_DETECTOR, OF_SUBMISSION = ("threshold", "draw", "every"), ("clip", "positive")


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("artifact", None, "Artifact of a reader or classifier: a folder of launch.export, or zoo:NAME.")
    flags.DEFINE_string("detector", None, "Artifact of a detector, likewise: reads whole photographs.")
    flags.DEFINE_integer("batch_size", None, "Pictures read together (32), or photographs (8).", lower_bound=1)
    flags.DEFINE_float("threshold", None, f"Minimum score of a detection ({THRESHOLD:g}).", 0, 1)
    flags.DEFINE_string("draw", None, "Folder for the photographs with outlines and texts.")
    flags.DEFINE_integer("every", None, "Reads every n-th frame of videos (1).", lower_bound=1)
    flags.DEFINE_integer("top", None, "Most probable classes to list for each picture, as JSON lines.", lower_bound=1)
    flags.DEFINE_string("submission", None, "CSV file to write: id,label with the probability of a class.")
    flags.DEFINE_float("clip", None, f"Clips the probabilities to this and one minus this ({CLIP:g}).", 0, 0.5)
    flags.DEFINE_string("positive", None, "Class of these probabilities (the last one).")
    flags.DEFINE_enum("runtime", "jax", ["jax", "onnx"], "Runtime of the artifacts: JAX, or onnxruntime alone.")
    decoding.define_flags()


def check_flags(values: flags.FlagValues, paths: Sequence[str], how: decoding.Decoding) -> None:
    """Raises ``ValueError`` for flags that do not go together.

    Args:
      values: flags of the command line.
      paths: pictures and folders after them.
      how: decoder that the flags choose.
    """
    if not paths:
        raise ValueError("name pictures or folders of pictures after the flags")
    given = [name for name in (*OF_DETECTOR, *OF_SUBMISSION) if getattr(values, name) is not None]
    if not values.detector:
        _refuse(given, OF_DETECTOR, "a detector: set --detector=ARTIFACT")
        if not values.artifact:
            raise ValueError("name the artifact with --artifact, or that of a detector with --detector")
    elif values.top:
        raise ValueError("--top lists the classes of a classifier, not of --detector: leave one of them out")
    if values.runtime == "onnx" and (how.decoder not in (None, decoding.BEST_PATH) or how.nbest):
        given = f"--decoder={how.decoder}" if how.decoder else "--nbest"
        raise ValueError(f"{given} needs JAX: use --runtime=jax, or leave out the decoder's flags")
    if not values.submission:
        _refuse(given, OF_SUBMISSION, "a submission: set --submission=FILE.csv")
    elif values.detector or values.top or how != decoding.Decoding():
        raise ValueError("--submission is for classifiers: leave out --detector, --top and the flags of decoders")


def _refuse(given: Sequence[str], names: Sequence[str], without: str) -> None:
    if unused := [f"--{name}" for name in given if name in names]:
        raise ValueError(f"nothing uses {' and '.join(unused)} without {without}")
