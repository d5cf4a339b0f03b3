"""An installed Chromium for tests of pages."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@contextlib.contextmanager
def open_chromium() -> Iterator[Any]:
    """A Playwright browser; skips the test if there is none."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install -e .[browser]"
    )
    with playwright.sync_playwright() as running:
        own = running.chromium.executable_path
        found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        path = own if Path(own).exists() else found
        if path is None:
            pytest.skip("no Chromium: apt-get install chromium, or python -m playwright install chromium")
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
