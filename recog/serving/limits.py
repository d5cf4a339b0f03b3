"""Limits of what a server accepts."""

import dataclasses

from recog.serving.claimed_size import FORMATS, claimed_size
from recog.serving.refusals import NotAPictureError, TooLargeError


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits of requests, pictures and time."""

    body: int = 16 * 2**20
    """Maximum size of a request's body in bytes."""
    pixels: int = 25_000_000
    """Maximum number of pixels of a picture."""
    files: int = 64
    """Maximum number of pictures of a request."""
    queue: int = 256
    """Maximum number of pictures that wait for a model."""
    requests: int = 256
    """Maximum number of requests that are answered at the same time."""
    upload_seconds: float = 30.0
    """Time within which the body of a request must arrive."""
    answer_seconds: float = 30.0
    """Time within which a request is answered after its body has arrived."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name}={value}: choose a limit above 0")
        if self.files > self.queue:
            raise ValueError(
                f"files={self.files} of a request would never fit into queue={self.queue}: raise queue or lower files"
            )


def check_picture(content: bytes, limits: Limits) -> None:
    """Checks a picture file by its header alone, before it is decoded.

    Raises:
      NotAPictureError: not of one of the accepted formats.
      TooLargeError: more pixels than accepted.
    """
    size = claimed_size(content)
    if size is None:
        raise NotAPictureError(f"not a picture of a known format: send {FORMATS}")
    height, width = size
    if height * width > limits.pixels:
        raise TooLargeError(
            f"a picture of {width} x {height} pixels is larger than the {limits.pixels:,} pixels accepted: scale it"
        )
