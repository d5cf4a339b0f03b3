"""Held-out samples: a share of a source, or one of several folds, always the same ones whatever their order."""

import hashlib
import heapq
import re
from collections import Counter
from collections.abc import Collection, Sequence

from datasets.sources import Keyed, Subset, Varied, group_of


def split_holdout(source: Keyed, share: float, by: str = "") -> tuple[Subset, Subset]:
    r"""Splits a source into training and held-out samples, independently of their order.

    Samples whose names have the smallest hashes are held out; samples with the same name stay together.

    Args:
      source: whole source.
      share: share of the names to hold out, above 0 and below 1.
      by: regular expression whose match in a sample's key (its first group, if it has one) is the sample's name,
        such as ``r\d+_`` if several pictures were cut from one; the key itself if it does not match. If empty, names
        are the groups of a `Grouped` source, or the keys of another source.

    Of a `Varied` source, samples themselves are held out, and variants are made of the others alone.

    Raises:
      ValueError: a share that leaves one of the parts empty, or a regular expression that is invalid or matches no key.
    """
    names = _names(source, by)
    by_hash = sorted(set(names), key=_hash)
    count = round(len(by_hash) * share)
    if not 0 < count < len(by_hash):
        raise ValueError(f"data.holdout={share} of {_found(names)} leaves nothing on one side: choose another")
    return _split(source, names, set(by_hash[:count]))


def split_fold(source: Keyed, folds: int, fold: int, by: str = "") -> tuple[Subset, Subset]:
    """Splits a source into training and held-out samples, those of one fold of a cross-validation.

    Each sample is held out in exactly one fold. Names are dealt out in the order of their hashes, the largest groups
    first, to the fold with the fewest samples; without groups, sizes of folds differ by at most one sample.

    Args:
      source: whole source.
      folds: number of folds, 2 or more.
      fold: number of the fold to hold out, from 0.
      by: regular expression for the samples' names, as in `split_holdout`.

    Raises:
      ValueError: no such fold, fewer names than folds, or an unsuitable regular expression.
    """
    check_fold(folds, fold)
    names = _names(source, by)
    sizes = Counter(names)
    if len(sizes) < folds:
        raise ValueError(f"data.folds={folds} of {_found(names)} leaves a fold without samples: choose fewer")
    filled, held = [(0, number) for number in range(folds)], set()
    for name in sorted(sizes, key=lambda name: (-sizes[name], _hash(name))):
        count, number = filled[0]
        heapq.heapreplace(filled, (count + sizes[name], number))
        if number == fold:
            held.add(name)
    return _split(source, names, held)


def check_fold(folds: int, fold: int) -> None:
    """Raises ``ValueError`` for fewer than two folds, or a fold that is not one of them."""
    if folds < 2:
        raise ValueError(f"data.folds={folds}: choose 2 or more, or 0 for none")
    if not 0 <= fold < folds:
        raise ValueError(f"data.fold={fold}: the {folds} folds are numbered 0 to {folds - 1}")


def _split(source: Keyed, names: Sequence[bytes], held: Collection[bytes]) -> tuple[Subset, Subset]:
    """Subsets of the samples whose names are not held out, and of those whose names are."""
    kept = [[i for i, name in enumerate(names) if (name in held) == wanted] for wanted in (False, True)]
    training, validation = kept
    if isinstance(source, Varied):
        count = len(source.plain)
        return Subset(source, training), Subset(source.plain, [i for i in validation if i < count])
    return Subset(source, training), Subset(source, validation)


def _names(source: Keyed, by: str) -> list[bytes]:
    """Name of each sample; samples with the same name stay together."""
    try:
        pattern = re.compile(by)
    except re.error as error:
        raise ValueError(f"data.holdout_by={by!r} is not a regular expression: {error}") from error
    keys = [source.key(index) if by else group_of(source, index) for index in range(len(source))]
    matches = [_name(key, pattern) for key in keys] if by else [None] * len(keys)
    if by and keys and not any(matches):
        example = keys[0].decode(errors="backslashreplace")
        raise ValueError(f"data.holdout_by={by!r} matches none of {len(keys)} keys, such as {example!r}")
    return [match or key for match, key in zip(matches, keys, strict=True)]


def _found(names: Sequence[bytes]) -> str:
    different = len(set(names))
    return f"{different} different names" if different < len(names) else f"{len(names)} samples"


def _hash(name: bytes) -> bytes:
    return hashlib.blake2b(name, digest_size=8).digest()


def _name(key: bytes, pattern: re.Pattern[str]) -> bytes | None:
    """First group of the pattern's match in a key, or the whole match; None if it does not match."""
    found = pattern.search(key.decode(errors="surrogateescape"))
    if not found:
        return None
    group = found[1] if found.re.groups else None
    return (found[0] if group is None else group).encode(errors="surrogateescape")
