"""Form of ONNX programs, from flags."""

from typing import TYPE_CHECKING

from absl import flags

if TYPE_CHECKING:
    from recog.export.onnx.emit import OnnxOptions

flags.disclaim_key_flags()  # --help lists them as those of the command

NAMES = ("opset", "layout", "nms")
"""Flags with the settings."""


def define_flags() -> None:
    """Defines the flags of ONNX programs."""
    flags.DEFINE_string("artifact", None, "Artifact that --onnx is added to, in place of --workdir and --out.")
    flags.DEFINE_bool("onnx", False, "Whether to add an ONNX program.")
    flags.DEFINE_integer("opset", None, "Version of its operators, 13 to 21 (17).")
    flags.DEFINE_string("layout", None, "Layout of its pixels: nhwc_uint8 (as the artifact's) or nchw_float.")
    flags.DEFINE_string("nms", None, "Non-maximum suppression of a detector: inside the program (usual) or outside.")


def from_flags() -> "OnnxOptions | None":
    """Settings from the flags of `define_flags`; None without ``--onnx``.

    Raises:
      ValueError: settings without ``--onnx``, or out of their range; onnx or onnxruntime is not installed.
    """
    given = {name: getattr(flags.FLAGS, name) for name in NAMES if getattr(flags.FLAGS, name) is not None}
    if not flags.FLAGS.onnx:
        if given:
            raise ValueError(f"nothing uses --{' and --'.join(given)} without --onnx: set it, or leave them out")
        return None
    try:
        from recog.export.onnx.emit import OnnxOptions
    except ImportError as error:
        raise ValueError(f"--onnx needs onnx and onnxruntime ({error}): pip install recog[onnx]") from error
    return OnnxOptions(**given)
