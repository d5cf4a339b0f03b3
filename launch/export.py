"""Exports a trained model: ``python -m launch.export --workdir=DIR --out=ARTIFACT``.

The artifact is a folder that predicts without the code that trained it (see `launch.predict`). It is compared with the
live model before it is written. With ``--decoder=beam`` the program itself decodes by a beam search; attention decoders
can search in no other way, while other readers also take a decoder when they predict. The card names an n-gram model
by its file and sha256. Lexicons and lists of the best texts are no part of a program: `launch.predict` takes them.

The program of a detector takes pictures of another size than those it was trained with if ``--height`` and ``--width``
say so: larger ones show small objects better, and take more time.

The program of a classifier divides its logits by ``--temperature=VALUE``, or by that of the ``calibration.json`` which
``launch.evaluate --calibrate`` wrote, and averages the probabilities of ``--views=whole,flip``.

``--onnx`` adds ``model.onnx``, for onnxruntime (``launch.predict --runtime=onnx``), OpenVINO and TensorRT, or with
``--layout=nchw_float`` a ``model_nchw_float.onnx`` for callers of PaddleOCR and RapidOCR. It decodes by the best path,
and is compared with the artifact's own program first. ``--artifact=ARTIFACT --onnx`` adds it to an artifact that
exists, without its checkpoint. OpenVINO computes in bfloat16 on processors that have it, unless it is told
``INFERENCE_PRECISION_HINT=f32``.

``--parameters=float16`` rounds the kernels before the comparison and stores them in half the size; the program computes
as before. Measure what that costs: ``launch.evaluate --artifact=ARTIFACT --data=...``.
"""

import dataclasses

from absl import flags

from launch.runs import class_options, entry, onnx_options
from launch.runs.exporting import add_onnx, export
from recog.cli import decoding

_OF_PROGRAMS = (
    *("height", "width", "parameters", "views", "temperature"),
    *(field.name for field in dataclasses.fields(decoding.Decoding)),
)
"""Flags that make another program."""


def define_flags() -> None:
    """Defines the flags of this entry point."""
    flags.DEFINE_string("workdir", None, "Folder that launch.train wrote; its best checkpoint is exported.")
    flags.DEFINE_string("out", None, "New folder for the artifact; an existing artifact is replaced.")
    flags.DEFINE_integer("height", None, "Height of a detector's pictures (that of its training).", 1)
    flags.DEFINE_integer("width", None, "Width of a detector's pictures (that of its training).", 1)
    flags.DEFINE_enum("parameters", "float32", ["float32", "float16"], "Type of the stored kernels.")
    decoding.define_flags()
    class_options.define_flags()
    onnx_options.define_flags()


def main(argv: list[str]) -> None:
    """Reads the flags and exports."""
    del argv
    values, onnx = flags.FLAGS, onnx_options.from_flags()
    if values.artifact:
        if not onnx or values.workdir or values.out:
            raise ValueError("--artifact takes an artifact to add --onnx to; without it, name --workdir and --out")
        if fixed := [f"--{name}" for name in _OF_PROGRAMS if values[name].value != values[name].default]:
            raise ValueError(f"{' and '.join(fixed)} cannot change --artifact={values.artifact}: export its run again")
        return add_onnx(values.artifact, onnx)
    if not (values.workdir and values.out):
        raise ValueError("name the run with --workdir and the folder for the artifact with --out")
    options = class_options.from_flags()
    how, half = decoding.from_flags(), values.parameters == "float16"
    export(values.workdir, values.out, how, values.height, values.width, options, half=half, onnx=onnx)


if __name__ == "__main__":
    define_flags()
    entry.run(main)
