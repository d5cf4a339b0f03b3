"""Base class of renderers: a stream of samples, each a pure function of the stream's seed and its index.

So workers, epochs and resumed jobs all see the same pictures, and another seed gives another stream (validation).
The only state is caches (glyph masks, textures, noise), which any thread may fill.
"""

import abc
import dataclasses
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from jaxtyping import UInt8

from datasets.sources import Sample


@dataclasses.dataclass
class StreamConfig:
    """Settings of every renderer; each adds its own."""

    count: int = 1_000_000
    """Number of samples."""
    seed: int = 0
    """Non-negative; each seed gives a different stream."""
    height: int = 64
    """Canvas height in pixels."""
    width: int = 256
    """Canvas width in pixels."""
    clutter: float = 1.0
    """Strength of backgrounds, wear, light and camera effects, 0 to 1; 0 leaves clean characters."""


Config = TypeVar("Config", bound=StreamConfig)


class RenderedStream(abc.ABC, Generic[Config]):
    """A source that draws its samples (`datasets.sources.RenderedSource`).

    Raises:
      ValueError: count or seed is negative, the canvas is smaller than ``smallest``, or clutter is outside 0 to 1.
    """

    name: ClassVar[str]
    """Name of the renderer in data specifications."""
    smallest: ClassVar[tuple[int, int]]
    """Minimum height and width of the canvas in pixels at which text is legible."""

    def __init__(self, config: Config):
        if config.count < 0 or config.seed < 0:
            raise ValueError(f"count {config.count} and seed {config.seed} must be 0 or more")
        height, width = self.smallest
        if config.height < height or config.width < width:
            raise ValueError(
                f"canvas {config.width}x{config.height} is too small to read: use at least {width}x{height}"
            )
        if not 0 <= config.clutter <= 1:
            raise ValueError(f"clutter {config.clutter}: choose a value from 0 to 1")
        self._config = dataclasses.replace(config)  # later changes to the caller's config must not change the samples

    @property
    def size(self) -> tuple[int, int]:
        """Height of all pictures and width of the widest, pixels."""
        return self._config.height, self._config.width

    @property
    def settings(self) -> dict[str, Any]:
        """All settings by name, as a specification sets them."""
        return dataclasses.asdict(self._config)

    def __len__(self) -> int:
        return self._config.count

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``, from 0 to ``count - 1``.

        Raises:
          IndexError: the index is outside that range; negative indices are not supported.
        """
        count, seed = self._config.count, self._config.seed
        if not 0 <= index < count:
            raise IndexError(f"sample {index} of {count}: use 0 to {count - 1}")
        image, label = self.draw(np.random.default_rng([seed, index]))
        return Sample(image, label, self.origin(index))

    def origin(self, index: int) -> str:
        """Renderer, seed and index, which suffice to draw the picture again."""
        return f"{self.name} seed={self._config.seed} index={index}"

    @abc.abstractmethod
    def draw(self, random: np.random.Generator) -> tuple[UInt8[np.ndarray, "H W 3"], Any]:
        """Draws an RGB picture and returns it with its label; ``random`` is the only source of randomness."""
