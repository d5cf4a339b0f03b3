"""The site of the documentation holds all pages and names, and loads nothing from elsewhere."""

import importlib.util
import os
import pkgutil
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pytest

import recog
from recog.ctc import ctc_loss

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs" / "site"
LINK = re.compile(r"\]\(([^)\s]+)\)")
LOADS = {"script": "src", "img": "src", "iframe": "src", "link": "href"}


class Page(HTMLParser):
    """Text, anchors, and addresses that a browser loads by itself, of a built page."""

    def __init__(self, path: Path):
        super().__init__()
        self.anchors, self.loaded, self._text = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join("".join(self._text).split())

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.anchors.add(values.get("id"))
        self.loaded.append(values.get(LOADS.get(tag, "")) or "")

    def handle_data(self, data):
        self._text.append(data)


def module(name: str) -> ModuleType:
    """A module of the site's own."""
    spec = importlib.util.spec_from_file_location(f"site_{name}", SITE / f"{name}.py")
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name
)
def test_links_lead_to_files(page):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        parts = urlsplit(link)
        assert parts.scheme or not parts.path or (page.parent / parts.path).exists(), link


def test_no_module_of_the_package_is_left_out_of_the_api():
    pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install -e .[docs]")
    described = re.findall(r"^::: (\S+)$", "".join(module("pages").api_pages().values()), re.MULTILINE)
    modules = ["recog", *(found.name for found in pkgutil.walk_packages(recog.__path__, "recog."))]
    public = [name for name in modules if not re.search(r"\._", name)]
    assert sorted(described) == sorted(public)


def test_docstrings_become_markdown(caplog):
    griffe = pytest.importorskip("griffe", reason="griffe is not installed: pip install -e .[docs]")
    docstrings = module("docstrings")
    code = '''
"""Sums, see `recog.double`, `half`, `_hidden`, `x` and ``half``.

Example::

  four = double(2)

  print(four)

`double` once more.
"""
def double(x):
    """Twice `x`."""
def half(x):
    """Half; see `recog.twice`."""
def _hidden():
    """Hidden."""
'''
    with griffe.temporary_visited_module(code, module_name="recog") as found:
        docstrings.rewrite(found)
        assert found.docstring
        assert found.docstring.value.splitlines() == [
            "Sums, see [`recog.double`][recog.double], [`half`][recog.half], `_hidden`, `x` and ``half``.",
            "",
            "Example:",
            "",
            "```python",
            "four = double(2)",
            "",
            "print(four)",
            "```",
            "",
            "",
            "[`double`][recog.double] once more.",
        ]
    assert [record.getMessage() for record in caplog.records] == [
        "the docstring of recog.half names recog.twice, which does not exist"
    ]


@pytest.mark.exhaustive
def test_the_site_builds_without_a_warning_and_is_complete(tmp_path):
    pytest.importorskip("material", reason="mkdocs-material is not installed: pip install -e .[docs]")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"]
    done = subprocess.run(
        [*command, "--config-file", str(SITE / "mkdocs.yml"), "--site-dir", str(tmp_path)],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    pages = {str(path.relative_to(tmp_path)): Page(path) for path in tmp_path.rglob("*.html")}
    assert {f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md")} <= pages.keys()
    assert not [link for page in pages.values() for link in page.loaded if urlsplit(link).netloc]
    first = pages["index.html"]
    assert "CTC loss with its own forward-backward pass" in first.text
    assert "quickstart" in first.anchors
    assert "your-own-pictures" not in first.anchors
    assert "your-own-pictures" in pages["guide.html"].anchors
    ctc = pages["api/recog.ctc.html"]
    assert ctc_loss.__module__ + ".ctc_loss" in ctc.anchors
    assert 'logits: Float[Array, "B T K"]' in ctc.text
    assert not [path for path, page in pages.items() if "Example::" in page.text]
