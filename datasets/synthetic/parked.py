"""Vehicles in street scenes: random positions at which every plate is legible, and drawing with plate and shadow."""

import math
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float

from datasets.synthetic import camera
from datasets.synthetic.plates import KINDS, PLATE_HEIGHT, draw_plate, draw_text
from datasets.synthetic.street import View, polygon
from datasets.synthetic.vehicles import Vehicle, draw_vehicle, side_windows, wheels

NARROWEST = 20.0
"""Minimum length of a plate's upper edge, pixels of the canvas; vehicles whose plate would be smaller are rejected."""

DRAWN = 1.5
"""Pixels drawn for each pixel of the canvas, a side."""

_TRIES = 30  # positions tried for each vehicle

_NEAREST = 0.8  # minimum distance of a vehicle from the camera, metres


class Parked(NamedTuple):
    """A vehicle in the world."""

    vehicle: Vehicle
    place: Float[np.ndarray, "2"]
    """Position of the centre of the face, x and z in metres."""
    yaw: float
    """Rotation around the vertical axis in radians, positive to the left as seen by a viewer of the face."""
    number: str
    """Text of the plate; empty for a vehicle without one."""
    kind: str
    """Kind of the plate, a key of `datasets.synthetic.plates.KINDS`."""

    def world(self, points: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
        """Transforms points from the vehicle's coordinates to the world's."""
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        turned = points @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        return turned + np.array([self.place[0], 0, self.place[1]])

    def plate(self, view: View) -> Float[np.ndarray, "4 2"]:
        """Corners of the plate in the picture."""
        corners = self.vehicle.plate_quad(KINDS[self.kind].length / 1000, PLATE_HEIGHT / 1000)
        return view.project(self.world(corners))[0]

    def outline(self, view: View) -> tuple[Float[np.ndarray, "N 2"], float]:
        """Convex hull of the vehicle in the picture, and the depth of its nearest point, metres."""
        half, (depths, heights) = self.vehicle.width / 2, self.vehicle.profile.T
        sides = [np.column_stack([np.full(len(depths), x), heights, depths]) for x in (-half, half)]
        feet = np.array([[x, 0, z] for x in (-half, half) for z in (0, depths.max())])
        seen, depth = view.project(self.world(np.concatenate([*sides, feet])))
        return cv2.convexHull(seen.astype(np.float32))[:, 0], float(depth.min())


def park(
    view: View,
    size: tuple[int, int],
    wanted: int,
    bare: int,
    first: np.ndarray,
    clutter: float,
    random: np.random.Generator,
) -> list[Parked]:
    """Places vehicles so that none hides another one's plate.

    Args:
      view: the camera.
      size: width and height of the picture, pixels.
      wanted: number of vehicles with plates; those that do not fit are omitted.
      bare: number of additional vehicles without plates.
      first: position of the first vehicle if it fits there, x and z in metres.
      clutter: strength of distracting details, 0 to 1.
      random: source of randomness.
    """
    parked: list[Parked] = []
    turn = random.uniform(-0.7, 0.7) if random.random() < 0.6 else random.uniform(-0.15, 0.15)
    for place in range(wanted + bare):
        for attempt in range(_TRIES):
            where = first
            if parked or attempt:
                depth = first[1] * random.uniform(0.6, 1.5)
                where = np.array([random.uniform(-0.45, 0.45) * size[0] / view.focal * depth, depth])
            yaw = turn + random.normal(0, 0.08)
            candidate = _draw_candidate(where, yaw, place < wanted, clutter, random)
            if _fits(candidate, view, size) and all(_clear(one, candidate, view) for one in parked):
                parked.append(candidate)
                break
    return parked


def _draw_candidate(
    where: np.ndarray, yaw: float, numbered: bool, clutter: float, random: np.random.Generator
) -> Parked:
    kind = ("car", "van", "truck")[int(random.choice(3, p=(0.65, 0.2, 0.15)))]
    vehicle = draw_vehicle(kind, bool(random.random() < 0.5), clutter, random)
    shares = (0.1, 0.0, 0.85, 0.05, 0.0) if kind == "truck" else (0.76, 0.16, 0.04, 0.04, 0.0)
    plate = tuple(KINDS)[int(random.choice(len(KINDS), p=shares))]
    number = draw_text(plate, random)
    return Parked(vehicle, where, yaw, number if numbered else "", plate)


def _fits(one: Parked, view: View, size: tuple[int, int]) -> bool:
    """Whether a vehicle is in the picture and its plate, if any, is complete and large enough to be legible."""
    hull, nearest = one.outline(view)
    if nearest < _NEAREST or (hull.max(axis=0) < 0).any() or (hull.min(axis=0) > size).any():
        return False
    if not one.number:
        return True
    quad = one.plate(view)
    inside = (quad.min(axis=0) >= 1).all() and (quad.max(axis=0) <= np.array(size) - 1).all()
    upper = float(np.hypot(*(quad[1] - quad[0])))
    return bool(inside) and upper >= NARROWEST * DRAWN and _towards(quad)


def _clear(one: Parked, other: Parked, view: View) -> bool:
    """Whether two vehicles do not touch and the nearer one does not hide the other's plate."""
    length = max(one.vehicle.profile[:, 0].max(), other.vehicle.profile[:, 0].max())
    aside = math.cos(one.yaw) * (one.place - other.place)[0] - math.sin(one.yaw) * (one.place - other.place)[1]
    if abs(aside) < 2.6 and np.hypot(*(one.place - other.place)) < length + 1.0:
        return False
    (hull, near), (other_hull, other_near) = one.outline(view), other.outline(view)
    if min(near, other_near) < _NEAREST:
        return False
    front, behind = (hull, other) if near < other_near else (other_hull, one)
    if not behind.number:
        return True
    return cv2.intersectConvexConvex(front, behind.plate(view).astype(np.float32))[0] <= 0


def _towards(quad: Float[np.ndarray, "4 2"]) -> bool:
    """Whether a panel faces the camera: its corners are in clockwise order."""
    return cv2.contourArea(quad.astype(np.float32), oriented=True) > 1


def paste(picture: camera.Picture, sign: camera.Picture, quad: Float[np.ndarray, "4 2"]) -> None:
    """Draws a flat sign with these corners into the picture, reduced to its visible size first to avoid aliasing."""
    low = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + 2, picture.shape[1::-1])
    if (high <= low).any():
        return
    edges = np.hypot(*(np.roll(quad, -1, axis=0) - quad).T)
    seen = np.ceil(np.maximum(edges[:2], edges[2:])).astype(int).tolist()
    size = min(sign.shape[1], max(seen[0], 2)), min(sign.shape[0], max(seen[1], 2))
    part = picture[low[1] : high[1], low[0] : high[0]]
    part[:] = camera.paste(cv2.resize(sign, size, interpolation=cv2.INTER_AREA), quad - low, part)


