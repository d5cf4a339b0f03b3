"""A full disk is named as such, and the run resumes from its last checkpoint."""

import errno

import jax
import pytest

from launch.runs.training import train
from recog.cli.disk import DiskFullError, full_disk_named, is_full
from recog.training.writers import MetricWriter
from tests.launch.conftest import assert_same_state

FULL = OSError(errno.ENOSPC, "No space left on device")
DEEP = ValueError(
    'RESOURCE_EXHAUSTED: Failed to write 197 bytes to file 9: No space left on device [os_error_code="28"]'
)


def after(error: Exception, first: Exception) -> Exception:
    """An error that was raised because of another."""
    error.__context__ = first
    return error


@pytest.mark.parametrize(
    "error",
    [
        FULL,
        OSError(errno.EDQUOT, "x"),
        DEEP,
        after(RuntimeError("closing"), after(ValueError("flush"), FULL)),
        ExceptionGroup("tasks", [ValueError("x"), DEEP]),
    ],
)
def test_errors_of_a_full_disk_are_recognised_however_they_are_wrapped(error, tmp_path):
    assert is_full(error)
    with pytest.raises(DiskFullError, match=rf"the disk of {tmp_path} is full"), full_disk_named([tmp_path]):
        raise error


def test_other_errors_stay_as_they_are(tmp_path):
    error = after(ValueError("x"), OSError(errno.EACCES, "denied"))
    error.__cause__ = error  # a circle
    assert not is_full(error)
    with pytest.raises(ValueError, match="x"), full_disk_named([tmp_path]):
        raise error


def test_a_run_whose_disk_was_full_resumes_bit_for_bit(trained, tmp_path, monkeypatch):
    write = MetricWriter.write

    def until_full(self, step, metrics):
        if step > 9:
            raise FULL
        write(self, step, metrics)

    with monkeypatch.context() as patch:
        patch.setattr(MetricWriter, "write", until_full)
        with pytest.raises(DiskFullError, match="run is full"):
            train(trained.config, tmp_path / "run")
    assert_same_state(jax.device_get(train(trained.config, tmp_path / "run")), trained.state)
