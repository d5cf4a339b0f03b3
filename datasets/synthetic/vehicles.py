"""Simple vehicles for street scenes: a side profile extruded to the width of the body, with pictures of front or rear.

Lengths are in metres. A body is on the ground with its face (front or rear) at ``z = 0`` towards the camera; x points
right, y up, z away from the camera. Pictures are uint8 ``H W 3``, RGB, 120 pixels per metre.
"""

import dataclasses

import cv2
import numpy as np

from datasets.synthetic import camera
from datasets.synthetic.typeface import Face, draw_line

SCALE = 120
"""Pixels per metre of the pictures of faces and windows."""
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"

_PROFILES = {
    "car": [
        (0.05, 0.2),
        (0.0, 0.45),
        (0.05, 0.8),
        (1.1, 1.0),
        (1.9, 1.45),
        (3.4, 1.45),
        (4.2, 1.0),
        (4.5, 0.9),
        (4.5, 0.2),
    ],
    "van": [(0.05, 0.2), (0.0, 0.5), (0.1, 1.0), (0.5, 1.15), (1.1, 1.85), (4.4, 1.9), (4.6, 1.0), (4.6, 0.2)],
    "truck": [(0.0, 0.3), (0.0, 0.6), (0.02, 1.5), (0.15, 2.6), (6.0, 2.7), (6.0, 0.4)],
}
"""Points z, y of the profile, from the lower edge of the face over the roof to the rear; the third ends the face."""
_WIDTHS = {"car": 1.8, "van": 1.85, "truck": 2.4}
_GLASS = {"car": 3, "van": 3, "truck": 2}
"""Index of the profile's point at which the windscreen begins."""
_FACE = 2
"""Index of the profile's point at which the face ends."""


@dataclasses.dataclass
class Vehicle:
    """Shape and pictures of one vehicle; made by `draw_vehicle`."""

    kind: str
    """``car``, ``van`` or ``truck``."""
    profile: np.ndarray
    """Points of the side profile, ``N 2``: z and y."""
    width: float
    colour: np.ndarray
    """RGB, 0 to 255."""
    face: camera.Picture
    """Picture of the front or rear, up to the profile's third point."""
    screen: camera.Picture
    """Picture of the window above the face."""
    plate: tuple[float, float]
    """Centre of the plate on the face, x and y."""

    @property
    def face_quad(self) -> np.ndarray:
        """Corners of the face, ``4 3``, clockwise from the left top; the plane leans slightly."""
        (low_z, low), (_, _), (high_z, high) = self.profile[: _FACE + 1]
        half = self.width / 2
        return np.array([[-half, high, high_z], [half, high, high_z], [half, low, low_z], [-half, low, low_z]])

    def plate_quad(self, length: float, height: float) -> np.ndarray:
        """Corners of a plate of this size on the face, ``4 3``, in the order of `face_quad`."""
        x, y = self.plate
        corners = np.array([[-length, height], [length, height], [length, -height], [-length, -height]]) / 2 + (x, y)
        (low_z, low), (high_z, high) = self.profile[0], self.profile[_FACE]
        depth = low_z + (corners[:, 1] - low) / (high - low) * (high_z - low_z)
        return np.column_stack([corners, depth])

    def panels(self) -> list[tuple[np.ndarray, np.ndarray | camera.Picture]]:
        """Quadrilaterals behind the face, ``4 3``, the farthest first, with their colours or pictures."""
        half, parts = self.width / 2, []
        for place in range(_FACE, len(self.profile) - 2):
            (near_z, near), (far_z, far) = self.profile[place : place + 2]
            quad = np.array([[-half, far, far_z], [half, far, far_z], [half, near, near_z], [-half, near, near_z]])
            parts.append(
                (quad, self.screen if place == _GLASS[self.kind] else self.colour * (1.05 + 0.08 * (far > near)))
            )
        return parts[::-1]


