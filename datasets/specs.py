"""Parser of the texts by which flags and configurations name data sources."""

import dataclasses
import os
import re
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from datasets.boxes_source import Boxes
from datasets.class_source import ClassPictures
from datasets.coco_source import Coco
from datasets.crops_source import Crops
from datasets.csv_source import Columns, CsvFile
from datasets.holdout import split_fold, split_holdout
from datasets.mixture import Mixture
from datasets.name_source import NamedPictures
from datasets.pictures_source import Pictures
from datasets.replated import Replated
from datasets.sources import Folder, Keyed, Source
from datasets.synthetic.arithmetic import Arithmetic, ArithmeticConfig
from datasets.synthetic.lines import Lines, LinesConfig
from datasets.synthetic.music import Music, MusicConfig
from datasets.synthetic.plates import Plates, PlatesConfig
from datasets.synthetic.prices import Prices, PricesConfig
from datasets.synthetic.receipts import Receipts, ReceiptsConfig
from datasets.synthetic.scenes import Scenes, ScenesConfig
from datasets.synthetic.stream import StreamConfig
from datasets.synthetic.words import Words, WordsConfig
from datasets.yolo_source import Yolo

FORMS = (
    "folder:PATH, csv:FILE, names:FOLDER, pictures:FOLDER, classes:FOLDER, lmdb:PATH, tfds:PATH:SPLIT, boxes:FOLDER, "
    "yolo:FOLDER:SPLIT, coco:FILE, replated:boxes:FOLDER, crops:boxes:FOLDER, "
    "kept:0.5:folder:PATH, held:0.5:folder:PATH, held:0/5:folder:PATH, arithmetic:count=1000,seed=7, "
    "plates:count=1000,seed=7, prices:count=1000,seed=7, receipts:count=1000,seed=7, lines:count=1000,seed=7, "
    "words:count=1000,seed=7, "
    "music:count=1000,seed=7, scenes:count=1000,seed=7, "
    "or some of them mixed by weight: 0.7*plates:seed=1 + 0.3*folder:PATH"
)
KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a path"}
"""Types of renderer settings that a text can set, and their names in messages."""

_PLUS = re.compile(r"\s+\+\s+(?=[^\s*:]+\s*\*|[a-z]+:)")
_WEIGHTED = re.compile(r"([^\s*:]*)\s*\*\s*(.*)", re.DOTALL)

Settings = TypeVar("Settings", bound=StreamConfig)


def open_source(spec: str) -> Source:
    """Opens one source, or several mixed by weight.

    - ``folder:PATH``, a folder with ``labels.tsv``, or a label file: ``folder:PATH/rec_gt_train.txt``
    - ``csv:FILE``, a CSV file with the columns ``image_path`` and ``plate_text``, or with others:
      ``csv:FILE:path=filename,text=words``
    - ``names:FOLDER``, pictures whose file names are their labels
    - ``pictures:FOLDER``, all pictures below a folder, without labels, for ``data.unlabelled`` and ``launch.adapt``
    - ``classes:FOLDER``, pictures in a folder for each class, or with its name before a number: ``cat.0.jpg``
      (`datasets.class_source`)
    - ``lmdb:PATH``, a database in the format of deep-text-recognition-benchmark
    - ``tfds:PATH:SPLIT``, a set written by ``launch.prepare``: ``tfds:prepared/svt:train``
    - ``boxes:FOLDER``, pictures with boxes listed in ``boxes.tsv``, or in another file of this form, ``boxes:FILE.tsv``
      (`datasets.boxes_source`)
    - ``yolo:FOLDER``, pictures with boxes in the layout of Ultralytics, or one split, ``yolo:FOLDER:train``
    - ``coco:FILE.json``, pictures with boxes in COCO's form; ``coco:FILE.json:FOLDER`` names the pictures' folder
    - ``replated:boxes:FOLDER``, or another source of photographs with boxes: variants of them with rendered plates in
      place of their own, for detectors (`datasets.replated`)
    - ``crops:boxes:FOLDER``, or another source of pictures with boxes: their objects with texts, upright, for readers
    - ``held:0.2:folder:PATH``, or another source with keys: a fixed fifth of its samples, and ``kept:0.2:folder:PATH``
      the others (`datasets.holdout.split_holdout`), to hold samples out of one part of a mixture
    - ``held:2/5:folder:PATH``, the samples of fold 2 of the folds 0 to 4, as ``data.folds=5`` holds them out, and
      ``kept:2/5:folder:PATH`` the others (`datasets.holdout.split_fold`)
    - a renderer and its settings, ``plates:count=1000,seed=7``
    - ``0.7*plates:seed=1 + 0.3*folder:PATH``, a mixture; each part needs a weight, each plus spaces around it

    Environment variables and ``~`` in paths are expanded. Paths may contain spaces, commas and plus signs, but not
    `` + `` followed by ``name:`` or ``number*``, which would begin another part of a mixture.

    Raises:
      ValueError: the text does not name a data source, a setting is unknown or its value has the wrong type, an
        environment variable is not set, a part of a mixture has no weight, or the content of a file is malformed.
      FileNotFoundError: a file or folder does not exist or lacks required files.
    """
    parts = _PLUS.split(spec)
    if len(parts) == 1 and not _WEIGHTED.fullmatch(spec.strip()):
        return _open_one(spec)
    opened = [_open_weighted(part.strip()) for part in parts]
    return Mixture([source for _, source in opened], [weight for weight, _ in opened])


