"""Effects of the cameras that look at plates: leaning plates, automatic exposure, interlaced video, sharpening.

They complete `datasets.synthetic.camera` for pictures of plates alone. ``clutter``, 0 to 1, is the strength; 0 disables
them. Each draws its randomness from the generator in the arguments.
"""

import cv2
import numpy as np

from datasets.synthetic.camera import Picture, Quad, compress


def lean(quad: Quad, clutter: float, random: np.random.Generator) -> Quad:
    """Shears corners sideways, at random and against their slope.

    The upright edges of a turned sign lean with its slope; those of plates seen from above and from one side, in real
    pictures, stay upright or lean against it.
    """
    slope = (quad[1, 1] - quad[0, 1]) / (quad[1, 0] - quad[0, 0])
    amount = random.normal(0, 0.12) * clutter**0.5 - slope * random.uniform(0, 2.4)
    return quad - amount * np.outer(quad[:, 1], (1.0, 0.0))


def expose(scene: Picture, clutter: float, random: np.random.Generator) -> Picture:
    """Brightens most of the dark scenes, as automatic exposure does: a plate in the dark is rarely quite black."""
    target, whether = random.uniform(90, 220), random.random()
    if clutter == 0 or whether < 0.1:
        return scene
    peak = float(np.percentile(scene[::4, ::4].max(axis=2), 95))
    return cv2.convertScaleAbs(scene, alpha=target / max(peak, 10.0)) if peak < target else scene


def interlace(scene: Picture, clutter: float, random: np.random.Generator) -> Picture:
    """Records some scenes as interlaced video: fields apart by the motion of the car, or one field, lines doubled."""
    kind, shift = random.random(), int(random.integers(1, 6))
    if kind < 0.06 * clutter:
        scene = scene.copy()
        scene[1::2, shift:] = scene[1::2, :-shift]
    elif kind < 0.16 * clutter:
        height, width = scene.shape[:2]
        scene = cv2.resize(scene[::2], (width, height), interpolation=cv2.INTER_LINEAR)
    return scene


def sharpen(picture: Picture, clutter: float, random: np.random.Generator) -> Picture:
    """Sharpens half of the pictures, which leaves halos around the characters, and compresses some of these again."""
    whether, again = random.random(2)
    amount, sigma, quality = random.uniform(0.2, 1.2), random.uniform(0.6, 1.2), int(random.integers(40, 96))
    if clutter > 0 and whether < 0.5:
        blurred = cv2.GaussianBlur(picture, (0, 0), sigma)
        picture = cv2.addWeighted(picture, 1 + amount, blurred, -amount, 0)
    return compress(picture, quality) if again < 0.5 * clutter else picture