def draw_vehicle(kind: str, rear: bool, clutter: float, random: np.random.Generator) -> Vehicle:
    """Draws a vehicle of a kind, seen from the front or the rear; clutter adds letters, stickers and grilles."""
    profile = np.array(_PROFILES[kind]) * (random.uniform(0.9, 1.1), random.uniform(0.92, 1.1))
    width = _WIDTHS[kind] * random.uniform(0.95, 1.05)
    shade = random.choice((20, 50, 110, 170, 225))
    colour = np.full(3, float(shade)) if random.random() < 0.6 else random.uniform(10, 220, 3)
    low, high = profile[0, 1], profile[_FACE, 1]
    face = camera.plain(colour, round(width * SCALE), round((high - low) * SCALE))
    plate = random.normal(0, 0.02), low + random.uniform(0.22, 0.62) * (high - low) * (0.5 if kind == "truck" else 1)
    _shade(face, random)
    _bumper(face, random)
    if clutter > 0:
        _grille(face, rear, random)
        _lettering(face, random)
    _lights(face, rear, random)
    long = float(np.hypot(*(profile[_GLASS[kind] + 1] - profile[_GLASS[kind]])))
    return Vehicle(kind, profile, width, colour, face, _window(width, long, clutter, random), plate)


def _shade(face: camera.Picture, random: np.random.Generator) -> None:
    """Adds light from above and reflections on the body."""
    height, width = face.shape[:2]
    rows = np.linspace(random.uniform(1.0, 1.25), random.uniform(0.55, 0.9), height)
    face[:] = (face * rows[:, None, None]).clip(0, 255).astype(np.uint8)
    mirrored = camera.surroundings(width, height, random)
    cv2.addWeighted(face, 0.85, mirrored, random.uniform(0, 0.15), 0, dst=face)


def _bumper(face: camera.Picture, random: np.random.Generator) -> None:
    height, width = face.shape[:2]
    top = round(height * random.uniform(0.3, 0.6))
    if random.random() < 0.4:
        level = random.uniform(20, 200)
        cv2.rectangle(face, (0, top), (width, round(height * random.uniform(0.75, 1))), [level] * 3, cv2.FILLED)
    level = random.uniform(0, 60) if random.random() < 0.6 else random.uniform(120, 250)
    cv2.line(face, (0, top), (width, top), [level] * 3, int(random.integers(1, 5)))
    cv2.rectangle(face, (0, round(0.93 * height)), (width, height), [random.uniform(10, 50)] * 3, cv2.FILLED)


def _grille(face: camera.Picture, rear: bool, random: np.random.Generator) -> None:
    """Draws dark openings with horizontal bars, vertical bars or a net; on the rear, outlines of a lid and a strip."""
    height, width = face.shape[:2]
    for top, tall in ((random.uniform(0.08, 0.3), random.uniform(0.12, 0.3)), (random.uniform(0.66, 0.75), 0.16)):
        half = random.uniform(0.12, 0.33) * width
        left, right = round(width / 2 - half), round(width / 2 + half)
        low, high = round(top * height), round((top + tall) * height)
        level = random.uniform(80, 250)
        if rear:
            cv2.rectangle(
                face, (left, low), (right, high), (face[low, left] * 0.8).tolist(), int(random.integers(1, 4))
            )
            continue
        cv2.rectangle(face, (left, low), (right, high), [random.uniform(5, 45)] * 3, cv2.FILLED)
        step, way = int(random.integers(4, 12)), random.random()
        if way < 0.8:
            for y in range(low, high, step):
                cv2.line(face, (left, y), (right, y), [level] * 3, int(random.integers(1, 3)))
        if way > 0.6:
            for x in range(left, right, step):
                cv2.line(face, (x, low), (x, high), [level] * 3, 1)
        if random.random() < 0.5:
            cv2.rectangle(face, (left, low), (right, high), [level] * 3, int(random.integers(1, 4)))


def _lettering(face: camera.Picture, random: np.random.Generator) -> None:
    """Draws a badge and writing other than plates: names of makers and models, stickers."""
    height, width = face.shape[:2]
    badge = round(width / 2), round(height * random.uniform(0.1, 0.3))
    level, radius = [random.uniform(150, 250)] * 3, int(random.integers(5, 11))
    cv2.ellipse(face, badge, (radius, round(radius * random.uniform(0.6, 1))), 0, 0, 360, level, 2, cv2.LINE_AA)
    for _ in range(int(random.integers(0, 4))):
        x, y = random.uniform((0.05, 0.05), (0.8, 0.8))
        write_on(face, round(x * width), round(y * height), random.uniform(0.03, 0.1) * SCALE, random)


