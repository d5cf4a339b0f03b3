"""Decoders of readers, from flags."""

import dataclasses
import functools

from absl import flags

from launch.runs.data import Samples
from launch.runs.host_decoding import BestOfBeam, BestOfLexicons, HostDecoding
from launch.runs.lexicons import load_lexicon, open_lexicons
from recog.alphabet import Alphabet
from recog.codecs import Codec, TextCodec
from recog.ctc import BeamSearch, Decoder
from recog.ctc.automaton import Automaton, allow
from recog.ctc.lexicon_search import LexiconSearch
from recog.ctc.named_patterns import NAMED
from recog.ctc.pattern import compile_pattern
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class Decoding:
    """Settings of a decoder."""

    decoder: str = "best_path"
    """``best_path``, ``beam`` for a prefix beam search, or ``lexicon`` for the most probable word of a list."""
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
    lexicon: str = ""
    """Word list; see `launch.runs.lexicons.open_lexicons`."""
    nbest: int = 1
    """Texts to list for each picture, best first."""

    def make(self, codec: Codec) -> Decoder | None:
        """Builds the decoder; None for the best path, which needs none.

        Raises:
          ValueError: settings that do not fit each other or the alphabet.
        """
        self.check()
        builders = [build for given, build in ((self.pattern, self._pattern), (self.allow, self._allow)) if given]
        if self.decoder == "best_path":
            if builders:
                raise ValueError("--pattern and --allow need a search: set --decoder=beam")
            return None
        if not isinstance(codec, TextCodec):
            raise ValueError(f"--decoder={self.decoder} decodes texts, this model predicts {codec.kind}")
        if self.decoder == "lexicon":
            return LexiconSearch(load_lexicon(self.lexicon, codec))
        automata = [build(codec.alphabet) for build in builders]
        return BeamSearch(
            codec.alphabet.blank_id,
            self.beam_width,
            self.token_min_logp,
            self.beam_prune_logp,
            functools.reduce(Automaton.product, automata) if automata else None,
        )

    def on_host(self, task: Task, samples: Samples) -> HostDecoding | None:
        """Decoding of evaluation samples on the host; None if the device decodes them.

        Raises:
          ValueError: settings that do not fit each other, the task or the samples; see `open_lexicons`.
        """
        self.check()
        if self.decoder != "lexicon" and self.nbest == 1:
            return None
        if not isinstance(task, ReadingTask):
            raise ValueError(f"--decoder={self.decoder} --nbest={self.nbest} decodes CTC logits of a whole text")
        if self.decoder == "lexicon":
            lexicon_of = open_lexicons(self.lexicon, task.codec, samples)
            return HostDecoding(task.codec, BestOfLexicons(task.codec, lexicon_of, self.nbest))
        search = self.make(task.codec)
        assert isinstance(search, BeamSearch)
        return HostDecoding(task.codec, BestOfBeam(search, self.nbest))

    def check(self) -> None:
        """Raises ``ValueError`` for settings that have nothing to act on."""
        if (self.decoder == "lexicon") != bool(self.lexicon):
            raise ValueError("--decoder=lexicon and --lexicon=FILE need each other: set both, or neither")
        if self.decoder == "lexicon" and (self.pattern or self.allow):
            raise ValueError("--pattern and --allow do not act on a lexicon: leave its unwanted words out of the file")
        if self.nbest > 1 and self.decoder == "best_path":
            raise ValueError(f"--nbest={self.nbest} needs a search: set --decoder=beam or --decoder=lexicon")

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
    flags.DEFINE_enum("decoder", usual.decoder, ["best_path", "beam", "lexicon"], "Decoder of a reader's logits.")
    flags.DEFINE_integer("beam_width", usual.beam_width, "Hypotheses that a beam search keeps.", lower_bound=1)
    flags.DEFINE_float("token_min_logp", usual.token_min_logp, "Log probability that a new token needs in its frame.")
    flags.DEFINE_float("beam_prune_logp", usual.beam_prune_logp, "Log probability relative to the best hypothesis.")
    flags.DEFINE_string("pattern", "", f"Regular expression that readings must match, or one of {', '.join(NAMED)}.")
    flags.DEFINE_string("allow", "", "Characters that readings may consist of.")
    flags.DEFINE_string("lexicon", "", "File with one word a line; launch.evaluate: also full, FILE:50, or lexicon_50.")
    flags.DEFINE_integer("nbest", 1, "Texts to list for each picture, as JSON lines.", lower_bound=1)


def from_flags() -> Decoding:
    """Settings from the flags of `define_flags`."""
    return Decoding(**{field.name: getattr(flags.FLAGS, field.name) for field in dataclasses.fields(Decoding)})


def decoded_by(task: Task, decoding: Decoding) -> Task:
    """A task whose predictions are decoded as configured.

    Raises:
      ValueError: the task does not read a text by CTC, or the settings do not fit.
    """
    if decoding.decoder == "lexicon":  # on the host
        return task
    decoder = decoding.make(task.codec)
    if decoder is None:
        return task
    if not isinstance(task, ReadingTask):
        raise ValueError(f"--decoder={decoding.decoder} decodes logits of CTC; this model reads by parts or attention")
    return dataclasses.replace(task, decoder=decoder)