def _open_weighted(part: str) -> tuple[Fraction, Source]:
    """Opens one part of a mixture; returns its weight and its source."""
    found = _WEIGHTED.fullmatch(part)
    if not found:
        raise ValueError(f"part {part!r} of the mixture has no weight: write 0.5*{part}")
    try:
        weight = Fraction(found[1])
    except (ValueError, ZeroDivisionError):
        weight = Fraction(0)
    if weight <= 0:
        raise ValueError(
            f"part {part!r} of the mixture has the weight {found[1]!r}: put a positive number before the *"
        )
    try:
        return weight, _open_one(found[2])
    except ValueError as error:
        raise ValueError(f"part {part!r} of the mixture: {error}") from error


def _open_one(spec: str) -> Source:
    match spec.partition(":")[0]:
        case "folder":
            return Folder(_expand(spec))
        case "csv":
            return _open_csv(spec)
        case "names":
            return NamedPictures(_expand(spec))
        case "pictures":
            return Pictures(_expand(spec))
        case "classes":
            return ClassPictures(_expand(spec))
        case "lmdb":
            return _open_lmdb(_expand(spec))
        case "tfds":
            return _open_tfds(spec)
        case "boxes":
            return Boxes(_expand(spec))
        case "crops":
            return Crops(_open_inner(spec))
        case "replated":
            return Replated(_open_inner(spec))
        case "kept" | "held":
            return _open_part(spec)
        case "yolo":
            return _open_yolo(spec)
        case "coco":
            return _open_coco(spec)
        case "arithmetic":
            return Arithmetic(parse_settings(ArithmeticConfig(), spec))
        case "lines":
            return Lines(parse_settings(LinesConfig(), spec))
        case "music":
            return Music(parse_settings(MusicConfig(), spec))
        case "plates":
            return Plates(parse_settings(PlatesConfig(), spec))
        case "prices":
            return Prices(parse_settings(PricesConfig(), spec))
        case "receipts":
            return Receipts(parse_settings(ReceiptsConfig(), spec))
        case "scenes":
            return Scenes(parse_settings(ScenesConfig(), spec))
        case "words":
            return Words(parse_settings(WordsConfig(), spec))
        case _:
            raise ValueError(f"unknown data source {spec!r}; expected one of {FORMS}")


def _open_inner(spec: str) -> Keyed:
    """Opens the source after the first colon, whose samples must be stored, not rendered."""
    kind, _, inner = spec.partition(":")
    source = _open_one(inner)
    if not isinstance(source, Keyed):
        raise ValueError(f"{spec}: {kind} needs stored pictures, such as {kind}:boxes:FOLDER")
    return source


def _open_part(spec: str) -> Source:
    """Opens ``kept:SHARE:SOURCE``, ``held:SHARE:SOURCE``, or the same with ``FOLD/FOLDS`` for the share."""
    kind, share, inner = (*spec.split(":", 2), "", "")[:3]
    fold, slash, folds = share.partition("/")
    try:
        held = (int(fold), int(folds)) if slash else float(share)
    except ValueError:
        raise ValueError(
            f"{spec}: write the share that is held out after the colon, {kind}:0.5:folder:PATH, or the fold, "
            f"{kind}:0/5:folder:PATH"
        ) from None
    if isinstance(held, float) and not 0 < held < 1:
        raise ValueError(f"{spec}: the share that is held out must be above 0 and below 1")
    source = _open_inner(f"{kind}:{inner}")
    try:
        kept, rest = split_fold(source, held[1], held[0]) if isinstance(held, tuple) else split_holdout(source, held)
    except ValueError as error:
        raise ValueError(f"{spec}: {error}") from error
    return kept if kind == "kept" else rest


