"""The reader of painted plates as an artifact."""

from pathlib import Path

import pytest

from tests.launch.tables.painted import write_reader


@pytest.fixture(scope="session")
def green_reader(once) -> Path:
    """Folder of the artifact."""
    return once.folder("green_reader", lambda folder: write_reader(folder / "artifact")) / "artifact"
