"""Modes of PyTorch, whether it is installed or not."""

import jax
import pytest

from launch.benchmarks import rival


@pytest.mark.parametrize(
    ("platform", "modes"),
    [
        ("cpu", {"torch": None, "compiled": "default"}),
        ("gpu", {"torch": None, "compiled": "default", "graphs": "reduce-overhead"}),
    ],
)
def test_every_mode_of_the_platform_is_made(platform, modes, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: platform)
    assert rival.each_mode(lambda mode: mode) == modes


def test_a_mode_that_fails_is_left_out_with_a_note(monkeypatch, capsys):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")

    def make(mode):
        if mode == "default":
            raise RuntimeError("no compiler\nand more")
        return mode

    assert rival.each_mode(make) == {"torch": None, "graphs": "reduce-overhead"}
    note = "note: torch.compile(mode='default') does not work here (RuntimeError: no compiler)\n"
    assert capsys.readouterr().err == note


def test_what_fails_uncompiled_is_an_error():
    def make(mode):
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        rival.each_mode(make)
