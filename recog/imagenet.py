"""The 1000 classes of ImageNet (ILSVRC 2012): names, and those of dogs and of cats."""

import functools
from importlib import resources

DOGS = range(151, 269)
"""Indices of the 118 breeds of dogs, from Chihuahua to Mexican hairless; wolves, dingo and dhole follow them."""
CATS = range(281, 288)
"""Indices of the 7 classes below ``cat, true cat`` in WordNet: five kinds of house cats, cougar and lynx.

An eighth, which some add, is leopard (288): WordNet puts it under ``big cat``, with lion and tiger.
"""


@functools.cache
def class_names() -> tuple[str, ...]:
    """Names in the order of the class indices, each different; ``crane bird`` (134) and ``crane`` (517), a machine."""
    text = resources.files("recog").joinpath("imagenet_classes.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())
