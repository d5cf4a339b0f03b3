"""Renderer of streets with vehicles and their plates, for plate detection; needs neither files nor a download.

Vehicles are simple solids (`datasets.synthetic.vehicles`) on a plane, seen by one camera; plates are those of
`datasets.synthetic.plates`. Other objects with writing, stripes and straight edges (signs, stickers, grilles, lanes,
facades) keep a detector from finding plates as the only textured rectangles.
"""

import dataclasses
import math
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from datasets.synthetic import camera
from datasets.synthetic.plates import KINDS, PLATE_HEIGHT, draw_plate, draw_text
from datasets.synthetic.stream import RenderedStream, StreamConfig
from datasets.synthetic.vehicles import Vehicle, draw_vehicle, side_windows, wheels, write_on

NARROWEST = 20.0
"""Minimum length of a plate's upper edge, pixels of the canvas; vehicles whose plate would be smaller are rejected."""
OUTLINE = (255, 0, 200)
"""Colour, RGB, of the lines that `Scene.outlined` draws around plates; not used elsewhere in a scene."""

_DRAWN = 1.5  # pixels drawn for each pixel of the canvas, a side
_TRIES = 30  # positions tried for each vehicle
_NEAREST = 0.8  # minimum distance of a vehicle from the camera, metres


@dataclasses.dataclass
class ScenesConfig(StreamConfig):
    """Settings of rendered scenes; the canvas has at least 160x120 pixels."""

    height: int = 384
    width: int = 512
    plates: int = 3
    """Maximum number of plates in a picture, 0 to 3. The number is drawn uniformly; plates that do not fit are omitted."""


class Located(NamedTuple):
    """Text and corners of a plate."""

    text: str
    corners: Float[np.ndarray, "4 2"]
    """Left top, right top, right bottom, left bottom in reading direction: x and y in pixels, float32. The picture
    extends from 0 to its width and height, so the centre of its first pixel is at 0.5, 0.5."""


class Scene(NamedTuple):
    """A picture and the plates in it, from left to right."""

    image: UInt8[np.ndarray, "H W 3"]
    plates: tuple[Located, ...]
    origin: str
    """Renderer, seed and index."""

    def outlined(self) -> UInt8[np.ndarray, "H W 3"]:
        """Picture with a line around each plate, for display."""
        corners = [np.round((plate.corners - 0.5) * 16).astype(np.int32) for plate in self.plates]
        return cv2.polylines(self.image.copy(), corners, True, OUTLINE, 2, cv2.LINE_AA, shift=4)


