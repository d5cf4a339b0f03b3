"""Groups of samples that are judged apart: by length of the label, by a part of their origin."""

import re
from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Int

OTHER = "other"
"""Group of the samples whose origin does not match."""

Group = TypeVar("Group", bound=Hashable)


def by_length(labels: Sequence[Sequence[Hashable]]) -> dict[int, Int[np.ndarray, " M"]]:
    """Groups labels by their number of tokens; a string is the sequence of its characters.

    Returns:
      Indices of the labels of each length, the shortest first.
    """
    return dict(sorted(_grouped([len(label) for label in labels]).items()))


def by_regex(origins: Sequence[str], pattern: str) -> dict[str, Int[np.ndarray, " M"]]:
    r"""Groups samples by what a regular expression finds in their origins.

    Example:
      >>> by_regex(["ccpd_fn/1.jpg", "ccpd_db/2.jpg", "x.jpg"], r"ccpd_(?P<split>\w+)/")
      {'db': array([1]), 'fn': array([0]), 'other': array([2])}

    Args:
      origins: origin of each sample, such as its file.
      pattern: regular expression, searched for anywhere in an origin. Its first named group, else its first group, else
        the whole match names the sample's group.

    Returns:
      Indices of the samples of each group in the order of the names; `OTHER`, for origins without a match, comes last.

    Raises:
      ValueError: the pattern does not compile.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"the pattern {pattern!r} does not compile: {error}: "
            "give a regular expression with a group, such as '([^/]+)/'"
        ) from None
    part = min(compiled.groupindex.values(), default=min(compiled.groups, 1))
    found = [compiled.search(origin) for origin in origins]
    groups = _grouped([(match and match[part]) or OTHER for match in found])
    return dict(sorted(groups.items(), key=lambda group: (group[0] == OTHER, group[0])))


def _grouped(keys: Sequence[Group]) -> dict[Group, Int[np.ndarray, " M"]]:
    places: dict[Group, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return {key: np.array(members) for key, members in places.items()}
