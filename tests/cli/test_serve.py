"""Settings that a server cannot start with are told before anything is loaded."""

import pytest

import recog.cli.serve
from tests.launch.in_process import run_main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to serve: set --artifact"),
        (["--artifact=x/a,y/a"], r"has 'a' twice: write NAME=y/a"),
        (["--artifact=x/y=z"], "a name without slashes"),
        (["--artifact=nowhere"], "there is no folder nowhere"),
        (["--artifact=a", "--max_files=9", "--max_queue=8"], "raise queue or lower files"),
    ],
)
def test_settings_that_are_wrong_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        run_main(recog.cli.serve, *arguments)


def test_a_blank_token_is_refused(monkeypatch):
    monkeypatch.setenv("RECOG_TOKEN", " \n")
    with pytest.raises(ValueError, match="RECOG_TOKEN holds nothing but blanks"):
        run_main(recog.cli.serve, "--artifact=nowhere")


def test_a_token_is_taken_without_the_end_of_its_line(monkeypatch):
    served = {}
    monkeypatch.setenv("RECOG_TOKEN", "secret\n")
    monkeypatch.setattr("recog.serving.server.serve", lambda *_, **settings: served.update(settings))
    run_main(recog.cli.serve, "--artifact=digits=zoo:arithmetic")
    assert served["token"] == "secret"
