"""Construction of codecs from configurations."""

import typing

from launch.runs.config import AlphabetConfig, Config
from recog import alphabet as presets
from recog.alphabet import Alphabet, BlankPlace
from recog.codecs import BoxCodec, ClassCodec, Codec, TextCodec


def make_codec(config: Config) -> Codec:
    """Builds the codec for the labels of the configured model.

    Raises:
      ValueError: the alphabet or the classes are missing or invalid.
    """
    if config.model.labels in (ClassCodec, BoxCodec) and not config.classes:
        raise ValueError(
            "name the classes of the model: --config.classes=\"('cat','dog')\", or \"('plate',)\"; "
            "launch.prepare --report --data=... lists those of the samples"
        )
    if config.model.labels is ClassCodec:
        return ClassCodec(tuple(config.classes))
    if config.model.labels is BoxCodec:
        return BoxCodec(tuple(config.classes), config.data.max_boxes, config.data.max_label_length)
    return text_codec(config, make_alphabet(config.alphabet))


def text_codec(config: Config, alphabet: Alphabet) -> TextCodec:
    """Builds the codec of texts over an alphabet, as the labels are configured."""
    data = config.data
    return TextCodec(alphabet, data.max_label_length, data.lower_case, data.strip, data.reading_order)


def make_alphabet(config: AlphabetConfig) -> Alphabet:
    """Builds or loads the configured alphabet.

    Raises:
      ValueError: not exactly one of preset, file and tokens is given, or the preset is unknown.
    """
    given = [field for field in ("name", "file", "tokens") if getattr(config, field)]
    if len(given) != 1:
        clears = " ".join(f"--config.alphabet.{field}=" for field in given if field != "file")
        raise ValueError(
            "give exactly one of alphabet.name, alphabet.file and alphabet.tokens"
            + (f": {' and '.join(given)} are given; to clear: {clears}" if given else "")
        )
    blank = typing.cast(BlankPlace, config.blank)  # checked by the alphabet
    if config.file:
        return Alphabet.from_file(config.file, blank=blank, separator=config.separator)
    if config.tokens:
        return Alphabet(config.tokens, blank=blank, separator=config.separator)
    match config.name:
        case "digits":
            return presets.DIGITS
        case "price":
            return presets.PRICE
        case "arithmetic":
            return presets.ARITHMETIC
        case "latin_36":
            return presets.LATIN_36
        case "latin_62":
            return presets.LATIN_62
        case "latin_94":
            return presets.LATIN_94
        case "chinese_plates":
            return presets.CHINESE_PLATES
        case "chinese_plates_65":
            return presets.CHINESE_PLATES_65
        case "music_pitches":
            return presets.MUSIC_PITCHES
        case other:
            raise ValueError(
                f"alphabet.name={other!r}: choose digits, price, arithmetic, latin_36, latin_62, latin_94, "
                "chinese_plates, chinese_plates_65 or music_pitches, or give alphabet.tokens"
            )
