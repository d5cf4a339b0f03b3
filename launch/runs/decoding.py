"""Decoders of readers, from flags."""

import dataclasses

from absl import flags

from launch.runs.automata import make_automaton
from recog.codecs import Codec, TextCodec
from recog.ctc import BeamSearch, Decoder
from recog.ctc.hotwords import WEIGHT
from recog.ctc.named_patterns import NAMED
from recog.ctc.ngram_automaton import ALPHA, BETA
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Task

SEARCH = ("beam_width", "token_min_logp", "beam_prune_logp")
GUIDES = ("pattern", "allow", "hotwords", "ngram")
OF_NGRAM = ("alpha", "beta")
"""Settings of a search, of the automata that guide it, and of one of those."""


@dataclasses.dataclass(frozen=True)
class Decoding:
    """Settings of a decoder."""

    decoder: str = "best_path"
    """``best_path``, or ``beam`` for a prefix beam search."""
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
    """Words that are more likely, with log weights (`launch.runs.automata.parse_hotwords`)."""
    ngram: str = ""
    """ARPA file of an n-gram model over the alphabet's tokens."""
    alpha: float | None = None
    """Weight of the n-gram model; None takes `ALPHA`."""
    beta: float | None = None
    """Log weight of each token with an n-gram model; None takes `BETA`."""

    def make(self, codec: Codec) -> Decoder | None:
        """Builds the decoder; None for the best path, which needs none.

        Raises:
          ValueError: settings that do not fit each other or the alphabet.
        """
        if self.decoder == "best_path":
            if given := self._given(*SEARCH, *GUIDES, *OF_NGRAM):
                raise ValueError(f"--decoder=best_path ignores {' and '.join(given)}: set --decoder=beam")
            return None
        if (given := self._given(*OF_NGRAM)) and not self.ngram:
            raise ValueError(f"nothing uses {' and '.join(given)} without an n-gram model: set --ngram=FILE")
        if not isinstance(codec, TextCodec):
            raise ValueError(f"--decoder={self.decoder} decodes texts, this model predicts {codec.kind}")
        automaton = make_automaton(
            codec.alphabet,
            pattern=self.pattern,
            allowed=self.allow,
            hotwords=self.hotwords,
            ngram=self.ngram,
            alpha=self.alpha,
            beta=self.beta,
        )
        search = {name: getattr(self, name) for name in SEARCH if getattr(self, name) is not None}
        return BeamSearch(codec.alphabet.blank_id, automaton=automaton, **search)

    def _given(self, *names: str) -> list[str]:
        """Those of the flags that are set."""
        return [f"--{name}" for name in names if getattr(self, name) not in (None, "")]


def define_flags() -> None:
    """Defines the flags of decoders."""
    usual = Decoding()
    flags.DEFINE_enum("decoder", usual.decoder, ["best_path", "beam"], "Decoder of a reader's logits.")
    flags.DEFINE_integer("beam_width", None, f"Hypotheses that a beam search keeps ({BeamSearch.beam_width}).", 1)
    flags.DEFINE_float("token_min_logp", None, "Log probability that a new token needs in its frame (any).")
    flags.DEFINE_float("beam_prune_logp", None, "Log probability relative to the best hypothesis, 0 or less (any).")
    flags.DEFINE_string("pattern", "", f"Regular expression that readings must match, or one of {', '.join(NAMED)}.")
    flags.DEFINE_string("allow", "", "Characters that readings may consist of.")
    flags.DEFINE_string("hotwords", "", f"Words that are more likely, with log weights ({WEIGHT:g}): TOTAL:2,CASH")
    flags.DEFINE_string("ngram", "", "ARPA file of an n-gram model of characters, such as launch.prepare writes.")
    flags.DEFINE_float("alpha", None, f"Weight of the n-gram model ({ALPHA:g}).", lower_bound=0)
    flags.DEFINE_float("beta", None, f"Log weight of each character with an n-gram model ({BETA:g}).")


def from_flags() -> Decoding:
    """Settings from the flags of `define_flags`."""
    return Decoding(**{field.name: getattr(flags.FLAGS, field.name) for field in dataclasses.fields(Decoding)})


def decoded_by(task: Task, decoding: Decoding) -> Task:
    """A task whose predictions are decoded as configured.

    Raises:
      ValueError: the task does not read a text by CTC, or the settings do not fit.
    """
    decoder = decoding.make(task.codec)
    if decoder is None:
        return task
    if not isinstance(task, ReadingTask):
        raise ValueError(f"--decoder={decoding.decoder} decodes logits of CTC; this model reads by parts or attention")
    return dataclasses.replace(task, decoder=decoder)
