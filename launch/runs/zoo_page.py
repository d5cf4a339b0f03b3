"""``docs/MODELS.md``: the models that come with the package, from their entries."""

from recog.zoo import FOLDER, Entry, load_index

PAGE = FOLDER.parent.parent / "docs" / "MODELS.md"
HEAD = """\
# Models

These models come with the package; `zoo:NAME` names one wherever an artifact is asked for. They are verified by SHA-256
when they are loaded. All are trained on rendered samples of this project, some then on real ones as well. To train one
further with pictures of yours: `--config.init_from=zoo:NAME`, with the settings of its `config.json`.
`python -m launch.zoo` writes this page.

```
recog-read --artifact=zoo:arithmetic PICTURE...
recog-read --detector=zoo:plate_finder --draw=DIR PHOTO...
```

| model | what it does | measured | MB |
|---|---|---|---|
"""


def write_page() -> None:
    """Writes the page of all entries."""
    PAGE.write_text(page(load_index()), encoding="utf-8")


def page(entries: dict[str, Entry]) -> str:
    """Content of the page: a table, and a section for each model."""
    rows = "".join(_row(name, entry) for name, entry in entries.items())
    return HEAD + rows + "".join(_section(name, entry) for name, entry in entries.items())


def size(name: str) -> int:
    """Number of bytes of a model's files."""
    return sum(path.stat().st_size for path in (FOLDER / name).iterdir())


def _row(name: str, entry: Entry) -> str:
    measured = "; ".join(f"{one.samples}: {_rate(one.headline, one.rates[one.headline])}" for one in entry.measured)
    return f"| `zoo:{name}` | {entry.title} | {measured} | {size(name) / 1e6:.1f} |\n"


def _section(name: str, entry: Entry) -> str:
    lines = [
        f"\n## zoo:{name}\n",
        f"{entry.title}. Licence: {entry.licence}.\n",
        f"- Trained on {entry.data}.",
        f"- Drawn with {entry.drawn_with}.",
        f"- Known failures: {entry.failures}",
        f"- Rebuilt by `{entry.rebuild}`.",
        f"- SHA-256 of its card: `{entry.card_sha256}`.\n",
    ]
    for one in entry.measured:
        rates = ", ".join(f"{rate} {_shown(value)}" for rate, value in one.rates.items())
        lines += [f"On {one.samples}, `{one.command}`: {rates}.\n"]
    return "\n".join(lines)


def _rate(name: str, value: float) -> str:
    names = {"accuracy": "read exactly", "recall_50": "found"}
    return f"{value:.1%} {names[name]}".replace("%", " %")


def _shown(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
