"""Held-out samples: a share of a source, or one of several folds, always the same ones whatever their order."""

import hashlib
import heapq
import re

import numpy as np
from jaxtyping import Bool, UInt64

from datasets.sources import Grouped, Keyed, Subset, Varied


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
    return _split(source, _held_share(_hashes(source, by), share))


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
    hashes = _hashes(source, by)
    different, names, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
    if len(different) < folds:
        raise ValueError(
            f"data.folds={folds} of {_found(hashes, len(different))} leaves a fold without samples: choose fewer"
        )
    filled, held = [(0, number) for number in range(folds)], np.zeros(len(different), bool)
    for name in np.argsort(-sizes, kind="stable"):  # equal ones stay in the order of their hashes
        count, number = filled[0]
        heapq.heapreplace(filled, (count + int(sizes[name]), number))
        held[name] = number == fold
    return _split(source, held[names])


def check_fold(folds: int, fold: int) -> None:
    """Raises ``ValueError`` for fewer than two folds, or a fold that is not one of them."""
    if folds < 2:
        raise ValueError(f"data.folds={folds}: choose 2 or more, or 0 for none")
    if not 0 <= fold < folds:
        raise ValueError(f"data.fold={fold}: the {folds} folds are numbered 0 to {folds - 1}")


def _split(source: Keyed, held: Bool[np.ndarray, " N"]) -> tuple[Subset, Subset]:
    """Subsets of the samples that are not held out, and of those that are."""
    training, validation = np.flatnonzero(~held), np.flatnonzero(held)
    if isinstance(source, Varied):
        return Subset(source, training), Subset(source.plain, validation[validation < len(source.plain)])
    return Subset(source, training), Subset(source, validation)


def _hashes(source: Keyed, by: str) -> UInt64[np.ndarray, " N"]:
    """Hash of each sample's name, 64 bits in place of up to millions of names; equal ones stay together."""
    try:
        pattern = re.compile(by)
    except re.error as error:
        raise ValueError(f"data.holdout_by={by!r} is not a regular expression: {error}") from error
    name_of = source.group if isinstance(source, Grouped) and not by else source.key
    matched, hashes = not by or not len(source), np.empty(len(source), np.uint64)
    for index in range(len(source)):
        key = name_of(index)
        match = _name(key, pattern) if by else None
        matched = matched or bool(match)
        hashes[index] = int.from_bytes(hashlib.blake2b(match or key, digest_size=8).digest(), "big")
    if not matched:
        example = source.key(0).decode(errors="backslashreplace")
        raise ValueError(f"data.holdout_by={by!r} matches none of {len(source)} keys, such as {example!r}")
    return hashes


def _held_share(hashes: UInt64[np.ndarray, " N"], share: float) -> Bool[np.ndarray, " N"]:
    """Whether each hash is among this share of the different ones, the smallest; see `split_holdout`."""
    ordered = np.sort(hashes)
    last = np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]  # of the samples with the same hash
    total = int(np.count_nonzero(last))
    count = round(total * share)
    if not 0 < count < total:
        raise ValueError(f"data.holdout={share} of {_found(hashes, total)} leaves nothing on one side: choose another")
    return hashes <= ordered[last][count - 1]


def _found(hashes: UInt64[np.ndarray, " N"], different: int) -> str:
    return f"{different} different names" if different < len(hashes) else f"{len(hashes)} samples"


def _name(key: bytes, pattern: re.Pattern[str]) -> bytes | None:
    """First group of the pattern's match in a key, or the whole match; None if it does not match."""
    found = pattern.search(key.decode(errors="surrogateescape"))
    if not found:
        return None
    group = found[1] if found.re.groups else None
    return (found[0] if group is None else group).encode(errors="surrogateescape")
