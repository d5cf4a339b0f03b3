"""Camera effects on a drawn scene: perspective, light, optics, sensor and compression.

All randomness comes from the generator in the arguments, in a fixed order, so that a sample is a function of its seed.
Pictures are uint8 ``H W 3``, RGB. ``clutter``, 0 to 1, is the strength of an effect; 0 disables it.
"""

import functools
import math

import cv2
import numpy as np
from jaxtyping import Float, UInt8

Picture = UInt8[np.ndarray, "H W 3"]
Quad = Float[np.ndarray, "4 2"]
"""Corners in pixels: left top, right top, right bottom, left bottom, x before y."""

_TEXTURES, _TEXTURE = 48, 384  # number of textures, and pixels of their longer side


def view(width: float, height: float, clutter: float, random: np.random.Generator) -> Quad:
    """Draws a camera position and projects the corners of a flat sign of this size; their scale is arbitrary.

    The camera is turned up to 60 degrees sideways, looks from up to 40 degrees above or 15 below, is rolled up to 15
    degrees, and stands two to twelve times the sign's width away. For half of the cameras all angles are scaled by 0.3.
    """
    near = 1.0 if random.random() < 0.5 else 0.3
    turns = [random.uniform(-60, 60), random.uniform(-15, 40), random.uniform(-15, 15)]
    aside, above, slant = (math.radians(turn) * clutter * near for turn in turns)
    distance = width * random.uniform(2, 12)
    quad = []
    for x, y in (
        (-width / 2, -height / 2),
        (width / 2, -height / 2),
        (width / 2, height / 2),
        (-width / 2, height / 2),
    ):
        x, z = x * math.cos(aside), x * math.sin(aside)
        y, z = y * math.cos(above) - z * math.sin(above), y * math.sin(above) + z * math.cos(above)
        x, y = x * math.cos(slant) - y * math.sin(slant), x * math.sin(slant) + y * math.cos(slant)
        share = distance / (distance + z)
        quad.append((x * share, y * share))
    return np.array(quad)


def fit(quad: Quad, width: int, height: int, margins: Float[np.ndarray, "4"]) -> Quad:
    """Moves and stretches corners so that their bounding box fills a canvas except for margins.

    Args:
      quad: corners in any unit.
      width: width of the canvas, pixels.
      height: height of the canvas, pixels.
      margins: left, top, right and bottom as shares of the canvas; negative ones cut into the sign.
    """
    low, high = quad.min(axis=0), quad.max(axis=0)
    canvas = np.array([width, height])
    free = canvas * (1 - margins[:2] - margins[2:])
    return (quad - low) / (high - low) * free + canvas * margins[:2]


def paste(sign: Picture, quad: Quad, onto: Picture) -> Picture:
    """Draws a flat sign with these corners over a background."""
    height, width = sign.shape[:2]
    size = onto.shape[1], onto.shape[0]
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(source, (quad - 0.5).astype(np.float32))
    # Outside the sign, OpenCV samples transparent black, so edge pixels are already multiplied by their opacity.
    seen = cv2.warpPerspective(cv2.cvtColor(sign, cv2.COLOR_RGB2RGBA), matrix, size, flags=cv2.INTER_LINEAR)
    around = cv2.merge([cv2.bitwise_not(cv2.extractChannel(seen, 3))] * 3)
    return cv2.add(cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB), cv2.multiply(onto, around, scale=1 / 255))


def blend(below: Picture, above: Picture, cover: UInt8[np.ndarray, "H W"]) -> Picture:
    """Blends two pictures: ``above`` where ``cover`` is 255, ``below`` where it is 0."""
    share = cv2.merge([cover] * 3)
    return cv2.add(
        cv2.multiply(above, share, scale=1 / 255), cv2.multiply(below, cv2.bitwise_not(share), scale=1 / 255)
    )


def plain(colour: Float[np.ndarray, "3"], width: int, height: int) -> Picture:
    """Picture of a single colour, RGB in 0 to 255."""
    picture = np.empty((height, width, 3), np.uint8)
    cv2.rectangle(picture, (0, 0, width, height), np.asarray(colour, float).tolist(), cv2.FILLED)
    return picture