def _open_csv(spec: str) -> CsvFile:
    """Opens ``csv:FILE``, or ``csv:FILE:path=COLUMN,text=COLUMN``."""
    file, _, named = spec.rpartition(":")
    if "=" not in named or ":" not in file or Path(_expand(spec)).exists():
        return CsvFile(_expand(spec))
    columns = Columns()
    for item in named.split(","):
        name, _, column = (part.strip() for part in item.partition("="))
        if name not in Columns._fields or not column:
            raise ValueError(f"{spec}: {item!r} names no column: write {file}:path=COLUMN,text=COLUMN")
        columns = columns._replace(**{name: column})
    return CsvFile(_expand(file), columns)


def _open_lmdb(path: str) -> Source:
    try:
        from datasets.lmdb_source import Lmdb
    except ModuleNotFoundError as error:
        raise ValueError(f"lmdb:{path} needs the package lmdb: pip install lmdb") from error
    return Lmdb(path)


def _open_tfds(spec: str) -> Source:
    from datasets.tfds_source import Tfds  # takes a second to import

    path, _, split = _expand(spec).partition(":")  # a split may hold colons: train[:90%]
    if not split:
        raise ValueError(f"data source {spec!r} lacks a split: write tfds:PATH:SPLIT, such as tfds:prepared/svt:test")
    return Tfds(path, split)


def _open_yolo(spec: str) -> Yolo:
    """Opens ``yolo:FOLDER``, or ``yolo:FOLDER:SPLIT``."""
    path = _expand(spec)
    folder, _, split = path.rpartition(":")
    return Yolo(folder, split) if folder and not Path(path).exists() else Yolo(path)


def _open_coco(spec: str) -> Coco:
    """Opens ``coco:FILE.json``, or ``coco:FILE.json:FOLDER``; prints a note on crowds."""
    path = _expand(spec)
    file, separator, folder = path.rpartition(":")
    named = bool(separator) and not Path(path).exists()
    source = Coco(file, Path(folder).expanduser()) if named else Coco(path)
    if source.crowds:
        print(f"note: {source.file}: {source.crowds:,} annotations of crowds are left out", flush=True)
    return source


def _expand(spec: str) -> str:
    """Path after the colon, with the home folder and environment variables expanded."""
    path = spec.partition(":")[2]
    if not path.strip():
        raise ValueError(f"data source {spec!r} lacks a path: write it after the colon")
    return _expand_path(path, spec)


def _expand_path(path: str, spec: str) -> str:
    expanded = str(Path(os.path.expandvars(path)).expanduser())
    if unset := re.search(r"\$\{?(\w+)", expanded):
        raise ValueError(f"{spec}: set the environment variable {unset[1]} or write the path in full")
    return expanded


def parse_settings(config: Settings, spec: str) -> Settings:
    """Parses the settings after the colon, ``name=value`` separated by commas, into ``config``.

    Raises:
      ValueError: a setting is unknown, its value has the wrong type, or an environment variable is not set.
    """
    kind, _, text = spec.partition(":")
    known = {field.name: type(getattr(config, field.name)) for field in dataclasses.fields(config)}
    known = {name: type_ for name, type_ in known.items() if type_ in KINDS}
    for item in filter(None, map(str.strip, text.split(","))):
        name, _, value = (part.strip() for part in item.partition("="))
        if name not in known:
            raise ValueError(f"unknown setting {name!r} of rendered {kind}; expected one of {', '.join(known)}")
        try:
            setattr(config, name, _parse_value(known[name], value))
        except (ValueError, KeyError):
            raise ValueError(f"{spec}: {name}={value!r} is not {KINDS[known[name]]}") from None
        if known[name] is str and value:
            setattr(config, name, _expand_path(value, spec))
    return config


def _parse_value(kind: type, value: str) -> int | float | bool | str:
    return {"true": True, "false": False}[value.lower()] if kind is bool else kind(value)
