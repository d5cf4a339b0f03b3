"""Settings of augmentation: ranges of the random changes."""

import dataclasses

from recog.codecs import Codec


@dataclasses.dataclass
class AugmentConfig:
    """Ranges of draws, one for each sample, uniform unless said otherwise; all zero leaves the pictures unchanged."""

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
    flip: float = 0.0
    """Probability of a mirror image, left to right, 0 to 1; for classes only."""
    crop: float = 0.0
    """Minimum area of a random crop, as a fraction of the picture's, that is stretched over the whole picture
    (`recog.training.augment.photograph.random_boxes`); 0 crops nothing. For classes only."""
    mixup: float = 0.0
    """Parameter of the Beta distribution of the weights with which two pictures and their classes are mixed, usually
    0.1 to 0.4; 0 mixes nothing. For classes only."""

    @property
    def moves(self) -> bool:
        """Whether any geometric change is on."""
        return any((self.rotation, self.shear, self.scale, self.zoom, self.translate, self.perspective))

    @property
    def relights(self) -> bool:
        """Whether any change of light or colour is on."""
        return any((self.brightness, self.contrast, self.saturation, self.hue))

    def check(self, channels: int, codec: Codec) -> None:
        """Raises ``ValueError`` for a range outside its limits, or one that does not suit the pictures or the labels.

        Args:
          channels: 3 for RGB pictures, which changes of colour need.
          codec: codec of the labels, which mirror images, crops and mixtures must leave true.
        """
        if min(dataclasses.astuple(self)) < 0:
            raise ValueError(f"{self}: ranges must not be negative")
        for name, value, most in (
            ("rotation", self.rotation, 45),
            ("zoom", self.zoom, 7),
            ("perspective", self.perspective, 0.24),
            ("hue", self.hue, 0.5),
            ("blur", self.blur, 8),
            ("erasing", self.erasing, 1),
            ("flip", self.flip, 1),
            ("crop", self.crop, 1),
            ("mixup", self.mixup, 100),
        ):
            if value > most:
                raise ValueError(f"augment.{name}={value}: lower it to {most} or less")
        for name, value in (("saturation", self.saturation), ("hue", self.hue)):
            if value and channels != 3:
                raise ValueError(f"augment.{name} changes colours, but the pictures are grayscale: set data.channels=3")
        for name, value in (("flip", self.flip), ("crop", self.crop), ("mixup", self.mixup)):
            if value and not codec.of_whole_pictures:
                raise ValueError(
                    f"augment.{name}={value} is for classes: it would make labels of kind {codec.kind!r} wrong, "
                    "set it to 0"
                )
