"""Decoders of readers, from flags."""

import dataclasses
import functools
from typing import Any

from absl import flags

from recog.alphabet import Alphabet
from recog.codecs import Codec, TextCodec
from recog.ctc import BeamSearch, Decoder
from recog.ctc.automaton import Automaton, allow
from recog.ctc.named_patterns import NAMED
from recog.ctc.pattern import compile_pattern
from recog.export.artifact import Artifact
from recog.tasks.branches import BranchTask
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class Decoding:
    """Settings of a decoder."""

    decoder: str = "best_path"
    """``best_path``, or ``beam`` for a prefix beam search."""
    beam_width: int = 10
    """Hypotheses that a beam search keeps after each frame."""
    token_min_logp: float = BeamSearch.token_min_logp
    """Log probability that a token needs in a frame to extend a hypothesis."""
    beam_prune_logp: float = BeamSearch.beam_prune_logp
    """Log probability, relative to the best hypothesis, below which others are dropped."""
    pattern: str = ""
    """Regular expression that readings must match, or the name of one (`recog.ctc.named_patterns`)."""
    allow: str = ""
    """Characters that readings may consist of; empty allows the whole alphabet."""

    def make(self, codec: Codec) -> Decoder | None:
        """Builds the decoder; None for the best path, which needs none.

        Raises:
          ValueError: settings that do not fit each other or the alphabet.
        """
        builders = [build for given, build in ((self.pattern, self._pattern), (self.allow, self._allow)) if given]
        if self.decoder == "best_path":
            if builders:
                raise ValueError("--pattern and --allow need a search: set --decoder=beam")
            return None
        if not isinstance(codec, TextCodec):
            raise ValueError(f"--decoder={self.decoder} decodes texts, this model predicts {codec.kind}")
        automata = [build(codec.alphabet) for build in builders]
        return BeamSearch(
            codec.alphabet.blank_id,
            self.beam_width,
            self.token_min_logp,
            self.beam_prune_logp,
            functools.reduce(Automaton.product, automata) if automata else None,
        )

    def described(self) -> dict[str, Any]:
        """Settings that differ from the usual ones, for JSON."""
        usual = Decoding()
        return {name: value for name, value in vars(self).items() if value != getattr(usual, name)}

    def _pattern(self, alphabet: Alphabet) -> Automaton:
        return compile_pattern(NAMED.get(self.pattern, self.pattern), alphabet)

    def _allow(self, alphabet: Alphabet) -> Automaton:
        tokens = dict.fromkeys(alphabet.split(self.allow))
        if unknown := [token for token in tokens if token not in alphabet.tokens]:
            raise ValueError(f"--allow holds {', '.join(map(repr, unknown))}, which the alphabet lacks: leave them out")
        return allow(alphabet.encode(alphabet.separator.join(tokens)).tolist(), alphabet.classes)


def define_flags() -> None:
    """Defines the flags of decoders."""
    usual = Decoding()
    flags.DEFINE_enum("decoder", usual.decoder, ["best_path", "beam"], "Decoder of a reader.")
    flags.DEFINE_integer("beam_width", usual.beam_width, "Hypotheses that a beam search keeps.", lower_bound=1)
    flags.DEFINE_float("token_min_logp", usual.token_min_logp, "Log probability that a new token needs in its frame.")
    flags.DEFINE_float("beam_prune_logp", usual.beam_prune_logp, "Log probability relative to the best hypothesis.")
    flags.DEFINE_string("pattern", "", f"Regular expression that readings must match, or one of {', '.join(NAMED)}.")
    flags.DEFINE_string("allow", "", "Characters that readings may consist of.")


def from_flags() -> Decoding:
    """Settings from the flags of `define_flags`."""
    return Decoding(**{field.name: getattr(flags.FLAGS, field.name) for field in dataclasses.fields(Decoding)})


def decoded_by(task: Task, decoding: Decoding) -> Task:
    """A task whose predictions are decoded as configured.

    Raises:
      ValueError: the task does not read a text, or the settings do not fit it.
    """
    decoder = decoding.make(task.codec)
    if decoder is None:
        return task
    if not isinstance(task, ReadingTask | BranchTask):
        raise ValueError(f"--decoder={decoding.decoder} decodes texts, which this model does not read")
    return dataclasses.replace(task, decoder=decoder)


def artifact_decoded_by(artifact: Artifact, decoding: Decoding) -> Artifact:
    """An artifact whose predictions are decoded as configured, by the exported decoder if it has these settings.

    Raises:
      ValueError: the artifact needs to be exported with this decoder, or the settings do not fit.
    """
    if artifact.card.decoder == decoding.described():
        return artifact
    return artifact.decoded_by(decoding.make(artifact.codec))