def write_on(picture: camera.Picture, x: int, y: int, tall: float, random: np.random.Generator) -> None:
    """Draws random writing with or without a label behind it; parts outside the picture are cut off."""
    text = "".join(random.choice(list(LETTERS), int(random.integers(2, 9))))
    mask = draw_line(text, Face("sans", 0.15, 0.6, 3.0, True), 3.0).mask
    size = max(round(mask.shape[1] * tall / mask.shape[0]), 4), max(round(tall), 4)
    mask = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    ink, paper = random.uniform(0, 255, 3), random.uniform(0, 255, 3)
    if random.random() < 0.5:  # labels in the colours of plates, too
        ground = ((20, 70, 200), (235, 180, 20), (60, 190, 120), (240, 240, 240))[int(random.integers(4))]
        paper, ink = np.array(ground, float), np.full(3, 250.0 if ground[0] < 50 else 10.0)
    pad = int(random.integers(2, 6)) if random.random() < 0.6 else 0
    mask = cv2.copyMakeBorder(mask, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    part = picture[y : y + mask.shape[0], x : x + mask.shape[1]]
    mask = np.ascontiguousarray(mask[: part.shape[0], : part.shape[1]])
    if mask.size:
        below = camera.plain(paper, *mask.shape[::-1]) if pad else part.copy()
        part[:] = camera.blend(below, camera.plain(ink, *mask.shape[::-1]), mask)


def _lights(face: camera.Picture, rear: bool, random: np.random.Generator) -> None:
    height, width = face.shape[:2]
    y, tall, wide = random.uniform(0.18, 0.42), random.uniform(0.07, 0.14), random.uniform(0.05, 0.11)
    colour = random.uniform((150, 0, 0), (255, 50, 50)) if rear else random.uniform(150, 255) * np.array([1, 1, 0.95])
    slant = random.uniform(-0.06, 0.06) * height
    for side in (-1, 1):
        centre = np.array([width / 2 + side * width * (0.49 - wide), y * height])
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (wide * width, tall * height) + centre
        corners[:, 1] -= side * slant * np.array([-1, 1, 1, -1])
        cv2.fillPoly(face, [np.rint(corners * 16).astype(np.int32)], (0.45 * colour).tolist(), cv2.LINE_AA, 4)
        for offset in (-0.4, 0.4):
            middle = np.rint(16 * (centre + np.array([offset * wide * width, 0]))).astype(int).tolist()
            axes = round(7 * wide * width), round(11 * tall * height)
            cv2.ellipse(face, middle, axes, 0, 0, 360, colour.tolist(), cv2.FILLED, cv2.LINE_AA, 4)
        fog = round(width / 2 + side * 0.4 * width), round(0.8 * height)
        cv2.circle(face, fog, int(random.integers(3, 8)), (0.8 * colour).tolist(), cv2.FILLED, cv2.LINE_AA)


def _window(width: float, long: float, clutter: float, random: np.random.Generator) -> camera.Picture:
    """Draws dark glass with reflections, a frame, and sometimes a paper with writing."""
    columns, rows = round(width * SCALE), max(round(long * SCALE), 8)
    glass = camera.plain(np.full(3, random.uniform(15, 80)), columns, rows)
    share = random.uniform(0.05, 0.5)
    glass = cv2.addWeighted(glass, 1 - share, camera.surroundings(columns, rows, random), share, 0)
    if clutter > 0 and random.random() < 0.5:
        x, y = random.uniform((0.1, 0.1), (0.7, 0.7)) * (columns, rows)
        write_on(glass, round(x), round(y), random.uniform(0.05, 0.14) * SCALE, random)
    frame = round(0.05 * SCALE)
    cv2.rectangle(glass, (0, 0), (columns, rows), [random.uniform(10, 120)] * 3, frame)
    return glass


def side_windows(vehicle: Vehicle) -> np.ndarray:
    """Outline of the glass on a side, ``N 2``: z and y."""
    place = _GLASS[vehicle.kind]
    shoulder = vehicle.profile[place]
    upper = vehicle.profile[place : place + 3 + (vehicle.kind == "car")]
    middle = np.array([upper[:, 0].mean(), shoulder[1]])
    upper = np.concatenate([upper, [[upper[-1, 0], shoulder[1]]]])
    return middle + 0.88 * (upper - middle)


def wheels(vehicle: Vehicle) -> list[tuple[float, float]]:
    """Position along the body (z) and radius of the wheels of a side."""
    length = float(vehicle.profile[:, 0].max())
    radius = 0.48 if vehicle.kind == "truck" else 0.32
    return [(0.19 * length, radius), (0.8 * length, radius)]
