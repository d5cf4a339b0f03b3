"""Work folders of earlier versions are resumed."""

import json

import pytest

from launch.runs.assembly import documents
from launch.runs.config import Config
from launch.runs.folder import OtherRunError, refuse_other_run
from launch.runs.tasks import make_task


@pytest.fixture
def identity(config: Config):
    return documents(config, make_task(config))


def test_a_codec_saved_before_labels_could_be_stripped_is_of_the_same_run(tmp_path, config, identity):
    (tmp_path / "checkpoints" / "newest" / "1").mkdir(parents=True)
    for name, saved in json.loads(json.dumps(identity)).items():
        (saved["data"] if name == "config" else saved).pop("strip")
        (tmp_path / f"{name}.json").write_text(json.dumps(saved))
    refuse_other_run(tmp_path, identity)
    config.data.strip = True
    with pytest.raises(OtherRunError, match=r"config\.data\.strip: True now.*\n.*codec\.strip: True now"):
        refuse_other_run(tmp_path, documents(config, make_task(config)))
