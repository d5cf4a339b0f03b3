"""Names of artifacts: folders, and models that come with the package, whose cards are verified."""

import shutil
from pathlib import Path

import pytest

from recog import zoo
from recog.export.files import ArtifactError
from recog.serving import named
from recog.serving.named import artifact_folder


def test_a_folder_is_itself(tmp_path):
    assert artifact_folder(str(tmp_path)) == tmp_path
    assert artifact_folder("runs/mine/artifact") == Path("runs/mine/artifact")


@pytest.mark.parametrize("name", list(zoo.load_index()))
def test_a_model_of_the_package_is_its_folder(name):
    assert artifact_folder(f"zoo:{name}") == Path(zoo.__file__).parent / name


def test_unknown_names_list_those_there_are_and_the_nearest():
    with pytest.raises(ArtifactError, match=r"zoo:aritmetic: did you mean zoo:arithmetic\? there are zoo:arithmetic"):
        artifact_folder("zoo:aritmetic")
    with pytest.raises(ArtifactError, match=r"zoo:../zoo: there are zoo:arithmetic"):
        artifact_folder("zoo:../zoo")
    with pytest.raises(ArtifactError, match=r"no folder arithmetic: did you mean zoo:arithmetic\?"):
        artifact_folder("arithmetic")


def test_a_card_that_has_changed_is_noticed(tmp_path, monkeypatch):
    shutil.copytree(zoo.FOLDER / "arithmetic", tmp_path / "arithmetic")
    monkeypatch.setattr(named, "FOLDER", tmp_path)
    assert artifact_folder("zoo:arithmetic") == tmp_path / "arithmetic"
    card = tmp_path / "arithmetic" / "card.json"
    card.write_bytes(card.read_bytes() + b"\n")
    with pytest.raises(ArtifactError, match=r"card\.json is missing or has been changed: install recog again"):
        artifact_folder("zoo:arithmetic")
    card.unlink()
    with pytest.raises(ArtifactError, match=r"card\.json is missing"):
        artifact_folder("zoo:arithmetic")
