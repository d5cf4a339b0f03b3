"""Settings of augmentation: ranges of the random changes."""

import dataclasses


@dataclasses.dataclass
class AugmentConfig:
    """Ranges of uniform draws, one draw for each sample; all zero leaves the pictures unchanged."""

    rotation: float = 0.0
    """Maximum rotation in degrees, in both directions, up to 45. Keep it small: a 6 must not become a 9."""
    shear: float = 0.0
    """Maximum horizontal shear in pixels for each row, in both directions."""
    scale: float = 0.0
    """Maximum relative change of width and height, drawn independently: 0.25 for factors from 1/1.25 to 1.25."""
    zoom: float = 0.0
    """Maximum relative change of the whole picture's size, with factors as for ``scale``; up to 7."""
    translate: float = 0.0
    """Maximum shift along both axes, as a fraction of the picture's height."""
    perspective: float = 0.0
    """Maximum shift of each corner along both axes, drawn independently, as a fraction of the picture's shorter side;
    up to 0.24, at which the corners keep their order."""
    brightness: float = 0.0
    """Maximum change of all pixels, up or down, as a fraction of the full range."""
    contrast: float = 0.0
    """Maximum relative change of the distance to the picture's mean, with factors as for ``scale``."""
    saturation: float = 0.0
    """Maximum relative change of the distance to the pixel's luma, with factors as for ``scale``; RGB only."""
    hue: float = 0.0
    """Maximum rotation of the hue in both directions, as a fraction of a full turn, up to 0.5; RGB only."""
    blur: float = 0.0
    """Maximum standard deviation of a Gaussian blur in pixels, up to 8; its cost grows with it."""
    noise: float = 0.0
    """Maximum standard deviation of Gaussian pixel noise, as a fraction of the full range."""
    erasing: float = 0.0
    """Maximum area of the erased rectangle, as a fraction of the picture's. Keep it below the area of a character."""

    @property
    def moves(self) -> bool:
        """Whether any geometric change is on."""
        return any((self.rotation, self.shear, self.scale, self.zoom, self.translate, self.perspective))

    @property
    def relights(self) -> bool:
        """Whether any change of light or colour is on."""
        return any((self.brightness, self.contrast, self.saturation, self.hue))

    def check(self, channels: int) -> None:
        """Raises ``ValueError`` for a range outside its limits, or one that needs RGB if there are not 3 channels."""
        if min(dataclasses.astuple(self)) < 0:
            raise ValueError(f"{self}: ranges must not be negative")
        for name, value, most in (
            ("rotation", self.rotation, 45),
            ("zoom", self.zoom, 7),
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
