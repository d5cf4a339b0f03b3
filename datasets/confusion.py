"""Characters of one set of labels that look alike, such as Latin A and Cyrillic А, which pictures cannot tell apart."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from datasets.duplicates import Named
from recog.look_alikes import describe, groups_that_look_alike
from recog.unknown_tokens import shortened

SHOWN = 5
"""Maximum number of groups of look-alikes in a summary."""


class LookAlikes(NamedTuple):
    """Tokens that look alike."""

    tokens: dict[str, int]
    """Occurrences of each token, commonest first."""
    example: Named
    """First sample with the rarest of them, and its label."""


def find_look_alikes(tokens: Mapping[str, int], first: Mapping[str, Named]) -> list[LookAlikes]:
    """Groups of tokens that look alike.

    Args:
      tokens: occurrences of each token, commonest first.
      first: the first sample with each token.
    """
    groups = groups_that_look_alike(tokens)
    return [LookAlikes({token: tokens[token] for token in group}, first[group[-1]]) for group in groups]


def look_alike_lines(found: Sequence[LookAlikes]) -> list[str]:
    """One line for each of the first groups, and one with the number of the others."""
    lines, more = [_line(group) for group in found[:SHOWN]], len(found) - SHOWN
    return lines + ([f"look alike: {more:,} other group{'s' * (more > 1)}"] if more > 0 else [])


def _line(group: LookAlikes) -> str:
    members = " and ".join(f"{token!r} ({describe(token)}) {count:,} times" for token, count in group.tokens.items())
    where, label = group.example
    return f"look alike: {members}, such as {where}, {shortened(label)}: write one of them throughout"
