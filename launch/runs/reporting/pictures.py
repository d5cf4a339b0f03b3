"""Pictures within the page of a report."""

import base64
from collections.abc import Sequence

import cv2
import matplotlib
import numpy as np
from jaxtyping import Float, UInt8

from launch.runs.reporting.markup import Html, joined, tag, visible

QUALITY = 85
"""JPEG quality, 0 to 100."""
LONGEST = 480
"""Maximum width and height of a picture in pixels."""
HEAT = (45, 125, 225)
"""RGB colour of certain frames of a heat map; lower probabilities are more transparent, so both themes show them."""
STRENGTH = 0.85
"""Opacity of the hottest places of a map over a picture."""
TALL = 2
"""Width over height below which small pictures side by side are shown large."""
BLANK = "blank"
"""Name of the blank on heat maps."""
ROWS = 14
"""Maximum number of classes of a heat map."""


def picture(pixels: UInt8[np.ndarray, "H W C"], description: str, longest: int = LONGEST, **attributes: object) -> Html:
    """An image element with the pixels inside it, scaled down to ``longest``.

    Args:
      pixels: grayscale or RGB.
      description: text for those who cannot see it.
      longest: maximum width and height in pixels.
      **attributes: further attributes of the element.
    """
    small = fitted(pixels, longest)
    height, width = small.shape[:2]
    return tag("img", src=_url(small), alt=description, width=width, height=height, loading="lazy", **attributes)


def fitted(pixels: UInt8[np.ndarray, "H W C"], longest: int) -> UInt8[np.ndarray, "Y X 3"]:
    """RGB picture scaled down to a maximum width and height."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels[..., :3]


def _url(pixels: UInt8[np.ndarray, "H W 3"]) -> str:
    encoded = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}"


def over(pixels: UInt8[np.ndarray, "H W C"], heat: Float[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """The picture in gray with a map of 0 to 1 over it, hot where the map is high."""
    gray = cv2.cvtColor(fitted(pixels, max(pixels.shape[:2])), cv2.COLOR_RGB2GRAY).astype(float)
    shares = np.clip(heat, 0, 1)
    colours = matplotlib.colormaps["autumn_r"](shares)[..., :3] * 255  # yellow to red, on any picture
    opacity = STRENGTH * shares[..., None] ** 0.75
    return np.clip((1 - opacity) * gray[..., None] + opacity * colours, 0, 255).astype(np.uint8)


def outlined_quad(pixels: UInt8[np.ndarray, "H W C"], corners: Float[np.ndarray, "4 2"]) -> UInt8[np.ndarray, "Y X 3"]:
    """The picture enlarged up to fourfold, with a quadrilateral on it, whose pixels have their centres at integers."""
    shown = fitted(pixels, max(pixels.shape[:2]))
    scale = max(1, min(4, LONGEST // max(shown.shape[:2])))
    large = cv2.resize(shown, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    points = np.round(((np.asarray(corners, float) + 0.5) * scale - 0.5) * 16).astype(np.int32)
    return cv2.polylines(large, [points], True, (255, 0, 200), 2, cv2.LINE_AA, shift=4)


def heat_map(heat: Float[np.ndarray, "T K"], names: Sequence[str]) -> Html:
    """Probabilities of the classes that matter, by frames (or by tokens, of attention decoders) from left to right.

    Args:
      heat: probability of each class in each frame.
      names: names of the classes; that of the blank is empty.
    """
    peaks = heat.max(axis=0, initial=0)
    chosen = sorted(np.argsort(-peaks, kind="stable")[:ROWS].tolist(), key=lambda k: (names[k] == "", _first(heat, k)))
    chosen = [place for place in chosen if peaks[place] >= 0.05] or chosen[:1]
    shown = [visible(names[place]) or BLANK for place in chosen]
    frames, rows, cell, left, across = len(heat), len(chosen), 15, min(12 + 7 * max(map(len, shown)), 130), 220
    width, height = left + across, rows * cell + 18
    labels = [
        tag("text", name, x=left - 6, y=cell * row + 11, text_anchor="end", font_size=12)
        for row, name in enumerate(shown)
    ]
    edge = tag("rect", x=left, y=0, width=across, height=rows * cell, fill="none", stroke="var(--line)")
    image = tag(
        "image",
        href=_transparent(heat[:, chosen].T),
        x=left,
        y=0,
        width=across,
        height=rows * cell,
        preserveAspectRatio="none",
    )
    axis = tag("text", f"{frames} steps from left to right", x=left, y=height - 4, font_size=11, opacity=0.7)
    description = f"probability by step of {', '.join(shown)}"
    drawn = tag("svg", image, edge, *labels, axis, viewBox=f"0 0 {width} {height}", role="img", aria_label=description)
    return tag("div", drawn, class_="heat")


def _first(heat: Float[np.ndarray, "T K"], place: int) -> int:
    return int(heat[:, place].argmax())


def _transparent(shares: Float[np.ndarray, "R T"]) -> str:
    """PNG of one colour whose opacity is the share."""
    pixels = np.zeros((*shares.shape, 4), np.uint8)
    pixels[..., :3] = HEAT[::-1]
    pixels[..., 3] = np.round(255 * np.clip(shares, 0, 1))
    encoded = cv2.imencode(".png", pixels)[1]
    return f"data:image/png;base64,{base64.b64encode(encoded.tobytes()).decode()}"


def strip(pictures: Sequence[tuple[UInt8[np.ndarray, "H W 3"], str, bool]]) -> Html:
    """Small pictures side by side, each with the text below it and whether that is marked as wrong."""
    shown = []
    for pixels, below, wrong in pictures:
        kinds = ("bad" if wrong else "", "tall" if pixels.shape[1] < TALL * pixels.shape[0] else "")
        image = picture(pixels, f"where the evidence for {below} is", 240)
        shown.append(tag("li", image, tag("bdi", visible(below)), class_=" ".join(filter(None, kinds)) or None))
    return tag("ul", *shown, class_="strip")


def compared(pairs: Sequence[tuple[object, object]], side: int) -> Html:
    """One side of aligned tokens, with marks on those that differ; a missing token is a mark with a gap."""
    parts = []
    for pair in pairs:
        token, same = pair[side], pair[0] == pair[1]
        parts.append(str(token) if same else tag("mark", "␣" if token is None else str(token)))
    return tag("bdi", joined(parts)) if parts else tag("span", "(empty)", class_="quiet")
