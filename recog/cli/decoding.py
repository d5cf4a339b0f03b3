"""Decoders of readers, from flags."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from absl import flags

from recog.cli.automata import make_automaton
from recog.cli.lexicon_file import load_lexicon
from recog.codecs import Codec, TextCodec
from recog.ctc.decoder import BEAM_WIDTH, Decoder
from recog.ctc.hotwords import WEIGHT
from recog.ctc.named_patterns import NAMED
from recog.ctc.ngram_automaton import ALPHA, BETA
from recog.export.artifact import Artifact
from recog.export.files import sha256

flags.disclaim_key_flags()  # --help lists them as those of the command

BEST_PATH = "best_path"
"""Name of the decoder without settings."""
SEARCH = ("beam_width", "token_min_logp", "beam_prune_logp")
"""Settings of a beam search."""
GUIDES = ("pattern", "allow", "hotwords", "ngram")
"""Settings of the automata that guide it."""
OF_NGRAM = ("alpha", "beta")
"""Settings of an n-gram model."""
IGNORED = {
    BEST_PATH: (*SEARCH, *GUIDES, *OF_NGRAM, "lexicon", "nbest"),
    "beam": ("lexicon",),
    "lexicon": (*SEARCH, *GUIDES, *OF_NGRAM),
}
"""Settings that have nothing to act on, by decoder."""


@dataclasses.dataclass(frozen=True)
class Decoding:
    """Settings of a decoder."""

    decoder: str | None = None
    """``best_path``, ``beam`` for a prefix beam search, or ``lexicon`` for the most probable word of a list; None for
    the decoder of an artifact, elsewhere the best path."""
    beam_width: int | None = None
    """Hypotheses that a beam search keeps after each frame; None takes that of `BeamSearch`, as do the next two."""
    token_min_logp: float | None = None
    """Log probability that a token needs in a frame to extend a hypothesis."""
    beam_prune_logp: float | None = None
    """Log probability, relative to the best hypothesis, below which others are dropped."""
    pattern: str = ""
    """Regular expression that readings must match, or the name of one (`recog.ctc.named_patterns`)."""
    allow: str = ""
    """Characters that readings may consist of; empty allows the whole alphabet."""
    hotwords: str = ""
    """Words that are more likely, with log weights (`recog.cli.automata.parse_hotwords`)."""
    ngram: str = ""
    """ARPA file of an n-gram model over the alphabet's tokens."""
    alpha: float | None = None
    """Weight of the n-gram model; None takes `ALPHA`."""
    beta: float | None = None
    """Log weight of each token with an n-gram model; None takes `BETA`."""
    lexicon: str = ""
    """Word list, of one word per line; ``launch.evaluate`` also takes lists of each sample."""
    nbest: int | None = None
    """Texts to list for each picture, best first; None lists none."""

    def make(self, codec: Codec) -> Decoder | None:
        """Builds the decoder; None for the best path, which needs none.

        Raises:
          ValueError: settings that do not fit each other or the alphabet.
        """
        self.check(codec)
        if self.decoder in (None, BEST_PATH):
            return None
        from recog.ctc import BeamSearch, LexiconSearch  # reading by other runtimes does not import JAX

        assert isinstance(codec, TextCodec)
        if self.decoder == "lexicon":
            return LexiconSearch(load_lexicon(self.lexicon, codec))
        automaton = make_automaton(
            codec,
            pattern=self.pattern,
            allowed=self.allow,
            hotwords=self.hotwords,
            ngram=self.ngram,
            alpha=self.alpha,
            beta=self.beta,
        )
        search = {name: getattr(self, name) for name in SEARCH if getattr(self, name) is not None}
        return BeamSearch(codec.alphabet.blank_id, automaton=automaton, **search)

    def described(self) -> dict[str, Any]:
        """Settings that differ from the usual ones, for JSON: none for the best path, an n-gram model by its content.

        Raises:
          OSError: the file of the n-gram model cannot be read.
        """
        usual = dataclasses.replace(Decoding(), decoder=self.decoder if self.decoder == BEST_PATH else None)
        settings = {name: value for name, value in vars(self).items() if value != getattr(usual, name)}
        if self.ngram:
            settings["ngram"] = {"file": Path(self.ngram).name, "sha256": sha256(Path(self.ngram))}
        return settings

    def check(self, codec: Codec) -> None:
        """Raises ``ValueError`` for settings that have nothing to act on, or need another one."""
        decoder = self.decoder or BEST_PATH
        if given := self._given(*IGNORED[decoder]):
            other = "lexicon" if given == ["--lexicon"] else "beam"
            raise ValueError(f"--decoder={decoder} ignores {' and '.join(given)}: set --decoder={other}")
        if (given := self._given(*OF_NGRAM)) and not self.ngram:
            raise ValueError(f"nothing uses {' and '.join(given)} without an n-gram model: set --ngram=FILE")
        if decoder == "lexicon" and not self.lexicon:
            raise ValueError("--decoder=lexicon needs words: set --lexicon=FILE, with one word a line")
        if decoder != BEST_PATH and not isinstance(codec, TextCodec):
            raise ValueError(f"--decoder={decoder} decodes texts, this model predicts {codec.kind}")

    def check_whole_texts(self) -> None:
        """Raises ``ValueError`` for settings that models reading by parts or by attention have no logits for."""
        if given := (["--decoder=lexicon"] if self.decoder == "lexicon" else []) + self._given("lexicon", "nbest"):
            raise ValueError(
                f"{' and '.join(given)}: lexicons and lists of the best texts need CTC logits of a whole text; this "
                "model reads by parts or attention: leave these flags out"
            )

    @property
    def restricts(self) -> bool:
        """Whether readings are limited to some texts."""
        return bool(self.pattern or self.allow or self.lexicon)

    def _given(self, *names: str) -> list[str]:
        """Those of the flags that are set."""
        return [f"--{name}" for name in names if getattr(self, name) not in (None, "")]


