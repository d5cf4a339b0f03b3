"""An artifact gets an ONNX program that reads as its own program does, without JAX."""

import json
import subprocess
import sys

import flax.traverse_util
import numpy as np
import pytest

from recog.codecs import TextCodec
from recog.ctc import BestPath
from recog.export.artifact import Artifact
from recog.export.files import CARD, CARD_TEXT, ONNX, ONNX_FLOAT, ArtifactError, sha256
from recog.export.onnx.emit import OnnxOptions
from recog.export.onnx.parity import ParityError, check_parity, largest_difference
from recog.export.onnx.samples import make_pictures
from recog.export.onnx.write import write_onnx
from recog.export.write import Provenance, write_artifact
from recog.preprocess import Preprocess
from recog.tasks.reading import ReadingTask
from tests.export import by_parts
from tests.export.onnx.tiny_tasks import make

READ = """
import sys
import numpy as np
from recog.export.artifact import Artifact

pictures = [np.full((40, width, 3), width, np.uint8) for width in (50, 90)]
print(*(reading.text for reading in Artifact.load(sys.argv[1], runtime="onnx").read_pictures(pictures)))
assert not {"jax", "flax"} & sys.modules.keys()
"""


def export(folder, settings=None, model=None):
    """An artifact of a tiny reader, and its task."""
    made = make("crnn_lstm_forward")
    assert isinstance(made.task, ReadingTask)
    assert isinstance(made.task.codec, TextCodec)
    variables = flax.traverse_util.unflatten_dict(dict(made.arrays), sep="/")
    provenance = Provenance({}, model or {}, Preprocess(32), "folder:x", "folder:y", 9, {}, settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recog.export.check.SHAPES", ())  # not what these tests are about
        write_artifact(folder, made.task, variables, provenance)
    return made.task


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx") / "artifact"
    task = export(folder)
    write_onnx(folder, task, OnnxOptions())
    return folder


def test_reads_as_the_other_runtime_reads(artifact):
    images, sizes = make_pictures(Preprocess(32))
    one, other = (Artifact.load(artifact, runtime).predict(images, sizes) for runtime in ("onnx", "jax"))
    assert one.keys() == other.keys()
    assert other["lengths"].max() > 1
    for name, array in other.items():
        assert one[name].dtype == array.dtype, name
        np.testing.assert_allclose(one[name], array, atol=1e-4, err_msg=name)


def test_outputs_are_known_before_the_first_batch(artifact):
    one, other = (Artifact.load(artifact, runtime) for runtime in ("onnx", "jax"))
    assert {name: len(shape) for name, shape in one.program.outputs.items()} == {
        name: len(shape) for name, shape in other.program.outputs.items()
    }
    assert one.reads_whole_texts
    assert one.frames is None


def test_other_decoders_take_its_logits(artifact):
    images, sizes = make_pictures(Preprocess(32))
    one, other = (Artifact.load(artifact, runtime).decoded_by(BestPath()) for runtime in ("onnx", "jax"))
    assert one.read(images[:2], sizes[:2])[0].text == other.read(images[:2], sizes[:2])[0].text


def test_reads_without_jax(artifact):
    done = subprocess.run([sys.executable, "-c", READ, artifact], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_card_holds_its_digest(artifact):
    digest = json.loads((artifact / CARD).read_text())["sha256"][ONNX]
    assert digest == sha256(artifact / ONNX)
    assert digest in (artifact / CARD_TEXT).read_text()


def test_damage_absence_and_other_artifacts_are_told(tmp_path):
    task = export(tmp_path)
    with pytest.raises(ArtifactError, match=r"holds no model.onnx: add it with python -m launch.export --artifact"):
        Artifact.load(tmp_path, "onnx")
    path, _ = write_onnx(tmp_path, task, OnnxOptions())
    write_onnx(tmp_path, task, OnnxOptions(layout="nchw_float"))
    assert Artifact.load(tmp_path, "onnx").card.sha256.keys() > {ONNX, ONNX_FLOAT}
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match=r"model.onnx is damaged"):
        Artifact.load(tmp_path, "onnx")
    Artifact.load(tmp_path)  # its own program is whole
    export(tmp_path)
    assert not (tmp_path / ONNX).exists(), "a new export removes the ONNX program of the old one"
    assert not (tmp_path / ONNX_FLOAT).exists()


def test_searches_are_refused(tmp_path):
    task = export(tmp_path, {"decoder": "beam"})
    with pytest.raises(ArtifactError, match="export the run again without the decoder's flags"):
        write_onnx(tmp_path, task, OnnxOptions())


def test_a_model_in_bfloat16_is_compared_in_float32(tmp_path, monkeypatch):
    task = export(tmp_path, model={"dtype": "bfloat16"})
    monkeypatch.delattr("recog.export.onnx.write.load_program")  # of the program in bfloat16
    _, parity = write_onnx(tmp_path, task, OnnxOptions())
    assert parity.pictures == 20


@pytest.mark.parametrize("scores", ["ctc", "attention"])
def test_reads_by_parts_as_the_other_runtime_does(scores, tmp_path):
    task, _ = by_parts.write(tmp_path, scores)
    write_onnx(tmp_path, task, OnnxOptions())
    one, other = (Artifact.load(tmp_path, runtime) for runtime in ("onnx", "jax"))
    found, wanted = (artifact.predict(by_parts.IMAGES, by_parts.SIZES) for artifact in (one, other))
    assert found.keys() == wanted.keys()
    for name in ("tokens", "lengths", "frames", "confidences", "confidence"):
        assert found[name].dtype == wanted[name].dtype, name
        np.testing.assert_allclose(found[name], wanted[name], atol=1e-4, err_msg=name)


@pytest.mark.parametrize(
    ("layer", "name", "layout"),
    [
        ("conv7", "conv7", "nhwc_uint8"),
        ("recurrent", "recurrent/layer1", "nhwc_uint8"),
        ("recurrent", "recurrent/layer1", "nchw_float"),
    ],
)
def test_a_difference_is_an_error_that_names_the_layer(layer, name, layout):
    made = make("crnn_lstm_forward")
    changed = {path: array * 1.5 if layer in path else array for path, array in made.arrays.items()}
    emitted = made._replace(arrays=changed).emit(layout=layout)
    with pytest.raises(ParityError, match=rf"the first layer that differs is {name}:"):
        check_parity(emitted, made.reference, made.task, made.arrays, made.preprocess)


def test_another_token_is_an_error_unless_two_are_as_probable():
    task, length = make("crnn").task, np.array([2])
    logits = np.array([[[0, 5, 1], [0, 1, 5]]], np.float32)

    def output(logits: np.ndarray, *tokens: int) -> dict[str, np.ndarray]:
        return {"logits": logits, "logit_lengths": length, "tokens": np.array([tokens]), "lengths": length}

    assert largest_difference(task, output(logits, 1, 2), output(logits, 1, 2)) == ("logits", 0)
    assert largest_difference(task, output(logits, 1, 1), output(logits, 1, 2)) == ("tokens", np.inf)
    tied = logits.copy()
    tied[0, 1, 1] = 5 - 1e-5
    assert largest_difference(task, output(tied, 1, 1), output(tied, 1, 2)) == ("logits", 0)
    name, apart = largest_difference(task, output(logits * np.nan, 1, 2), output(logits, 1, 2))
    assert name == "logits"
    assert not apart <= 1
