"""Pages of the site that are made when it is built: the README in two parts, and one page a package of `recog`."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
"""Top of the repository."""
SECOND_SCREEN = "## Your own pictures"
"""Heading in the README where its first screen, which is the first page, ends."""
FIRST = {"Overview": "index.md", "Tutorial": "tutorial.md", "Guide": "guide.md"}
"""Pages that come first, in this order, with their titles."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the made pages, and the list of all pages, to the site."""
    made = readme_pages() | api_pages()
    for path, text in made.items():
        files.append(File.generated(config, path, content=text))
    written = sorted(file.src_uri for file in files.documentation_pages() if file.src_uri not in made)
    others = [path for path in written if path not in FIRST.values()]
    api = [{Path(path).stem: path} for path in made if path.startswith("api/")]
    config.nav = [*({title: path} for title, path in FIRST.items()), *others, {"API": api}]
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A page whose links to sections of the README lead to the guide."""
    del page, config, files
    return markdown.replace("](../README.md#", "](guide.md#")


def readme_pages() -> dict[str, str]:
    """The README's first screen and the rest of it, with links as seen from ``docs/``."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first, heading, rest = readme.partition(f"\n{SECOND_SCREEN}\n")
    if not heading:
        raise ValueError(f"README.md has no heading {SECOND_SCREEN!r}: name the one that ends its first screen")
    pages = {"index.md": first, "guide.md": f"# Guide\n{heading}{rest}"}
    return {path: re.sub(r"\]\(docs/", "](", text) for path, text in pages.items()}


def api_pages() -> dict[str, str]:
    """A page for each package of `recog`, with its public modules."""
    pages = {}
    for init in sorted((ROOT / "recog").rglob("__init__.py")):
        package = _dotted(init.parent)
        modules = sorted(path for path in init.parent.glob("*.py") if not path.stem.startswith("_"))
        blocks = [
            f"# {package}",
            _block(package, "members: false", "show_root_heading: false", "show_root_toc_entry: false"),
        ]
        pages[f"api/{package}.md"] = "\n\n".join([*blocks, *(_block(_dotted(path)) for path in modules)]) + "\n"
    return pages


def _block(name: str, *options: str) -> str:
    """Instruction of mkdocstrings to describe a module."""
    lines = [f"::: {name}", *(["    options:"] if options else []), *(f"      {option}" for option in options)]
    return "\n".join(lines)


def _dotted(path: Path) -> str:
    """Name of the module in a file, or of the package in a folder."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)
