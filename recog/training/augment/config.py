"""What augmentation may change, and by how much."""

import dataclasses


@dataclasses.dataclass
class AugmentConfig:
    """Ranges of uniform draws, one draw a sample; all zero leaves the pictures as they are."""

    rotation: float = 0.0
    """Degrees either way, up to 45. Keep it small: a 6 must not become a 9."""
    shear: float = 0.0
    """Horizontal shift per row, either way."""
    scale: float = 0.0
    """Relative change of width and of height, each drawn by itself: 0.25 for 1/1.25 to 1.25 times."""
    translate: float = 0.0
    """Shift in parts of the picture's height, along both axes."""
    perspective: float = 0.0
    """Shift of each corner along both axes, each drawn by itself, in parts of the picture's shorter side; up to
    0.24, where the corners still stand in order."""
    brightness: float = 0.0
    """Added to every pixel, in parts of the full range, either way."""
    contrast: float = 0.0
    """Relative change of the distance to the picture's mean, as for ``scale``."""
    saturation: float = 0.0
    """Relative change of each pixel's distance to its own grey, as for ``scale``; colour pictures only."""
    hue: float = 0.0
    """Turn of the colour wheel either way, in parts of a full turn, up to 0.5; colour pictures only."""
    blur: float = 0.0
    """Largest standard deviation of a Gaussian blur, in pixels, up to 8; its cost grows with it."""
    noise: float = 0.0
    """Largest standard deviation of Gaussian pixel noise, in parts of the full range."""
    erasing: float = 0.0
    """Largest area of the rectangle that is painted over, in parts of the picture's. Keep it below a character's."""

    @property
    def moves(self) -> bool:
        """Whether pixels change their place."""
        return any((self.rotation, self.shear, self.scale, self.translate, self.perspective))

    @property
    def relights(self) -> bool:
        """Whether pixels change their colour by what they are themselves, and the mean of their picture."""
        return any((self.brightness, self.contrast, self.saturation, self.hue))

    def check(self, channels: int) -> None:
        """Raises ``ValueError`` where a range cannot be, or pictures of so many channels have no colour to change."""
        if min(dataclasses.astuple(self)) < 0:
            raise ValueError(f"{self}: ranges must not be negative")
        for name, value, most in (
            ("rotation", self.rotation, 45),
            ("perspective", self.perspective, 0.24),
            ("hue", self.hue, 0.5),
            ("blur", self.blur, 8),
            ("erasing", self.erasing, 1),
        ):
            if value > most:
                raise ValueError(f"augment.{name}={value}: lower it to {most} or less")
        for name, value in (("saturation", self.saturation), ("hue", self.hue)):
            if value and channels != 3:
                raise ValueError(f"augment.{name} changes colours, but the pictures are grayscale: set data.channels=3")