def define_flags() -> None:
    """Defines the flags of decoders."""
    flags.DEFINE_enum("decoder", None, list(IGNORED), "Decoder of a reader (the artifact's own, or the best path).")
    flags.DEFINE_integer("beam_width", None, f"Hypotheses that a beam search keeps ({BEAM_WIDTH}).", 1)
    flags.DEFINE_float("token_min_logp", None, "Log probability that a new token needs in its frame (any).")
    flags.DEFINE_float("beam_prune_logp", None, "Log probability relative to the best hypothesis, 0 or less (any).")
    flags.DEFINE_string("pattern", "", f"Regular expression that readings must match, or one of {', '.join(NAMED)}.")
    flags.DEFINE_string("allow", "", "Characters that readings may consist of.")
    flags.DEFINE_string("hotwords", "", f"Words that are more likely, with log weights ({WEIGHT:g}): TOTAL:2,CASH")
    flags.DEFINE_string("ngram", "", "ARPA file of an n-gram model of characters, such as launch.prepare writes.")
    flags.DEFINE_float("alpha", None, f"Weight of the n-gram model ({ALPHA:g}).", lower_bound=0)
    flags.DEFINE_float("beta", None, f"Log weight of each character with an n-gram model ({BETA:g}).")
    flags.DEFINE_string(
        "lexicon", "", "File: a word (tab, frequency) a line; launch.evaluate: full, FILE:50, lexicon_50."
    )
    flags.DEFINE_integer("nbest", None, "Texts to list for each picture, as JSON lines.", lower_bound=1)


def from_flags() -> Decoding:
    """Settings from the flags of `define_flags`."""
    return Decoding(**{field.name: getattr(flags.FLAGS, field.name) for field in dataclasses.fields(Decoding)})


def artifact_decoded_by(artifact: Artifact, decoding: Decoding) -> Artifact:
    """An artifact whose predictions are decoded as configured, by the exported decoder if it has these settings.

    Raises:
      ValueError: the artifact needs to be exported with this decoder, or the settings do not fit.
      OSError: a file of the settings cannot be read.
    """
    if isinstance(artifact.codec, TextCodec) and not artifact.reads_whole_texts:
        decoding.check_whole_texts()
    decoding.check(artifact.codec)
    if decoding.decoder is None:
        return artifact
    if not decoding.nbest and _by_content(artifact.card.decoder) == _by_content(decoding.described()):
        return artifact
    if decoding.decoder == BEST_PATH and isinstance(artifact.codec, TextCodec):
        from recog.ctc import BestPath

        return artifact.decoded_by(BestPath(artifact.codec.alphabet.blank_id))
    decoder = decoding.make(artifact.codec)
    if artifact.frames is not None:
        require_room_for(decoder, artifact.frames)
    return artifact.decoded_by(decoder)


def _by_content(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with the digest of an n-gram model alone, wherever its file is."""
    return {name: value.get("sha256") if isinstance(value, dict) else value for name, value in settings.items()}


def require_room_for(decoder: Decoder | None, frames: int) -> None:
    """Raises ``ValueError`` if no text of the decoder's pattern fits so many frames."""
    from recog.ctc import BeamSearch
    from recog.ctc.guide import require_room

    if isinstance(decoder, BeamSearch) and decoder.automaton:
        require_room(int(decoder.automaton.frames_needed()[0, decoder.blank_id]), frames)
