"""Configurations: flags reach every field, mistakes are errors, the JSON form comes back whole."""

import dataclasses
import json

import pytest

from launch.configs import quickstart
from launch.runs.codecs import make_alphabet
from launch.runs.config import AlphabetConfig, Config, differences, from_json, to_json
from launch.runs.costs import config_names, load_config
from recog.models.crnn import CRNNConfig
from tests.launch.in_process import parse


def test_flags_reach_nested_fields():
    saved = parse(
        "--config=launch/configs/quickstart.py",
        "--config.model.recurrent.layers=3",
        "--config.data.buckets=(64, 96)",
        "--config.optimizer.learning_rate=0.5",
    )
    expected = quickstart.get_config()
    assert isinstance(expected.model, CRNNConfig)
    expected.model.recurrent.layers = 3
    expected.data.buckets = (64, 96)
    expected.optimizer.learning_rate = 0.5
    assert from_json(Config, saved) == expected


@pytest.mark.parametrize(
    ("config", "flags", "read"),
    [
        ("arithmetic", ["--config.model.recurrent.cell=lstm", "--config.alphabet.blank=last"], ("lstm", "last")),
        ("lprnet", ["--config.model.context=batch", "--config.model.graphic=true"], ("batch", True)),
        ("price_tags", ["--config.model.decoder=ctc", '--config.model.branches=("integer",)'], ("ctc", ["integer"])),
    ],
)
def test_flags_reach_the_fields_of_every_architecture(config, flags, read):
    saved = parse(f"--config=launch/configs/{config}.py", *flags)
    found = []
    for flag in flags:
        value = saved
        for field in flag.partition("=")[0].removeprefix("--config.").split("."):
            value = value[field]
        found.append(value)
    assert tuple(found) == read


def test_a_misspelt_field_is_an_error():
    with pytest.raises(SystemExit, match=r"layer.*--config\.model\.recurrent\.layer=3"):
        parse("--config=launch/configs/quickstart.py", "--config.model.recurrent.layer=3")


def test_a_wrong_type_is_an_error(capsys):
    with pytest.raises(SystemExit):
        parse("--config=launch/configs/quickstart.py", "--config.train.steps=many")
    assert "many" in capsys.readouterr().err


@pytest.mark.parametrize("name", config_names())
def test_json_form_comes_back_whole(name):
    config = load_config(name)
    assert from_json(Config, json.loads(json.dumps(to_json(config)))) == config


def test_saved_fields_of_another_version_are_named():
    saved = to_json(quickstart.get_config())
    saved["model"]["colour"] = "blue"
    with pytest.raises(ValueError, match=r"CRNNConfig.*\['colour'\]"):
        from_json(Config, saved)


def test_fields_that_an_earlier_version_did_not_have_are_as_by_default():
    config = quickstart.get_config()
    saved = to_json(config)
    del saved["init_from"], saved["data"]["cache_mb"]
    assert from_json(Config, saved) == config


def test_a_configuration_without_a_model_is_damaged():
    saved = to_json(quickstart.get_config())
    del saved["model"]
    with pytest.raises(ValueError, match=r"Config.*\['model'\]"):
        from_json(Config, saved)


def test_differences_name_the_fields():
    ours, theirs = quickstart.get_config(), quickstart.get_config()
    assert isinstance(theirs.model, CRNNConfig)
    theirs.model.recurrent.units = 7
    theirs.seed = 5
    lines = differences(to_json(ours), to_json(theirs))
    assert lines == ["config.model.recurrent.units: 64 now, 7 in the run", "config.seed: 0 now, 5 in the run"]
    assert differences(to_json(ours), to_json(ours)) == []


def test_alphabet_presets_by_name():
    sizes = {"digits": 10, "price": 11, "arithmetic": 16, "latin_36": 36, "latin_62": 62, "latin_94": 94}
    for name, size in {**sizes, "chinese_plates": 67}.items():
        assert make_alphabet(AlphabetConfig(name=name)).classes == size + 1


def test_alphabet_from_tokens_and_file(tmp_path):
    (tmp_path / "notes.txt").write_text("note-C4\nrest\n")
    assert make_alphabet(AlphabetConfig(tokens="xyz")).classes == 4
    notes = make_alphabet(AlphabetConfig(file=str(tmp_path / "notes.txt"), separator=" "))
    assert notes.encode("rest note-C4").tolist() == [2, 1]


@pytest.mark.parametrize("config", [AlphabetConfig(), AlphabetConfig(name="digits", tokens="ab")])
def test_alphabet_wants_exactly_one_origin(config):
    with pytest.raises(ValueError, match="exactly one of"):
        make_alphabet(config)


def test_unknown_preset_is_named():
    with pytest.raises(ValueError, match=r"alphabet\.name='klingon'"):
        make_alphabet(AlphabetConfig(name="klingon"))


def test_every_field_of_a_config_has_a_plain_default():
    for field in dataclasses.fields(Config):
        assert field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
