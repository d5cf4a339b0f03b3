"""Report of ``launch.prepare --report``: a JSON file, a summary, an alphabet, and a page with histograms."""

import json
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from datasets.box_report import BoxReport, holds_boxes, make_box_report
from datasets.class_report import ClassReport, holds_classes, make_class_report
from datasets.pipeline import DataConfig
from datasets.report import LOOK_AT_RENDERED, Report, make_report
from datasets.sources import Source
from datasets.specs import open_source
from launch.runs.box_page import write_box_page
from launch.runs.class_page import class_flag, write_class_page
from launch.runs.config import Config
from launch.runs.data import needs
from launch.runs.data_alphabet import write_alphabet
from launch.runs.page_text import DPI, WIDTH, drawable, findings, put_picture, put_text
from launch.runs.tasks import make_task
from recog.codecs import BoxCodec, ClassCodec, TextCodec
from recog.tasks.task import Task

HEIGHT = 32
"""Picture height at which widths are measured, unless a height or a configuration is given."""

BAR, OUTSIDE = "#2b6cb0", "#dd6b20"
COMMONEST, RAREST = 48, 20
"""Numbers of tokens with a bar, if there are more than their sum."""
BINS = 40
"""Bars of the histogram of widths."""
LONGEST = 12
"""Characters of a token on its bar."""
SPACE = "space"
"""Spelling of the token ' '."""


def report(
    spec: str,
    out: str | Path = "report",
    count: int | None = None,
    height: int | None = None,
    config: Config | None = None,
) -> Report | BoxReport | ClassReport:
    """Examines all samples, prints a summary, and writes ``report.json`` and ``report.png``.

    Tokens of texts are written to ``alphabet.txt``.

    Args:
      spec: source of the samples, see `datasets.specs.open_source`.
      out: folder to write to.
      count: samples of a rendered source to examine; None takes 2,000.
      height: picture height at which widths are measured; None takes 32.
      config: a model's configuration; sets the height, and finds the samples that the model cannot read.

    Returns:
      The findings; a `BoxReport` for pictures with boxes or for the configuration of a detector, a `ClassReport` for
      pictures with classes or for the configuration of a classifier. Without a configuration, labels are classes if
      each of them is that of many samples.

    Raises:
      ValueError: unknown or empty source, both a height and a configuration, or a height for pictures with boxes or
        classes.
    """
    if height and config:
        raise ValueError("--height and --config both set a height: leave one out, or set --config.data.height")
    out = Path(out).expanduser()
    out.mkdir(parents=True, exist_ok=True)  # before the samples are read, which may take long
    data = config.data if config else DataConfig(height=height or HEIGHT, channels=3)
    task = make_task(config) if config else None
    asked, source, rendered = needs(data, task) if task else None, open_source(spec), count or LOOK_AT_RENDERED
    kind, tokens, mend = _kind(source, task), {}, []
    if height and kind != TextCodec.kind:
        raise ValueError(f"--height sets the height of lines of text: leave it out for pictures with {kind}")
    if kind == BoxCodec.kind:
        found = make_box_report(source, data.preprocess, asked, rendered=rendered, progress="look")
        write_box_page(out / "report.png", spec, found)
    elif kind == ClassCodec.kind:
        found = make_class_report(source, data.preprocess, asked, rendered=rendered, progress="look")
        write_class_page(out / "report.png", spec, found)
        mend = [f"to train with {class_flag(found)}"] if found.classes and not task else []
    else:
        found = make_report(source, data, asked, rendered=rendered, progress="look")
        write_report_page(out / "report.png", spec, found)
        tokens = found.tokens
    document = json.dumps({"data": spec, **found.to_json()}, indent=2, ensure_ascii=False)
    # A lone surrogate, of a file name that is not UTF-8, becomes what JSON writes for it.
    (out / "report.json").write_text(document + "\n", encoding="utf-8", errors="backslashreplace")
    used = (task.codec, config.alphabet) if task and config else (None, None)
    alphabet = write_alphabet(out / "alphabet.txt", tokens, *used)
    written = [f"{out}/report.json, {out}/report.png", *alphabet, *mend]
    print("\n".join([f"{spec}:", *(f"  {line}" for line in found.summary()), *written]))
    return found


def _kind(source: Source, task: Task | None) -> str:
    """Kind of the labels: that of the model's, or as the samples show it."""
    if task:
        return task.codec.kind
    if holds_boxes(source):
        return BoxCodec.kind
    return ClassCodec.kind if holds_classes(source) else TextCodec.kind


def write_report_page(path: str | Path, title: str, report: Report) -> None:
    """Draws the page as a PNG.

    Args:
      path: file to write.
      title: name of the source, in any script.
      report: the findings.
    """
    lines = findings(report.summary())
    height = lines.shape[0] / 2 / DPI  # in inches, as it is shown at half the size
    figure = Figure(figsize=(WIDTH, 9 + height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplot_mosaic("tt;lw;cc;mm;ff", height_ratios=[0.3, 3, 3, 1.5, height])
    axes["t"].axis("off")
    put_text(axes["t"], title, (0, 0.5), alignment=(0, 0.5))
    _lengths(axes["l"], report)
    _widths(axes["w"], report)
    _tokens(axes["c"], report)
    _mean(axes["m"], report)
    axes["f"].axis("off")
    put_picture(axes["f"], lines, (0, 1), alignment=(0, 1))
    figure.savefig(path)


def spelt(token: str) -> str:
    """A token in drawable characters: code points for those that OpenCV's font lacks, and ``space``."""
    if token == " ":
        return SPACE
    text = drawable(token)
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
        put_text(axes, label, (place, 0), alignment=(0.5, 1.1), turned=not upright or label == SPACE)
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


def _finish(axes: Axes, across: str, up: str) -> None:
    axes.set(xlabel=across, ylabel=up)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