def draw_parked(picture: camera.Picture, one: Parked, view: View, clutter: float, random: np.random.Generator) -> None:
    """Draws a vehicle with its plate and its shadow over the picture."""
    vehicle, half = one.vehicle, one.vehicle.width / 2
    length = float(vehicle.profile[:, 0].max())
    footprint = np.array(
        [[-half - 0.1, 0, -0.1], [half + 0.1, 0, -0.1], [half + 0.1, 0, length], [-half - 0.1, 0, length]]
    )
    _darken(picture, view.project(one.world(footprint))[0])
    for side in (-1, 1):
        outward = one.world(np.array([[side * half, 0, 0], [side * (half + 1), 0, 0]]))
        if np.dot(outward[1] - outward[0], view.place - outward[0]) > 0:
            _draw_side(picture, one, side * half, view)
        tyre = np.array([[0.9, 0.35, 0.4], [0.6, 0.35, 0.4], [0.6, 0, 0.4], [0.9, 0, 0.4]]) * (side * half, 1, 1)
        polygon(picture, view.project(one.world(tyre))[0], np.full(3, 18.0))
    for corners, look in [*vehicle.panels(), (vehicle.face_quad, vehicle.face)]:
        quad = view.project(one.world(corners))[0]
        if not _towards(quad):
            continue
        if look.ndim == 1:
            polygon(picture, quad, look)
        else:
            paste(picture, look, quad)
    if one.number:
        paste(picture, draw_plate(one.number, one.kind, clutter, random), one.plate(view))


def _draw_side(picture: camera.Picture, one: Parked, x: float, view: View) -> None:
    vehicle = one.vehicle

    def seen(points: np.ndarray) -> np.ndarray:  # from z and y on the side to picture coordinates
        return view.project(one.world(np.column_stack([np.full(len(points), x), points[:, 1], points[:, 0]])))[0]

    polygon(picture, seen(vehicle.profile), 0.8 * vehicle.colour)
    polygon(picture, seen(side_windows(vehicle)), np.full(3, 35.0))
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.column_stack([np.cos(turn), np.sin(turn)])
    for along, radius in wheels(vehicle):
        for share, level in ((1.0, 20.0), (0.6, 150.0), (0.2, 60.0)):
            polygon(picture, seen(radius * share * ring + (along, radius)), np.full(3, level))


def _darken(picture: camera.Picture, outline: np.ndarray) -> None:
    """Draws a soft shadow within an outline."""
    low = np.clip(np.floor(outline.min(axis=0)) - 12, 0, picture.shape[1::-1]).astype(int)
    high = np.clip(np.ceil(outline.max(axis=0)) + 12, 0, picture.shape[1::-1]).astype(int)
    if (high <= low).any():
        return
    part = picture[low[1] : high[1], low[0] : high[0]]
    cover = np.zeros_like(part)
    polygon(cover, outline - low, np.full(3, 170.0))
    cover = np.ascontiguousarray(cv2.blur(cover, (13, 13))[..., 0])
    part[:] = camera.blend(part.copy(), np.zeros_like(part), cover)
