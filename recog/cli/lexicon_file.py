"""Word lists named on the command line."""

from pathlib import Path

from recog.codecs import TextCodec
from recog.ctc.lexicon import Lexicon, LexiconError


def load_lexicon(path: str | Path, codec: TextCodec) -> Lexicon:
    """Loads a word list, whose words are folded as labels are, and prints a note on words that were left out.

    Raises:
      LexiconError: see `Lexicon.from_file`.
      FileNotFoundError: no such file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"--lexicon={path}: {'a folder' if Path(path).is_dir() else 'no such file'}")
    lexicon = Lexicon.from_file(path, codec.alphabet, codec.learnt)
    if codec.lower_case and (odd := next((word for word in lexicon.words if word != word.lower()), "")):  # saved so
        raise LexiconError(f"--lexicon={path}: {odd!r} is not in lower case, as this model's labels are: save it again")
    if remarks := lexicon.remarks():
        print(f"note: {path}: {remarks}", flush=True)
    return lexicon
