"""Background of street scenes as a pinhole camera sees it: sky, facades, ground with lanes, and signs."""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float

from datasets.synthetic import camera
from datasets.synthetic.vehicles import write_on


class View(NamedTuple):
    """Pinhole camera; world coordinates in metres, picture coordinates in pixels."""

    focal: float
    """Focal length, pixels."""
    axes: Float[np.ndarray, "3 3"]
    """Right, down and forward direction of the camera in the world, whose y points up."""
    place: Float[np.ndarray, "3"]
    """Position of the camera in the world."""
    centre: Float[np.ndarray, "2"]
    """Principal point in the picture, x and y."""

    def project(self, points: Float[np.ndarray, "N 3"]) -> tuple[Float[np.ndarray, "N 2"], Float[np.ndarray, " N"]]:
        """Projects world points to picture coordinates; also returns their depth in front of the camera, metres."""
        seen = (points - self.place) @ self.axes.T
        return seen[:, :2] / np.maximum(seen[:, 2:], 1e-3) * self.focal + self.centre, seen[:, 2]


def polygon(picture: camera.Picture, outline: Float[np.ndarray, "N 2"], colour: Float[np.ndarray, "3"]) -> None:
    """Fills a polygon in one colour, RGB; parts outside the picture are cut off."""
    places = np.rint(np.clip(outline, -8000, 8000) * 16 - 8).astype(np.int32)
    cv2.fillPoly(picture, [places], np.clip(colour, 0, 255).tolist(), cv2.LINE_AA, 4)


def draw_street(view: View, width: int, height: int, clutter: float, random: np.random.Generator) -> camera.Picture:
    """Draws sky, facades and trees above the horizon, the ground with its lanes below, and signs."""
    forward, aside = view.axes[2] * (1, 0, 1), np.array([0.5, 0, 0])
    far = 1e4 * np.stack([forward - aside, forward + aside]) + view.place
    (left, right), _ = view.project(far)
    slope = (right - left)[1] / (right - left)[0]
    edge = np.array([[-9, left[1] - slope * (left[0] + 9)], [width + 9, left[1] + slope * (width + 9 - left[0])]])
    picture = camera.plain(random.uniform(110, 250) * random.uniform((0.85, 0.9, 0.95), (1, 1, 1.05)), width, height)
    ground = camera.plain(random.uniform(50, 170) * random.uniform((0.95, 0.95, 0.9), (1.05, 1, 1)), width, height)
    if clutter > 0:
        behind, share = camera.surroundings(width, height, random), clutter * random.uniform(0.2, 0.8)
        cv2.addWeighted(picture, 1 - share, behind, share, 0, dst=picture)
        _facades(picture, int(np.clip(edge[:, 1].max(), 0, height)), random)
        share = clutter * random.uniform(0.05, 0.4)
        cv2.addWeighted(ground, 1 - share, camera.surroundings(width, height, random), share, 0, dst=ground)
    _lanes(ground, view, random)
    cover = np.zeros((height, width, 3), np.uint8)
    corners = np.concatenate(
        [edge, [[width + 9, max(height, edge[:, 1].max()) + 9], [-9, max(height, edge[:, 1].max()) + 9]]]
    )
    polygon(cover, corners, np.full(3, 255.0))
    picture = camera.blend(picture, ground, np.ascontiguousarray(cover[..., 0]))
    if clutter > 0:
        _signs(picture, clutter, random)
    return picture


def _facades(picture: camera.Picture, horizon: int, random: np.random.Generator) -> None:
    """Draws houses with rows of windows, and trees."""
    height, width = picture.shape[:2]
    for _ in range(int(random.integers(0, 5))):
        left, top = round(random.uniform(-0.2, 1) * width), round(horizon - random.uniform(0.1, 0.7) * height)
        right = left + round(random.uniform(0.1, 0.5) * width)
        wall = random.uniform(40, 230) * random.uniform(0.85, 1.1, 3)
        cv2.rectangle(picture, (left, top), (right, horizon), wall.clip(0, 255).tolist(), cv2.FILLED)
        step, pane = random.integers(16, 60, 2), random.uniform(0.3, 0.8) * wall
        for x in range(left + 6, right - int(step[0]), int(step[0])):
            for y in range(top + 6, horizon - int(step[1]), int(step[1])):
                corner = x + round(0.6 * step[0]), y + round(0.6 * step[1])
                cv2.rectangle(picture, (x, y), corner, pane.clip(0, 255).tolist(), cv2.FILLED)
    for _ in range(int(random.integers(0, 3)) * 12):
        centre = round(random.uniform(0, width)), round(horizon - random.uniform(0, 0.25) * height)
        green = random.uniform((20, 50, 10), (90, 130, 70)).tolist()
        axes = random.integers(8, 70, 2).tolist()
        cv2.ellipse(picture, centre, axes, random.uniform(0, 180), 0, 360, green, cv2.FILLED)


def _lanes(ground: camera.Picture, view: View, random: np.random.Generator) -> None:
    """Draws solid or dashed lines along the road, and a crossing."""
    colour = np.full(3, random.uniform(150, 245)) * ((1, 0.85, 0.3) if random.random() < 0.2 else (1, 1, 1))
    for x in np.arange(-9, 10, 3.2) + random.uniform(-1.5, 1.5):
        step = 6.0 if random.random() < 0.6 else 3.0
        for near in np.arange(1.0, 60.0, step):
            _stripe(ground, view, (x, x + 0.15), (near, near + 3.0), colour)
    if random.random() < 0.3:
        near = random.uniform(2, 12)
        for x in np.arange(-8, 8, 0.9):
            _stripe(ground, view, (x, x + 0.45), (near, near + 3.0), colour)


def _stripe(
    ground: camera.Picture, view: View, across: tuple[float, float], along: tuple[float, float], colour: np.ndarray
) -> None:
    (left, right), (near, far) = across, along
    seen, depth = view.project(np.array([[left, 0, near], [right, 0, near], [right, 0, far], [left, 0, far]]))
    if depth.min() > 0.3:
        polygon(ground, seen, colour)


def _signs(picture: camera.Picture, clutter: float, random: np.random.Generator) -> None:
    """Draws road signs, shop signs and posters with writing."""
    height, width = picture.shape[:2]
    for _ in range(round(random.uniform(0, 5) * clutter)):
        x, y = random.uniform((0, 0), (0.9, 0.6)) * (width, height)
        if random.random() < 0.5:
            level = random.uniform(20, 160)
            cv2.rectangle(picture, (round(x) + 6, round(y)), (round(x) + 10, height * 2 // 3), [level] * 3, cv2.FILLED)
        write_on(picture, round(x), round(y), random.uniform(8, 46), random)
