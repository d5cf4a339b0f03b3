"""Models of the package: all that they are is in it, their page is current, and a command rebuilds each."""

import dataclasses
import itertools
import json
import re
import shutil
from pathlib import Path

import pytest

from datasets.specs import open_source
from launch.runs import zoo, zoo_page
from launch.runs.config_file import load_config
from launch.runs.evaluating_artifact import evaluate_artifact
from launch.runs.folder import OtherRunError
from launch.runs.zoo_recipes import RECIPES, Measure, Recipe
from recog.export.artifact import Artifact
from recog.export.files import FILES, ONNX, sha256
from recog.serving.named import artifact_folder
from recog.zoo import FOLDER, load_index, save_index

LARGEST = 12_000_000
"""Maximum number of bytes of all models."""
NAMES = list(load_index())


def test_the_package_has_the_models_of_its_index_alone_and_stays_small():
    folders = [path for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert sorted(path.name for path in folders) == NAMES == sorted(NAMES)
    assert sum(zoo_page.size(name) for name in NAMES) < LARGEST


def test_the_page_is_current():
    assert zoo_page.PAGE.read_text(encoding="utf-8") == zoo_page.page(load_index())


@pytest.mark.parametrize("name", NAMES)
def test_a_model_has_the_words_of_its_recipe_and_its_card(name):
    entry, recipe = load_index()[name], RECIPES[name]
    for field in ("title", "data", "drawn_with", "failures"):
        assert getattr(entry, field) == getattr(recipe, field), field
    assert [one.samples for one in entry.measured] == [one.name for one in recipe.measures]
    for one, measure in zip(entry.measured, recipe.measures, strict=True):
        assert f"--artifact=zoo:{name} --data=" in one.command
        assert measure.data in one.command
        assert one.headline in one.rates
    assert set(FILES) <= {path.name for path in (FOLDER / name).iterdir()}
    assert not any(word in (FOLDER / name / "config.json").read_text() for word in ("/tmp", "/home", "/work"))


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("_finder")])
def test_a_reader_reads_what_it_was_measured_on(name):
    measured, artifact = RECIPES[name].measures[0], Artifact.load(artifact_folder(f"zoo:{name}"))
    source = open_source(measured.data)
    samples = [source[index] for index in range(16)]
    readings = artifact.read_fitted([artifact.fit(sample.image) for sample in samples])
    if (artifact_folder(f"zoo:{name}") / ONNX).is_file():
        other = Artifact.load(artifact_folder(f"zoo:{name}"), runtime="onnx")
        fitted = [other.fit(sample.image) for sample in samples]
        assert [reading.text for reading in other.read_fitted(fitted)] == [reading.text for reading in readings]
    right = sum(reading.text == sample.label for reading, sample in zip(readings, samples, strict=True))
    assert right >= 16 * load_index()[name].measured[0].rates["accuracy"] - 3


@pytest.mark.parametrize("name", list(RECIPES))
def test_recipes_measure_rendered_samples_that_neither_train_nor_validate(name):
    recipe = RECIPES[name]
    data, measured = load_config(recipe.config).data, recipe.measures[0].data
    assert len(open_source(measured)) >= 500
    found = re.fullmatch(r"(\w+):.*?(seed=\d+).*", measured)
    assert found
    kind, seed = found.groups()
    flags = list(itertools.chain(*recipe.before))
    assert kind in data.train
    starts = [load_config(flag.removeprefix("--config=")).data for flag in flags if flag.startswith("--config=")]
    rendered = " ".join((*flags, *(spec for one in (data, *starts) for spec in (one.train, one.validation))))
    assert not re.search(rf"\b{seed}\b", rendered)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch, trained, exported, digits, config_file):
    """A recipe of the `trained` run; models, index and page below another folder; lists the commands that run."""
    measures = (Measure("digits", f"folder:{digits}"), Measure("others", "folder:$NOT_SET/digits"))
    recipe = Recipe("Reads digits", str(config_file), "digits", "a font", measures, "none", export=("--height=32",))
    folder, index, ran = tmp_path / "zoo", tmp_path / "index.json", []
    index.write_text("{}")

    def run(command):
        ran.append(command)
        if command[0] == "launch.export":
            [out] = [Path(flag.removeprefix("--out=")) for flag in command if flag.startswith("--out=")]
            shutil.copytree(exported.folder, out)
        if command[0] == "launch.evaluate":
            return json.dumps(evaluate_artifact(str(exported.folder), f"folder:{digits}"))
        return ""

    monkeypatch.setattr(zoo, "RECIPES", {"digits": recipe})
    monkeypatch.setattr(zoo, "FOLDER", folder)
    monkeypatch.setattr(zoo, "run", run)
    monkeypatch.setattr(zoo, "load_index", lambda: load_index(index))
    monkeypatch.setattr(zoo, "save_index", lambda entries: save_index(entries, index))
    monkeypatch.setattr(zoo, "write_page", lambda: None)
    return index, ran


def test_a_finished_run_is_exported_measured_and_entered(elsewhere, trained, capsys, monkeypatch, tmp_path):
    index, ran = elsewhere
    monkeypatch.delenv("NOT_SET", raising=False)
    entry = zoo.rebuild("digits", shutil.copytree(trained.workdir, tmp_path / "run"))
    assert [command[0] for command in ran] == ["launch.export", "launch.evaluate"]
    assert {"--height=32", "--parameters=float16"} < set(ran[0])
    assert load_index(index) == {"digits": entry}
    assert entry.card_sha256 == sha256(zoo.FOLDER / "digits" / "card.json")
    [measured] = entry.measured
    assert (measured.samples, measured.rates["count"]) == ("digits", 24)
    assert "not measured on others: NOT_SET not set" in capsys.readouterr().out


def test_a_run_that_is_not_there_is_prepared_and_trained(elsewhere, tmp_path):
    _, ran = elsewhere
    before = (("launch.prepare", "--render=scenes", "--count=9"), ("launch.train", "--config=start.py"))
    zoo.RECIPES["digits"] = dataclasses.replace(zoo.RECIPES["digits"], before=before)
    zoo.rebuild("digits", tmp_path / "new")
    assert ran[:2] == list(before)
    assert ran[2][0] == "launch.train"


def test_the_folder_of_another_run_is_refused(elsewhere, trained, tmp_path):
    index, ran = elsewhere
    other = tmp_path / "other.py"
    other.write_text(Path(zoo.RECIPES["digits"].config).read_text().replace("tiny_config(", "varied_config("))
    other.write_text(other.read_text().replace("import tiny_config", "import varied_config"))
    zoo.RECIPES["digits"] = dataclasses.replace(zoo.RECIPES["digits"], config=str(other))
    with pytest.raises(OtherRunError, match="holds a run that differs"):
        zoo.rebuild("digits", trained.workdir)
    assert not ran
    assert load_index(index) == {}
