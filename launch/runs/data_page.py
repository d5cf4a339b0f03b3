"""Report of ``launch.prepare --report``: a JSON file, a summary, an alphabet, and a page with histograms.

Tokens are drawn with OpenCV's built-in font, which has Chinese; Matplotlib depends on the installed fonts.
"""

import functools
import json
import textwrap
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.ticker import MaxNLocator

from datasets.pipeline import DataConfig
from datasets.report import LOOK_AT_RENDERED, Report, make_report
from datasets.specs import open_source
from launch.runs.config import Config
from launch.runs.data import needs
from launch.runs.data_alphabet import write_alphabet
from launch.runs.tasks import make_task

HEIGHT = 32
"""Picture height at which widths are measured, unless a height or a configuration is given."""

BAR, OUTSIDE, INK = "#2b6cb0", "#dd6b20", 60
DPI, WIDTH = 120, 11
"""Dots per inch, and inches of the page's width."""
COMMONEST, RAREST = 48, 20
"""Numbers of tokens with a bar, if there are more than their sum."""
BINS = 40
"""Bars of the histogram of widths."""
GLYPH = 30
"""Font size in pixels at which text is drawn; it is shown at half the size, for smooth edges."""
LINE, LINES = 150, 4
"""Maximum number of characters of a line of findings, and of lines of each."""
LONGEST = 12
"""Characters of a token on its bar."""
SPACE = "space"
"""Spelling of the token ' '."""
PLACEHOLDER = "?"
"""Character that OpenCV draws in place of one that its font lacks."""


def report(
    spec: str,
    out: str | Path = "report",
    count: int | None = None,
    height: int | None = None,
    config: Config | None = None,
) -> Report:
    """Examines all samples, prints a summary, and writes ``report.json``, ``report.png`` and ``alphabet.txt``.

    Args:
      spec: source of the samples, see `datasets.specs.open_source`.
      out: folder to write to.
      count: samples of a rendered source to examine; None takes 2,000.
      height: picture height at which widths are measured; None takes 32.
      config: a model's configuration; sets the height, and finds the samples that the model cannot read.

    Raises:
      ValueError: unknown or empty source, or both a height and a configuration.
    """
    if height and config:
        raise ValueError("--height and --config both set a height: leave one out, or set --config.data.height")
    out = Path(out).expanduser()
    out.mkdir(parents=True, exist_ok=True)  # before the samples are read, which may take long
    data = config.data if config else DataConfig(height=height or HEIGHT, channels=3)
    task = make_task(config) if config else None
    asked = needs(data, task) if task else None
    found = make_report(open_source(spec), data, asked, rendered=count or LOOK_AT_RENDERED, progress="look")
    document = json.dumps({"data": spec, **found.to_json()}, indent=2, ensure_ascii=False)
    # A lone surrogate, of a file name that is not UTF-8, becomes what JSON writes for it.
    (out / "report.json").write_text(document + "\n", encoding="utf-8", errors="backslashreplace")
    write_report_page(out / "report.png", spec, found)
    used = (task.codec, config.alphabet) if task and config else (None, None)
    alphabet = write_alphabet(out / "alphabet.txt", found.tokens, *used)
    written = [f"{out}/report.json, {out}/report.png", *alphabet]
    print("\n".join([f"{spec}:", *(f"  {line}" for line in found.summary()), *written]))
    return found


