"""Decoders of readers that requests choose."""

from collections import OrderedDict
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from recog.codecs import ClassCodec, TextCodec
from recog.ctc.lexicon import Lexicon
from recog.ctc.named_patterns import NAMED
from recog.ctc.pattern import compile_pattern
from recog.export.artifact import Artifact
from recog.serving.refusals import BadOptionError

NBEST = 10
"""Maximum number of readings of a picture, and hypotheses that a beam search keeps."""
LONGEST_PATTERN = 200
"""Maximum number of characters of a pattern."""
KEPT = 4
"""Maximum number of decoders that are kept compiled beside a model's own."""


class Options(NamedTuple):
    """Decoder that a request asks for; empty fields take the usual one."""

    decoder: str = ""
    """``best_path``, ``beam`` or ``lexicon``; empty takes the one that the other options need, or the model's own."""
    pattern: str = ""
    """Regular expression that readings must match, or the name of one (`recog.ctc.named_patterns`)."""
    lexicon: str = ""
    """Name of one of the server's lexicons."""
    listed: bool = False
    """Whether several readings are wanted."""


class Decoders:
    """Forms of a model by the decoders that requests ask for; a few of them are kept.

    Args:
      artifact: the model.
      lexicons: files of words, by name; those without a word over the alphabet of the model are left out.

    Raises:
      OSError: a lexicon cannot be read.
    """

    def __init__(self, artifact: Artifact, lexicons: Mapping[str, Path]):
        self._artifact = artifact
        self._kept: OrderedDict[Options, Artifact] = OrderedDict()
        self._lock = Lock()
        self._lexicons: dict[str, Lexicon] = {}
        self.left_out: dict[str, str] = {}
        """Lexicons that do not suit the model, with the reason."""
        for name, path in lexicons.items():
            try:
                self._lexicons[name] = self._load(path)
            except (ValueError, BadOptionError) as error:
                self.left_out[name] = str(error)

    @property
    def names(self) -> list[str]:
        """Decoders that the model can have beside its own."""
        if not self._searches:
            return []
        return ["best_path", "beam", "lexicon"] if self._lexicons else ["best_path", "beam"]

    @property
    def lexicons(self) -> list[str]:
        """Names of the lexicons."""
        return list(self._lexicons)

    @property
    def lists(self) -> bool:
        """Whether the model can list several readings."""
        return self._searches or isinstance(self._artifact.codec, ClassCodec)

    def decoded_by(self, options: Options) -> Artifact:
        """The model with the decoder that the options ask for.

        Raises:
          BadOptionError: an option is unknown, or does not suit the model or another option.
        """
        options = self._completed(options)
        if not options.decoder:
            return self._artifact
        with self._lock:
            if options not in self._kept:
                self._kept[options] = self._build(options)
            self._kept.move_to_end(options)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[options]

    @property
    def _searches(self) -> bool:
        has_logits = isinstance(self._artifact.codec, TextCodec) and self._artifact.reads_whole_texts
        return has_logits and find_spec("jax") is not None

    def _completed(self, options: Options) -> Options:
        """The options with their decoder, checked against each other."""
        decoder, pattern, lexicon, listed = options
        if listed and isinstance(self._artifact.codec, ClassCodec) and not (decoder or pattern or lexicon):
            return Options()
        needed = "lexicon" if lexicon else "beam" if pattern or listed else ""
        decoder = decoder or needed
        if decoder and not self._searches:
            name = "decoder" if options.decoder else "lexicon" if lexicon else "pattern" if pattern else "nbest"
            raise BadOptionError(
                f"{name} needs JAX and CTC logits of a whole text, not both of which are here: leave it out"
            )
        if lexicon and lexicon not in self._lexicons:
            known = ", ".join(self._lexicons) or "none"
            raise BadOptionError(f"lexicon={lexicon!r:.50} is unknown; this server has {known}")
        if decoder not in ("", *self.names):
            raise BadOptionError(f"decoder={decoder!r:.50} is unknown; expected {' or '.join(self.names)}")
        if decoder == "lexicon" and not lexicon:
            raise BadOptionError(f"decoder=lexicon needs lexicon=NAME, one of {', '.join(self._lexicons)}")
        given = [name for name, value in (("lexicon", lexicon), ("pattern", pattern), ("nbest", listed)) if value]
        uses = {"lexicon": {"lexicon", "nbest"}, "beam": {"pattern", "nbest"}}.get(decoder, set())
        if ignored := [name for name in given if name not in uses]:
            raise BadOptionError(f"decoder={decoder} ignores {' and '.join(ignored)}: leave one of them out")
        return Options(decoder, pattern, lexicon)

    def _build(self, options: Options) -> Artifact:
        from recog.ctc import BeamSearch, BestPath, LexiconSearch  # they import JAX
        from recog.ctc.guide import require_room

        codec = self._artifact.codec
        assert isinstance(codec, TextCodec)
        blank_id = codec.alphabet.blank_id
        if options.decoder == "best_path":
            return self._artifact.decoded_by(BestPath(blank_id))
        if options.decoder == "lexicon":
            return self._artifact.decoded_by(LexiconSearch(self._lexicons[options.lexicon]))
        if not options.pattern:
            return self._artifact.decoded_by(BeamSearch(blank_id, NBEST))
        if len(options.pattern) > LONGEST_PATTERN:
            raise BadOptionError(f"pattern of {len(options.pattern)} characters: use {LONGEST_PATTERN} at most")
        if codec.reading_order == "visual":
            raise BadOptionError("pattern goes from left to right, but this model's texts are right-to-left")
        pattern = NAMED.get(options.pattern, options.pattern)
        try:
            automaton = compile_pattern(pattern.lower() if codec.lower_case else pattern, codec.alphabet)
            if self._artifact.frames is not None:
                require_room(int(automaton.frames_needed()[0, blank_id]), self._artifact.frames)
        except ValueError as error:
            raise BadOptionError(f"pattern: {error}") from error
        return self._artifact.decoded_by(BeamSearch(blank_id, NBEST, automaton=automaton))

    def _load(self, path: Path) -> Lexicon:
        codec = self._artifact.codec
        if not (self._searches and isinstance(codec, TextCodec)):
            raise BadOptionError("lexicons need JAX and CTC logits of a whole text")
        return Lexicon.from_file(path, codec.alphabet, codec.learnt)
