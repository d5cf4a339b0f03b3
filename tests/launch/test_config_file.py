"""Configuration files: loaded with their argument; what prevents loading is said with file and line."""

import pytest

from launch.runs.config_file import ConfigFileError, load_config
from tests.launch.in_process import parse


@pytest.mark.parametrize(
    ("named", "near"),
    [
        ("launch/configs/quikstart.py", "launch/configs/quickstart.py"),
        ("quickstart", "launch/configs/quickstart.py"),
        ("launch/configs/plates_cnn.py", "launch/configs/plates_crnn.py"),
        ("launch/configs", "launch/configs/quickstart.py"),
        ("", "launch/configs/quickstart.py"),
        ("nowhere/zzz.py", "launch/configs"),
    ],
)
def test_what_does_not_exist_is_named_with_the_nearest(named, near):
    with pytest.raises(ConfigFileError, match=rf"--config={named or r'[.]'}.*{near}"):
        load_config(named)


def test_own_files_are_near_too(tmp_path):
    (tmp_path / "invoices.py").write_text("")
    with pytest.raises(ConfigFileError, match=r"did you mean \S+/invoices\.py\?"):
        load_config(str(tmp_path / "invoice.py"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("def get_config(:\n", r"own\.py, line 1, is not Python: invalid syntax"),
        ("\n'\0'\n", r"own\.py.* null bytes"),
        ("def make(): ...\n", r"own\.py has no function get_config"),
        ("def get_config():\n  ...\n", r"of \S+own\.py returns a NoneType"),
        ("import nothing_like_it\n", r"own\.py, line 1, fails: ModuleNotFoundError: .*nothing_like_it"),
        ("def get_config():\n\n  return {}['x']\n", r"own\.py, line 3, fails: KeyError: 'x'"),
        ("def get_config():\n  open('no such file')\n", r"own\.py, line 2, fails: FileNotFoundError: .*no such file"),
        ("def get_config():\n  raise ValueError('too few')\n", r"own\.py, line 2, fails: ValueError: too few"),
        ("def get_config(size):\n  ...\n", r"own\.py fails: TypeError: .*'size'"),
    ],
)
def test_what_prevents_loading_is_said_with_file_and_line(tmp_path, content, message):
    (tmp_path / "own.py").write_text(content)
    with pytest.raises(ConfigFileError, match=message):
        load_config(str(tmp_path / "own.py"))
    with pytest.raises(SystemExit, match=rf"^error: .*{message}"):
        parse(f"--config={tmp_path / 'own.py'}", "--config.train.steps=3")


def test_what_follows_a_colon_is_passed_on(tmp_path):
    text = "from launch.runs.config import Config\n\ndef get_config(seed):\n  return Config(seed=int(seed))\n"
    (tmp_path / "own.py").write_text(text)
    config = parse(f"--config={tmp_path / 'own.py'}:7", "--config.train.steps=3")
    assert (config["seed"], config["train"]["steps"]) == (7, 3)