class Scenes(RenderedStream[ScenesConfig]):
    """The stream of rendered scenes.

    `scene` returns pictures and plates for detection. Like any other source, the stream also has samples: their label
    is the texts of all plates from left to right, separated by spaces.

    Example:
      >>> source = Scenes(ScenesConfig(count=1000, seed=7))
      >>> image, plates, origin = source.scene(0)  # uint8 384 512 3
      >>> plates[0].corners.shape
      (4, 2)

    Raises:
      ValueError: a setting is invalid (see `RenderedStream`), or ``plates`` is outside 0 to 3.
    """

    name = "scenes"
    smallest = 120, 160

    def __init__(self, config: ScenesConfig):
        super().__init__(config)
        if not 0 <= config.plates <= 3:
            raise ValueError(f"plates={config.plates}: choose a number from 0 to 3")

    def scene(self, index: int) -> Scene:
        """Picture and plates of sample ``index``, from 0 to ``count - 1``.

        Raises:
          IndexError: the index is outside that range; negative indices are not supported.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"scene {index} of {len(self)}: use 0 to {len(self) - 1}")
        image, plates = draw_scene(self._config, np.random.default_rng([self._config.seed, index]))
        return Scene(image, plates, self.origin(index))

    def draw(self, random: np.random.Generator) -> tuple[UInt8[np.ndarray, "H W 3"], str]:
        """Draws a scene and returns it with the texts of its plates."""
        image, plates = draw_scene(self._config, random)
        return image, " ".join(plate.text for plate in plates)


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


def draw_scene(
    config: ScenesConfig, random: np.random.Generator
) -> tuple[UInt8[np.ndarray, "H W 3"], tuple[Located, ...]]:
    """Draws a photograph of a street; returns it with its plates from left to right."""
    width, height, clutter = round(config.width * _DRAWN), round(config.height * _DRAWN), config.clutter
    wanted, bare = int(random.integers(0, config.plates + 1)), int(random.random() < 0.25)
    view, first = _stand(width, height, wanted + bare, random)
    parked = park(view, (width, height), wanted, bare, first, clutter, random)
    picture = _street(view, width, height, clutter, random)
    for one in sorted(parked, key=lambda one: -one.outline(view)[1]):
        _draw_parked(picture, one, view, clutter, random)
    quads = [(one.number, one.plate(view)) for one in parked if one.number]
    picture = _photograph(picture, [quad for _, quad in quads], config, random)
    scale = np.array([config.width / width, config.height / height])
    plates = [Located(text, (quad * scale).astype(np.float32)) for text, quad in quads]
    return picture, tuple(sorted(plates, key=lambda plate: float(plate.corners[:, 0].mean())))


def _stand(width: int, height: int, vehicles: int, random: np.random.Generator) -> tuple[View, np.ndarray]:
    """Draws a camera and the position (x and z, metres) of the vehicle that it shows; several are farther away."""
    focal = width * random.uniform(0.8, 1.8)
    low, high = (0.07, 0.28) if vehicles < 2 else (0.042, 0.25 / vehicles)  # shares of the picture's width
    across = width * math.exp(random.uniform(math.log(low), math.log(high)))  # width of a plate in pixels
    distance = focal * 0.44 / across
    up = random.uniform(1.0, 1.8) if random.random() < 0.6 else random.uniform(1.8, 5.0)
    up = min(up, 0.6 + 0.7 * distance)
    x, y = random.uniform(0.25, 0.75) * width, random.uniform(0.45, 0.8) * height
    pitch = math.atan2(up - 0.6, distance) - math.atan2(y - height / 2, focal)
    roll = random.normal(0, 0.025)
    cos, sin = math.cos(pitch), math.sin(pitch)
    forward, down, right = np.array([0, -sin, cos]), np.array([0, -cos, -sin]), np.array([1.0, 0, 0])
    right, down = math.cos(roll) * right + math.sin(roll) * down, math.cos(roll) * down - math.sin(roll) * right
    view = View(focal, np.stack([right, down, forward]), np.array([0, up, 0]), np.array([width, height]) / 2)
    return view, np.array([(x - width / 2) / focal * distance, distance])


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
    return bool(inside) and upper >= NARROWEST * _DRAWN and _towards(quad)


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
    """Draws a flat sign with these corners into the picture, after reducing it to its visible size to avoid aliasing."""
    low = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + 2, picture.shape[1::-1])
    if (high <= low).any():
        return
    edges = np.hypot(*(np.roll(quad, -1, axis=0) - quad).T)
    seen = np.ceil(np.maximum(edges[:2], edges[2:])).astype(int).tolist()
    size = min(sign.shape[1], max(seen[0], 2)), min(sign.shape[0], max(seen[1], 2))
    part = picture[low[1] : high[1], low[0] : high[0]]
    part[:] = camera.paste(cv2.resize(sign, size, interpolation=cv2.INTER_AREA), quad - low, part)


def _polygon(picture: camera.Picture, outline: np.ndarray, colour: np.ndarray) -> None:
    places = np.rint(np.clip(outline, -8000, 8000) * 16 - 8).astype(np.int32)
    cv2.fillPoly(picture, [places], np.clip(colour, 0, 255).tolist(), cv2.LINE_AA, 4)


def _draw_parked(picture: camera.Picture, one: Parked, view: View, clutter: float, random: np.random.Generator) -> None:
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
        _polygon(picture, view.project(one.world(tyre))[0], np.full(3, 18.0))
    for corners, look in [*vehicle.panels(), (vehicle.face_quad, vehicle.face)]:
        quad = view.project(one.world(corners))[0]
        if not _towards(quad):
            continue
        if look.ndim == 1:
            _polygon(picture, quad, look)
        else:
            paste(picture, look, quad)
    if one.number:
        paste(picture, draw_plate(one.number, one.kind, clutter, random), one.plate(view))


def _draw_side(picture: camera.Picture, one: Parked, x: float, view: View) -> None:
    vehicle = one.vehicle

    def seen(points: np.ndarray) -> np.ndarray:  # from z and y on the side to picture coordinates
        return view.project(one.world(np.column_stack([np.full(len(points), x), points[:, 1], points[:, 0]])))[0]

    _polygon(picture, seen(vehicle.profile), 0.8 * vehicle.colour)
    _polygon(picture, seen(side_windows(vehicle)), np.full(3, 35.0))
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.column_stack([np.cos(turn), np.sin(turn)])
    for along, radius in wheels(vehicle):
        for share, level in ((1.0, 20.0), (0.6, 150.0), (0.2, 60.0)):
            _polygon(picture, seen(radius * share * ring + (along, radius)), np.full(3, level))


def _darken(picture: camera.Picture, outline: np.ndarray) -> None:
    """Draws a soft shadow within an outline."""
    low = np.clip(np.floor(outline.min(axis=0)) - 12, 0, picture.shape[1::-1]).astype(int)
    high = np.clip(np.ceil(outline.max(axis=0)) + 12, 0, picture.shape[1::-1]).astype(int)
    if (high <= low).any():
        return
    part = picture[low[1] : high[1], low[0] : high[0]]
    cover = np.zeros_like(part)
    _polygon(cover, outline - low, np.full(3, 170.0))
    cover = np.ascontiguousarray(cv2.blur(cover, (13, 13))[..., 0])
    part[:] = camera.blend(part.copy(), np.zeros_like(part), cover)


def _street(view: View, width: int, height: int, clutter: float, random: np.random.Generator) -> camera.Picture:
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
    _polygon(cover, corners, np.full(3, 255.0))
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
        _polygon(ground, seen, colour)


def _signs(picture: camera.Picture, clutter: float, random: np.random.Generator) -> None:
    """Draws road signs, shop signs and posters with writing."""
    height, width = picture.shape[:2]
    for _ in range(round(random.uniform(0, 5) * clutter)):
        x, y = random.uniform((0, 0), (0.9, 0.6)) * (width, height)
        if random.random() < 0.5:
            level = random.uniform(20, 160)
            cv2.rectangle(picture, (round(x) + 6, round(y)), (round(x) + 10, height * 2 // 3), [level] * 3, cv2.FILLED)
        write_on(picture, round(x), round(y), random.uniform(8, 46), random)


def _photograph(
    picture: camera.Picture, quads: list[np.ndarray], config: ScenesConfig, random: np.random.Generator
) -> UInt8[np.ndarray, "H W 3"]:
    """Photographs the scene with light, sensor effects, and blur that leaves its smallest plate legible."""
    clutter = config.clutter
    picture = camera.light(picture, 0.5 * clutter, random)
    sizes = [float(np.hypot(*(quad[3] - quad[0]))) for quad in quads]
    kind, amount = random.random(), random.uniform(0.02, 0.11) * min([*sizes, 60.0])
    if kind < 0.3 * clutter:
        picture = cv2.GaussianBlur(picture, (0, 0), max(amount, 0.3))
    elif kind < 0.4 * clutter:  # horizontal motion blur
        picture = cv2.blur(picture, (2 * round(amount) + 1, 1))
    return camera.sensor(picture, config.width, config.height, 0.5 * clutter, random)