def surroundings(width: int, height: int, random: np.random.Generator) -> Picture:
    """Background for signs: panels, edges and smooth shades in the colours of cars and streets."""
    half = _TEXTURE // 2
    number, x, y, mirrored = random.integers(0, (_TEXTURES, half, half, 2)).tolist()
    window = _texture(number)[y // 2 : (y + half) // 2, x : x + half]
    picture = cv2.resize(window, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.flip(picture, 1) if mirrored else picture


@functools.cache
def _texture(number: int) -> Picture:
    """Texture half as high as wide: canvases are wide too, so linear interpolation of a window is enough."""
    random = np.random.default_rng([20, number])
    size = _TEXTURE
    cells = random.integers(0, 255, (*random.integers(2, 7, 2), 1))
    tint = random.uniform(0.75, 1.25, 3) if random.random() < 0.7 else random.uniform(0.2, 1.6, 3)
    picture = cv2.resize((cells * tint).clip(0, 255).astype(np.uint8), (size, size), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(random.integers(3, 14))):
        level = random.integers(0, 256)
        colour = (level * random.uniform(0.8, 1.2, 3)).clip(0, 255).tolist()
        centre, slope = random.uniform(0, size, 2), random.normal(0, 0.15)
        if random.random() < 0.6:  # an edge of a bumper, a grille, a shadow
            far = np.array([size, slope * size])
            ends = (centre - far).astype(int).tolist(), (centre + far).astype(int).tolist()
            cv2.line(picture, *ends, colour, int(random.integers(1, 40)), cv2.LINE_AA)
        else:
            half = random.uniform(8, 90, 2).astype(int).tolist()
            angle = math.degrees(slope)
            cv2.ellipse(picture, centre.astype(int).tolist(), half, angle, 0, 360, colour, cv2.FILLED, cv2.LINE_AA)
    grain = cv2.resize(random.normal(0, 6, (size // 2, size // 2, 3)).astype(np.float32), (size, size))
    picture = (cv2.GaussianBlur(picture, (0, 0), random.uniform(0.8, 3)) + grain).clip(0, 255).astype(np.uint8)
    picture = cv2.resize(picture, (size, size // 2), interpolation=cv2.INTER_AREA)
    picture.flags.writeable = False
    return picture


def light(picture: Picture, clutter: float, random: np.random.Generator) -> Picture:
    """Applies uneven and coloured light, shadows, glare, haze, night or a wrong exposure."""
    if clutter == 0:
        return picture
    height, width = picture.shape[:2]
    ramp = random.uniform(-0.35, 0.35, (2, 2)) * clutter
    field = cv2.resize((1 + ramp).astype(np.float32), (width, height))
    if random.random() < 0.15 * clutter:
        _shadow(field, random)
    cast = np.exp(random.normal(0, 0.1, 3) * clutter)
    weather = random.random()
    gain, lift, gamma = random.uniform(0.7, 1.15), random.uniform(0, 15), random.uniform(0.8, 1.2)
    if weather < 0.15 * clutter:  # night
        gain, lift = random.uniform(0.12, 0.45), random.uniform(0, 12)
        cast *= random.uniform((0.9, 0.8, 0.5), (1.4, 1.1, 1.0))
    elif weather < 0.3 * clutter:  # overexposure
        gain, lift = random.uniform(1.2, 2.2), random.uniform(0, 60)
    elif weather < 0.4 * clutter:  # haze, a dirty lens
        gain, lift = random.uniform(0.25, 0.6), random.uniform(40, 130)
    elif weather < 0.5 * clutter:  # a wrong white balance
        cast *= random.uniform(0.55, 1.4, 3)
    table = np.outer(255 * (np.arange(256) / 255) ** gamma, gain * cast)
    lit = cv2.LUT(picture, table.astype(np.float32)[:, None])
    lit = cv2.multiply(lit, cv2.cvtColor(field, cv2.COLOR_GRAY2RGB), dst=lit)
    if random.random() < 0.12 * clutter:
        _glare(lit, random)
    return cv2.convertScaleAbs(lit, beta=lift)


def _shadow(field: np.ndarray, random: np.random.Generator) -> None:
    """Darkens one side of a line through the picture."""
    height, width = field.shape
    x, tilt, depth = random.uniform(0, width), random.normal(0, 0.8) * height, random.uniform(0.3, 0.8)
    corners = np.array([[x - tilt, 0], [x + tilt, height], [2 * width, height], [2 * width, 0]])
    if random.random() < 0.5:
        corners[2:, 0] = -width
    shade = np.ones_like(field)
    cv2.fillPoly(shade, [corners.astype(np.int32)], (depth,))
    field *= cv2.GaussianBlur(shade, (0, 0), random.uniform(0.5, 4))


def _glare(lit: np.ndarray, random: np.random.Generator) -> None:
    """Adds a bright spot with soft edges."""
    height, width, _ = lit.shape
    x, y, across, down = random.uniform((0, 0, 0.05, 0.1), (1, 1, 0.25, 0.6)) * (width, height, width, height)
    columns, rows = (np.arange(width) - x) / across, (np.arange(height) - y) / down
    spot = np.exp(-np.square(rows))[:, None] * np.exp(-np.square(columns))
    lit += (random.uniform(40, 230) * spot).astype(np.float32)[:, :, None]


def optics(picture: Picture, clutter: float, random: np.random.Generator) -> Picture:
    """Applies motion or defocus blur, whose strength is relative to the picture's height."""
    height = picture.shape[0]
    kind, amount = random.random(2)
    if kind < 0.25 * clutter:
        length = 1 + 0.14 * height * amount
        return cv2.filter2D(picture, -1, _motion(round(length), random.uniform(0, math.pi)))
    if kind < 0.75 * clutter:
        sigma = 0.3 + 0.045 * height * amount**2
        kernel = cv2.getGaussianKernel(2 * round(3 * sigma) + 1, sigma)
        return cv2.sepFilter2D(picture, -1, kernel, kernel)  # GaussianBlur takes twice as long for uint8
    return picture


def _motion(length: int, angle: float) -> np.ndarray:
    """Motion blur kernel of sum 1: a line of ``length`` pixels at an angle in radians."""
    side = max(length, 1) // 2 * 2 + 3
    kernel = np.zeros((side, side), np.float32)
    half = np.array([math.cos(angle), math.sin(angle)]) * (length / 2)
    ends = np.rint((side // 2 + np.stack([-half, half])) * 16).astype(int).tolist()
    cv2.line(kernel, ends[0], ends[1], (1.0,), 1, cv2.LINE_AA, 4)
    return kernel / kernel.sum()


def sensor(picture: Picture, width: int, height: int, clutter: float, random: np.random.Generator) -> Picture:
    """Samples with few pixels, adds noise, compresses, and resizes to ``width`` times ``height`` pixels.

    The sensor has 45 % to 200 % of the output's pixels a side, but never more than the input.
    """
    detail = random.uniform(0.45, 1.2) if random.random() < 0.5 else random.uniform(1.2, 2.0)
    detail = 2.0 + (detail - 2.0) * clutter
    seen = max(4, min(picture.shape[1], round(width * detail))), max(4, min(picture.shape[0], round(height * detail)))
    little = 3 * seen[0] > 2 * picture.shape[1]  # little reduction: linear interpolation does not alias visibly
    picture = cv2.resize(picture, seen, interpolation=cv2.INTER_LINEAR if little else cv2.INTER_AREA)
    brightness = min(sum(cv2.mean(picture)) / 3 / 110, 1.0)  # cameras smooth dark pictures, so they get less noise
    strength = random.uniform(0, 0.5) ** 2 * clutter * (0.25 + 0.75 * brightness)
    if strength > 0.01:
        x, y = random.integers(0, np.maximum(_GRAIN - np.array(seen), 1)).tolist()
        grain = _grain(-(-max(seen) // _GRAIN))[y : y + seen[1], x : x + seen[0]]
        picture = cv2.addWeighted(picture, 1.0, grain, 2 * strength, -256.0 * strength)
    if random.random() < 0.7 * clutter:
        picture = compress(picture, int(random.integers(25, 95)))
    ways = (cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_CUBIC)
    way = ways[int(random.integers(len(ways)))]
    picture = cv2.resize(picture, (width, height), interpolation=way)
    return compress(picture, int(random.integers(60, 98))) if random.random() < 0.5 * clutter else picture


_GRAIN = 2048


@functools.cache
def _grain(times: int = 1) -> Picture:
    """Field of sensor noise, mean 128 and deviation 40, tiled ``times`` a side; samples take windows of it."""
    if times > 1:
        return np.tile(_grain(), (times, times, 1))
    random = np.random.default_rng(0)
    fine = random.standard_normal((_GRAIN, _GRAIN, 3), np.float32)
    blotches = cv2.resize(random.standard_normal((_GRAIN // 2, _GRAIN // 2, 3), np.float32), (_GRAIN, _GRAIN))
    grain = (128 + 30 * fine + 40 * blotches).clip(0, 255).astype(np.uint8)
    grain.flags.writeable = False
    return grain


def compress(picture: Picture, quality: int) -> Picture:
    """Encodes a picture as JPEG of this quality, 0 to 100, and decodes it."""
    # Encoded as BGR: JPEG keeps more detail of luma than of chroma, and luma weighs red and blue differently.
    encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
    assert decoded is not None, "OpenCV decodes the JPEG that it encoded"
    return decoded
