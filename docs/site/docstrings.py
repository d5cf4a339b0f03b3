"""Docstrings as Markdown: names of this project in single backticks become links, ``::`` begins a block of code."""

import logging
import re
import textwrap
from typing import Any

import griffe

NAME = re.compile(r"(?<![`\w])`([A-Za-z_][\w.]*)`(?!`)")
BLOCK = re.compile(r"^([ ]*)(.*):: *\n\n((?:\1[ ]+.*\n?|\n(?=(?:\n|\1[ ])))+)", re.MULTILINE)
LOG = logging.getLogger("mkdocs.plugins.docstrings")
"""Its warnings end a strict build."""


class ProjectDocstrings(griffe.Extension):
    """Rewrites the docstrings of each package that is loaded."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Rewrites them all, when all names are known."""
        del kwargs
        rewrite(pkg)


def rewrite(thing: griffe.Object) -> None:
    """Rewrites the docstrings of an object and its members."""
    if thing.docstring:
        thing.docstring.value = linked(fenced(thing.docstring.value), thing)
    for member in thing.members.values():
        if not member.is_alias:
            rewrite(member)  # pyright: ignore[reportArgumentType]


def fenced(text: str) -> str:
    """A docstring whose literal blocks, as in reStructuredText, are fenced."""
    return BLOCK.sub(_fence, text)


def _fence(found: re.Match[str]) -> str:
    margin, lead, code = found.groups()
    block = f"{lead}:\n\n```python\n{textwrap.dedent(code).strip()}\n```\n\n"
    return textwrap.indent(block, margin)


def linked(text: str, scope: griffe.Object) -> str:
    """A docstring whose names link to what they name, outside of code."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(
        part if part.startswith("```") else NAME.sub(lambda found: _link(found, scope), part) for part in parts
    )


def _link(found: re.Match[str], scope: griffe.Object) -> str:
    path = target(found[1], scope)
    return f"[`{found[1]}`][{path}]" if path else found[0]


def target(name: str, scope: griffe.Object) -> str | None:
    """Full name of the described object that a name means where it is used; None if there is none."""
    try:
        path = name if name.startswith("recog.") else scope.resolve(name)
        found = scope.modules_collection[path]
        found = found.final_target if found.is_alias else found
    except (KeyError, griffe.GriffeError):
        if name.startswith("recog."):
            LOG.warning("the docstring of %s names %s, which does not exist", scope.path, name)
        return None
    hidden = any(part.startswith("_") for part in found.path.split("."))
    return None if hidden or not found.has_docstring else found.path
