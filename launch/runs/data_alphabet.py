"""Alphabet of the labels that a report has seen, as a file for ``--config.alphabet.file``."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from launch.runs.config import AlphabetConfig
from recog.alphabet import Alphabet, fits_a_line
from recog.codecs import Codec, TextCodec
from recog.look_alikes import describe

SHOWN = 10
"""Maximum number of tokens to name that cannot be lines."""


def write_alphabet(
    path: Path, tokens: Mapping[str, int], codec: Codec | None = None, configured: AlphabetConfig | None = None
) -> list[str]:
    """Writes one token per line, sorted by code point; tokens that cannot be lines are left out.

    Args:
      path: file to write; removed if there is nothing to write, because it may be of an earlier report.
      tokens: occurrences of each token.
      codec: codec that split the labels into tokens; None for characters.
      configured: alphabet of the configuration, to be cleared by flags.

    Returns:
      Lines for the summary: the flag, and the tokens that are left out.
    """
    path.unlink(missing_ok=True)
    kept = sorted(filter(fits_a_line, tokens))
    if not kept or not (codec is None or isinstance(codec, TextCodec)):  # units of other codecs are names of classes
        return []
    separator = codec.alphabet.separator if codec else ""
    Alphabet(kept, separator=separator).to_file(path)
    flags = shlex.join([f"--config.alphabet.file={path}", *_other_flags(separator, configured or AlphabetConfig())])
    line = f"{path}: {len(kept):,} tokens, to train with {flags}"
    left_out = sorted(set(tokens) - set(kept))
    return [line, *([f"{path} lacks {_named(left_out, tokens)}: correct these labels"] if left_out else [])]


def _other_flags(separator: str, configured: AlphabetConfig) -> list[str]:
    """Flags that clear a configured alphabet, and set the separator that its preset had."""
    cleared = [f"--config.alphabet.{name}=" for name in ("name", "tokens") if getattr(configured, name)]
    return cleared + ([f"--config.alphabet.separator={separator}"] if separator != configured.separator else [])


def _named(left_out: list[str], tokens: Mapping[str, int]) -> str:
    named = [
        f"{token!r} ({describe(token) or 'nothing between two separators'}) {tokens[token]:,} times"
        for token in left_out[:SHOWN]
    ]
    more = f" and {len(left_out) - SHOWN:,} more" if len(left_out) > SHOWN else ""
    return f"{', '.join(named)}{more}, which cannot be lines of a file"
