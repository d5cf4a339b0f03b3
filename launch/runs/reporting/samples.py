"""Sections of a report that show samples: pictures with their predictions, and the evidence for these."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from launch.runs.reporting.collecting import Collected, Item
from launch.runs.reporting.markup import Html, joined, paragraphs, percent, tag, text
from launch.runs.reporting.pictures import compared, fitted, heat_map, outlined_quad, over, picture, strip
from launch.runs.reporting.section import Section
from launch.runs.reporting.texts import Texts
from recog.explaining import Explanation
from recog.export.pictures import pad

SHOWN = 6
"""Samples under each heading."""
LINE = 2
"""Width over height from which a picture is shown as a line of text."""

NOTHING = Html("")

Chosen = Mapping[str, tuple[str, Sequence[int]]]
"""Sentence and indices of samples by heading."""


class Evidence:
    """Explanations of some samples, computed together.

    Args:
      collected: predictions of a model.
      indices: samples to explain.
    """

    def __init__(self, collected: Collected, indices: Iterable[int]):
        self._subject, chosen = collected.subject, sorted(set(indices))
        self.explainable = self._subject.explainable
        self._found: dict[int, tuple[UInt8[np.ndarray, "H W C"], Explanation]] = {}
        if not chosen:
            return
        codec, preprocess = self._subject.codec.for_measuring(), self._subject.settings.preprocess
        items = [collected.items[index] for index in chosen]
        pictures = [preprocess(item.picture()) for item in items]
        width = preprocess.width or max(each.shape[1] for each in pictures)
        images, sizes = pad(pictures, len(pictures), preprocess.height, width)
        labels = [codec.encode(item.label()) for item in items]
        targets = type(labels[0])(*(np.stack(field) for field in zip(*labels, strict=True)))
        explanations = self._subject.explain(images, sizes, targets)
        self._found = dict(zip(chosen, zip(pictures, explanations, strict=True), strict=True))

    @property
    def has_maps(self) -> bool:
        """Whether there is a map of evidence over a picture."""
        return any(len(found.maps) for _, found in self._found.values())

    @property
    def has_heats(self) -> bool:
        """Whether there is a heat map."""
        return any(found.heats for _, found in self._found.values())

    def show(self, index: int, wrong: Sequence[bool]) -> Html:
        """Evidence for a sample's prediction.

        Args:
          index: the sample.
          wrong: whether each character that was read is wrong.
        """
        pixels, found = self._found[index]
        return joined([self._inputs(pixels, found), self._maps(pixels, found, wrong), *self._heats(found)])

    def _maps(self, pixels: UInt8[np.ndarray, "H W C"], found: Explanation, wrong: Sequence[bool]) -> Html:
        if not len(found.maps):
            return NOTHING
        marks = [*wrong, *[False] * len(found.characters)]
        shown = [
            (over(pixels, each), name, marks[place])
            for place, (each, name) in enumerate(zip(found.maps, found.characters, strict=True))
        ]
        return joined([strip(shown), tag("p", "Evidence for each prediction", class_="small-caption")])

    def _heats(self, found: Explanation) -> list[Html]:
        names, drawn = self._subject.codec.class_names, []
        for branch, heat in found.heats.items():
            if len(found.heats) > 1:
                drawn.append(tag("p", f"Branch {branch}", class_="small-caption"))
            if len(heat):
                drawn.append(heat_map(heat, names))
        return drawn

    def _inputs(self, pixels: UInt8[np.ndarray, "H W C"], found: Explanation) -> Html:
        """Rectified picture with its quadrilateral, and drawings of graphic supervision."""
        shown = []
        if found.quad is not None and found.rectified is not None:
            shown.append((outlined_quad(pixels, found.quad), "where the network looks"))
            shown.append((found.rectified, "what it reads, rectified"))
        if found.drawn is not None:
            shown.append((_ink(found.drawn.network), "drawn by the network"))
            if found.drawn.label is not None:
                shown.append((_ink(found.drawn.label), "label drawn"))
        figures = [tag("figure", picture(each, name), tag("figcaption", name)) for each, name in shown]
        return tag("div", *figures, class_="inputs") if figures else NOTHING


def _ink(drawing: Float[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 1"]:
    return (255 - np.round(255 * np.clip(drawing, 0, 1))).astype(np.uint8)[..., None]


def card(
    item: Item,
    rows: Sequence[tuple[str, Html]],
    further: Html = NOTHING,
    pixels: UInt8[np.ndarray, "H W C"] | None = None,
) -> Html:
    """A sample: its picture, what is known and predicted, and more.

    Args:
      item: the sample.
      rows: names and values below the picture.
      further: shown below these.
      pixels: the picture with something drawn on it; None for the picture as it is.
    """
    pixels = item.picture() if pixels is None else pixels
    line = pixels.shape[1] >= LINE * pixels.shape[0]
    values = [part for name, value in rows for part in (tag("dt", name), tag("dd", value))]
    return tag(
        "article",
        picture(_legible(pixels), f"picture of {item.origin}"),
        tag("dl", *values, class_="readings"),
        further,
        tag("div", tag("bdi", item.origin), class_="origin"),
        class_="sample line" if line else "sample",
    )


def _legible(pixels: UInt8[np.ndarray, "H W C"]) -> UInt8[np.ndarray, "Y X C"]:
    """Small pictures enlarged, so that browsers need not."""
    scale = min(4.0, 320 / pixels.shape[1])
    if scale <= 1:
        return pixels
    return cv2.resize(fitted(pixels, max(pixels.shape)), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def cards(chosen: Chosen, shown: Callable[[int], Html]) -> Html:
    """Cards under their headings; headings without samples are left out."""
    return joined(
        part
        for title, (sentence, indices) in chosen.items()
        if len(indices)
        for part in (
            tag("h3", title),
            tag("p", sentence, class_="quiet"),
            tag("div", *(shown(index) for index in indices), class_="samples"),
        )
    )


def samples_section(texts: Texts) -> Section:
    """Worst readings, most confident mistakes and random samples of a reader, with their evidence."""
    collected = texts.collected
    chosen = _chosen(texts)
    evidence = Evidence(collected, [index for _, indices in chosen.values() for index in indices])

    def shown(index: int) -> Html:
        wrong = [label != read for label, read in texts.pairs[index] if read is not None]
        return card(collected.items[index], reading_rows(texts, index), evidence.show(index, wrong))

    return Section("samples", "Samples", joined([_legend(evidence), cards(chosen, shown)]))


def _legend(evidence: Evidence) -> Html:
    """Explanation of what is shown beside each sample."""
    sentences = []
    if evidence.has_maps:
        sentences.append(
            "Yellow to red shows where in the picture the evidence for each character is, by Grad-CAM or by the "
            "decoder's attention; characters that are read wrong are red."
        )
    elif not evidence.explainable:
        sentences.append("Exported searches have no gradients: a report of the work folder shows Grad-CAM as well.")
    if evidence.has_heats:
        sentences.append("Heat maps show the probability of each character step by step.")
    return paragraphs([" ".join(sentences)] if sentences else [])


def _chosen(texts: Texts) -> Chosen:
    longest = [max(len(label), len(read), 1) for label, read in zip(texts.labels, texts.readings, strict=True)]
    distance, confidence = texts.edits / np.array(longest), texts.collected.confidences
    wrong = np.flatnonzero(texts.edits > 0)
    worst = wrong[np.lexsort((-confidence[wrong], -distance[wrong]))][:SHOWN]
    sure = wrong[np.argsort(-confidence[wrong], kind="stable")]
    sure = sure[~np.isin(sure, worst)][:SHOWN]
    return {
        "Worst readings": ("The largest edit distances relative to the length of the text.", worst.tolist()),
        "Most confident mistakes": ("The last that a threshold of the confidence keeps out.", sure.tolist()),
        "Random samples": ("Drawn from all pictures, right or wrong.", drawn_at_random(len(texts.edits)).tolist()),
    }


def drawn_at_random(count: int) -> np.ndarray:
    """Indices of random samples, the same ones at each call."""
    return np.sort(np.random.default_rng(0).choice(count, min(SHOWN, count), replace=False))


def reading_rows(texts: Texts, index: int) -> list[tuple[str, Html]]:
    """Label, reading and confidence of a sample; wrong characters are marked unless their script joins them."""
    item, pairs = texts.collected.items[index], texts.pairs[index]
    if texts.left_to_right and not texts.codec.alphabet.separator:
        label, read = compared(pairs, 0), compared(pairs, 1)
    else:
        label, read = text(item.prediction.label), text(item.prediction.text)
    return [("label", label), ("read", read), ("confidence", confidence_of(item))]


def confidence_of(item: Item) -> Html:
    """Confidence of a sample's prediction."""
    return tag("span", percent(min(max(item.prediction.confidence, 0), 1)), class_="small")