def write_report_page(path: str | Path, title: str, report: Report) -> None:
    """Draws the page as a PNG.

    Args:
      path: file to write.
      title: name of the source, in any script.
      report: the findings.
    """
    findings = _findings(report)
    height = findings.shape[0] / 2 / DPI  # in inches, as it is shown at half the size
    figure = Figure(figsize=(WIDTH, 9 + height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplot_mosaic("tt;lw;cc;mm;ff", height_ratios=[0.3, 3, 3, 1.5, height])
    axes["t"].axis("off")
    _put(axes["t"], title, (0, 0.5), alignment=(0, 0.5))
    _lengths(axes["l"], report)
    _widths(axes["w"], report)
    _tokens(axes["c"], report)
    _mean(axes["m"], report)
    axes["f"].axis("off")
    _place(axes["f"], findings, (0, 1), alignment=(0, 1))
    figure.savefig(path)


def spelt(token: str) -> str:
    """A token in drawable characters: code points for those that OpenCV's font lacks, and ``space``."""
    if token == " ":
        return SPACE
    text = _drawable(token)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _lengths(axes: Axes, report: Report) -> None:
    axes.bar(list(report.label_lengths), list(report.label_lengths.values()), color=BAR)
    axes.set_xlim(-0.5, max(report.label_lengths, default=0) + 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    _finish(axes, "tokens of a label", "samples")


def _widths(axes: Axes, report: Report) -> None:
    values, counts = list(report.widths), list(report.widths.values())
    right = 1.05 * max(values + list(report.buckets), default=1)
    axes.hist(values, BINS, range=(0, right), weights=counts, color=BAR)
    for bucket in report.buckets:
        axes.axvline(bucket, color=OUTSIDE, linestyle=":")
    axes.set_xlim(0, right)
    _finish(axes, f"pixels of width at height {report.height}{'; dotted: buckets' * bool(report.buckets)}", "samples")


def _tokens(axes: Axes, report: Report) -> None:
    """Draws the tokens' bars, the commonest first; only some of them where there are too many."""
    tokens, some = list(report.tokens), len(report.tokens) > COMMONEST + RAREST
    shown = tokens[:COMMONEST] + tokens[-RAREST:] if some else tokens
    colours = [OUTSIDE if token in report.outside else BAR for token in shown]
    axes.bar(range(len(shown)), [report.tokens[token] for token in shown], color=colours, log=bool(shown))
    axes.set(xlim=(-1, len(shown)), ylim=(0.7, None), xticks=[])
    labels = [spelt(token) for token in shown]
    upright = all(len(label) == 1 for label in labels if label != SPACE)
    for place, label in enumerate(labels):
        _put(axes, label, (place, 0), alignment=(0.5, 1.1), turned=not upright or label == SPACE)
    if some:
        axes.axvline(COMMONEST - 0.5, color="gray", linestyle=":")
    which = f"{COMMONEST} commonest and {RAREST} rarest of {len(tokens):,} tokens" if some else "tokens"
    axes.set_title(f"{which}{', orange: not in the alphabet' if report.outside else ''}", fontsize="medium")
    _finish(axes, "", "occurrences")


def _mean(axes: Axes, report: Report) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    if report.mean_image is None:
        axes.set_xlabel("no picture can be read")
        return
    height, width, _ = report.mean_image.shape
    axes.imshow(np.broadcast_to(report.mean_image / 255, (height, width, 3)))
    axes.set_xlabel(f"mean picture, {width}x{height}")


def _findings(report: Report) -> UInt8[np.ndarray, "H W 4"]:
    """Lines of the summary, twice as large as they are shown."""
    lines = [line for finding in report.summary() for line in _wrapped(_drawable(finding))]
    pictures = [_drawn(line) for line in lines]
    together = np.zeros((sum(len(p) for p in pictures), max(p.shape[1] for p in pictures), 4), np.uint8)
    for number, picture in enumerate(pictures):
        together[number * len(picture) :][: len(picture), : picture.shape[1]] = picture
    return together


def _wrapped(text: str) -> list[str]:
    """Lines that fit the page; Chinese ones hold fewer characters."""
    lines = [text]
    for length in range(LINE, LINE // 3, -10):
        lines = textwrap.wrap(text, length, subsequent_indent="    ", max_lines=LINES, placeholder=" …")
        if max(_drawn(line).shape[1] for line in lines) <= 2 * DPI * (WIDTH - 1):
            break
    return lines


def _finish(axes: Axes, across: str, up: str) -> None:
    axes.set(xlabel=across, ylabel=up)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _put(axes: Axes, text: str, place: tuple[float, float], alignment: tuple[float, float], turned: bool = False):
    """Puts text at ``place`` (x in data, y as a share of the axes), with its ``alignment`` point there."""
    picture = _drawn(text)
    _place(axes, np.rot90(picture) if turned else picture, place, alignment)


def _place(axes: Axes, picture: np.ndarray, place: tuple[float, float], alignment: tuple[float, float]) -> None:
    image = OffsetImage(picture, zoom=36 / DPI)
    coords = axes.get_xaxis_transform()
    axes.add_artist(AnnotationBbox(image, place, xycoords=coords, box_alignment=alignment, frameon=False, pad=0))


def _drawn(text: str) -> UInt8[np.ndarray, "H W 4"]:
    """Text on a transparent background, twice as large as it is shown."""
    font = cv2.FontFace("uni")
    left, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), font, GLYPH)
    picture = np.full((GLYPH + GLYPH // 3, max(1, left + width), 4), INK, np.uint8)
    ink = np.zeros(picture.shape[:2], np.uint8)
    cv2.putText(ink, text, (0, GLYPH), (255,), font, GLYPH)
    picture[..., 3] = ink
    return picture


def _drawable(text: str) -> str:
    """Text with the code points of characters that OpenCV's font lacks."""
    return "".join(character if _has_glyph(character) else f"U+{ord(character):04X}" for character in text)


@functools.cache
def _has_glyph(character: str) -> bool:
    if character == PLACEHOLDER or not character.isprintable():
        return character == PLACEHOLDER
    return not np.array_equal(_drawn(character), _drawn(PLACEHOLDER))
