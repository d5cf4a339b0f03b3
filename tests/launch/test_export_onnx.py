"""ONNX programs by the commands: added to artifacts, and read with in place of JAX."""

import shutil
import sys

import cv2
import numpy as np
import onnx
import pytest

import launch.export
import launch.predict
from recog.export.artifact import Artifact
from recog.export.files import ONNX
from tests.launch.in_process import parsed, run_main


@pytest.fixture(scope="module")
def artifact(exported, tmp_path_factory):
    """An artifact with an ONNX program, which the command has added."""
    folder = tmp_path_factory.mktemp("onnx") / "artifact"
    shutil.copytree(exported.folder, folder)
    run_main(launch.export, f"--artifact={folder}", "--onnx", "--opset=18")
    return folder


def predict(capsys, *arguments: str) -> list[str]:
    with pytest.raises(SystemExit) as ended:
        run_with_paths(*arguments)
    assert ended.value.code == 0
    return capsys.readouterr().out.splitlines()


def run_with_paths(*arguments: str) -> None:
    flags = [argument for argument in arguments if argument.startswith("--")]
    with parsed(launch.predict, *flags):
        launch.predict.main(["predict", *(argument for argument in arguments if not argument.startswith("--"))])


def test_the_command_adds_a_program_and_says_how_well_it_agrees(exported, tmp_path, capsys):
    folder = tmp_path / "artifact"
    shutil.copytree(exported.folder, folder)
    run_main(launch.export, f"--artifact={folder}", "--onnx", "--opset=13", "--layout=nchw_float")
    size, agrees = capsys.readouterr().out.splitlines()
    assert size.endswith(str(folder / "model_nchw_float.onnx"))
    assert agrees.startswith("opset 13; agrees with program.bin on 20 pictures (tokens equal, numbers within ")
    model = onnx.load(folder / "model_nchw_float.onnx")
    assert model.opset_import[0].version == 13
    assert not (folder / ONNX).exists()


def test_both_runtimes_read_the_same(artifact, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)
    random = np.random.default_rng(0)
    for number, width in enumerate((20, 90, 64)):
        assert cv2.imwrite(str(tmp_path / f"{number}.png"), random.integers(0, 256, (32, width, 3)).astype(np.uint8))
    runs = (predict(capsys, f"--artifact={artifact}", f"--runtime={name}", str(tmp_path)) for name in ("onnx", "jax"))
    one, other = ([line.rsplit("\t", 1) for line in lines] for lines in runs)
    assert [text for text, _ in one] == [text for text, _ in other]
    found, wanted = ([float(sure) for _, sure in lines] for lines in (one, other))
    np.testing.assert_allclose(found, wanted, atol=2e-4)


def test_decoders_that_need_jax_are_refused(artifact):
    for flag in ("--decoder=beam", "--nbest=3"):
        with pytest.raises(ValueError, match=rf"{flag.split('=')[0]}.* needs JAX: use --runtime=jax"):
            run_with_paths(f"--artifact={artifact}", "--runtime=onnx", flag, "a.png")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the run with --workdir"),
        (["--artifact=x"], "--artifact takes an artifact to add --onnx to"),
        (["--artifact=x", "--onnx", "--out=y"], "--artifact takes an artifact to add --onnx to"),
        (["--workdir=x", "--out=y", "--onnx", "--decoder=beam"], "decode by the best path or greedily"),
        (["--workdir=x", "--out=y", "--opset=18"], "nothing uses --opset without --onnx"),
        (
            ["--artifact=x", "--onnx", "--decoder=beam", "--width=64"],
            "--width and --decoder cannot change --artifact=x",
        ),
        (["--artifact=x", "--onnx", "--parameters=float16"], "--parameters cannot change --artifact=x"),
        (["--artifact=nowhere", "--onnx"], "there is no folder nowhere"),
        (["--artifact=nowhere", "--onnx", "--opset=12"], "--opset=12: choose 13 to 21"),
    ],
)
def test_flags_that_do_not_go_together_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        run_main(launch.export, *arguments)


def test_suppression_is_for_detectors(artifact):
    for place in ("inside", "outside"):
        with pytest.raises(ValueError, match=f"--nms={place} is for detectors"):
            run_main(launch.export, f"--artifact={artifact}", "--onnx", f"--nms={place}")


def test_nothing_is_written_for_a_run_that_the_settings_do_not_fit(trained, tmp_path):
    folder = tmp_path / "new"
    with pytest.raises(ValueError, match="--nms=inside is for detectors"):
        run_main(launch.export, f"--workdir={trained.workdir}", f"--out={folder}", "--onnx", "--nms=inside")
    assert not folder.exists()


def test_a_run_is_exported_with_its_program(trained, tmp_path, capsys):
    run_main(launch.export, f"--workdir={trained.workdir}", f"--out={tmp_path / 'new'}", "--onnx")
    assert onnx.load(tmp_path / "new" / ONNX).opset_import[0].version == 17
    assert "opset 17; agrees with program.bin" in capsys.readouterr().out


def test_missing_packages_are_named(artifact, monkeypatch):
    monkeypatch.setitem(sys.modules, "recog.export.onnx.emit", None)
    with pytest.raises(ValueError, match=r"pip install recog\[onnx\]"):
        run_main(launch.export, f"--artifact={artifact}", "--onnx")
    monkeypatch.setitem(sys.modules, "recog.export.onnx_program", None)
    monkeypatch.delattr("recog.export.onnx_program", raising=False)
    with pytest.raises(ValueError, match=r"pip install recog\[onnx\]"):
        Artifact.load(artifact, "onnx")
    monkeypatch.setitem(sys.modules, "recog.export.stablehlo_program", None)
    monkeypatch.delattr("recog.export.stablehlo_program", raising=False)
    with pytest.raises(ValueError, match=r"pip install jax, or use the runtime onnx"):
        Artifact.load(artifact)


def test_an_artifact_without_a_program_is_told_how_to_get_one(exported):
    with pytest.raises(ValueError, match=r"add it with python -m launch\.export"):
        run_with_paths(f"--artifact={exported.folder}", "--runtime=onnx", "a.png")
