"""Where compiled programs are kept."""

import subprocess
import sys

import jax
import pytest

from recog.cli import compilation_cache
from recog.cli.compilation_cache import cache_folder, use_compilation_cache
from tests.conftest import with_devices

ENTRY_POINT = """
import jax
from recog.cli import entry

entry.run(lambda _: print(jax.jit(lambda x: x + 1)(1)))
"""


@pytest.fixture(autouse=True)
def as_it_was():
    before = jax.config.values["jax_compilation_cache_dir"]
    yield
    jax.config.update("jax_compilation_cache_dir", before)


def test_programs_are_kept_below_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    jax.config.update("jax_compilation_cache_dir", None)
    use_compilation_cache()
    assert jax.config.values["jax_compilation_cache_dir"] == str(cache_folder())
    assert cache_folder().is_relative_to(tmp_path / "recog")


def test_what_an_entry_point_compiles_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    subprocess.run([sys.executable, "-c", ENTRY_POINT], env=with_devices(1), check=True)
    assert list(cache_folder().iterdir())


def test_another_place_is_left_as_it_is(tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    use_compilation_cache()
    assert jax.config.values["jax_compilation_cache_dir"] == str(tmp_path)


def test_processors_that_differ_do_not_share_programs(monkeypatch):
    folders = set()
    for flags in ("flags : sse2 avx2", "flags : sse2", ""):
        monkeypatch.setattr(compilation_cache, "_instructions", lambda flags=flags: flags)
        folders.add(cache_folder())
    assert len(folders) == 3
