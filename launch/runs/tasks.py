"""From a configuration to the task: alphabet, model, and what the model is trained for."""

import typing

from datasets.mean_image import mean_image
from launch.runs.config import AlphabetConfig, Config
from launch.runs.data import Samples
from recog import alphabet as presets
from recog import structure as structures
from recog.alphabet import Alphabet, BlankPlace
from recog.drawing import Box, alignment_box
from recog.models.alexnet import AlexNet, AlexNetConfig
from recog.models.crnn import CRNN, CRNNConfig
from recog.models.crnn_plate import CRNNPlate, CRNNPlateConfig
from recog.models.lprnet import LPRNet, LPRNetConfig
from recog.models.multitask import MultiTaskConfig, MultiTaskReader
from recog.models.plate_reader import PlateReader, PlateReaderConfig
from recog.models.resnet import ResNet18, ResNet18Config
from recog.structure import Structure
from recog.tasks.branches import BranchTask
from recog.tasks.graphic import drawing_loss
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Task


def make_alphabet(config: AlphabetConfig) -> Alphabet:
    """The alphabet that a configuration names.

    Raises:
      ValueError: none or more than one of preset, file and tokens is given, or the preset is unknown.
    """
    if sum(map(bool, (config.name, config.file, config.tokens))) != 1:
        raise ValueError(
            "give exactly one of alphabet.name, alphabet.file and alphabet.tokens (--config.alphabet.name= clears one)"
        )
    blank = typing.cast(BlankPlace, config.blank)  # which the alphabet checks
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


def _check_settings(config: Config) -> None:
    model, data = config.model, config.data
    kind = type(model).__name__.removesuffix("Config")
    if not model.width > 0:
        raise ValueError(f"model.width={model.width} multiplies channel counts: choose more than 0")
    if not 0 <= model.dropout < 1:
        raise ValueError(f"model.dropout={model.dropout} is a share of features: choose 0 or more, below 1")
    if model.dtype not in ("float32", "bfloat16"):
        raise ValueError(f"model.dtype={model.dtype!r}: choose float32 or bfloat16")
    if not isinstance(model, CRNNConfig) and not data.width:
        raise ValueError(f"{kind} reads pictures of one width: set data.width, as its file in launch/configs does")
    if data.width and tuple(data.buckets) not in ((), (data.width,)):
        raise ValueError(f"data.buckets={data.buckets} pads to other widths than data.width={data.width}: leave it out")


def make_task(config: Config, alphabet: Alphabet | None = None, box: Box | None = None) -> Task:
    """The configured model as the task that it is trained for.

    Args:
      config: the run's.
      alphabet: instead of the configured one.
      box: where graphic supervision draws the label (see `drawing_box`); None draws over the whole picture.

    Raises:
      ValueError: names the setting that cannot be.
    """
    _check_settings(config)
    return build_task(config, alphabet or make_alphabet(config.alphabet), box)


def build_task(config: Config, alphabet: Alphabet, box: Box | None = None) -> Task:
    """The same of a configuration that is known to be one of a run: rates may be traced arrays."""
    match config.model:
        case CRNNConfig() as model:
            return ReadingTask(CRNN(model, alphabet.classes), alphabet)
        case CRNNPlateConfig() as model:
            return ReadingTask(CRNNPlate(model, alphabet.classes), alphabet)
        case PlateReaderConfig() as model:
            return ReadingTask(PlateReader(model, alphabet.classes), alphabet)
        case AlexNetConfig() as model:
            return ReadingTask(AlexNet(model, alphabet.classes), alphabet)
        case ResNet18Config() as model:
            return ReadingTask(ResNet18(model, alphabet.classes), alphabet)
        case LPRNetConfig() as model:
            reader = LPRNet(model, alphabet.classes)
            return ReadingTask(
                reader,
                alphabet,
                (drawing_loss(reader, alphabet, box or Box(0, 0, config.data.height, config.data.width)),)
                if model.graphic
                else (),
            )
        case MultiTaskConfig() as model:
            structure = choose_structure(model.structure, model.branches)
            branches = tuple(branch.name for branch in structure.branches)
            steps = config.data.max_label_length
            reader = MultiTaskReader(model, branches, alphabet.classes, alphabet.blank_id, steps)
            return BranchTask(reader, alphabet, structure)


def note_missing_parts(task: Task) -> None:
    """Says so where accuracy is not that of whole texts."""
    if isinstance(task, BranchTask) and not task.structure.complete:
        names = ", ".join(branch.name for branch in task.structure.branches)
        print(f"note: {names} alone do not tell a whole text; accuracy is that of the parts they read", flush=True)


def choose_structure(name: str, branches: tuple[str, ...]) -> Structure:
    """The structure that a configuration names, with those of its branches that it names (all, where it names none).

    Raises:
      ValueError: there is no such structure or branch.
    """
    match name:
        case "whole":
            structure = structures.WHOLE
        case "price":
            structure = structures.PRICE
        case "plate_parts":
            structure = structures.PLATE_PARTS
        case "plate_full":
            structure = structures.PLATE_FULL
        case other:
            raise ValueError(f"model.structure={other!r}: choose price, plate_parts, plate_full or whole")
    return structure.choose(branches) if branches else structure


def drawing_box(config: Config, training: Samples) -> Box | None:
    """Where the characters of the training samples stand, for graphic supervision; None where there is none."""
    if not (isinstance(config.model, LPRNetConfig) and config.model.graphic):
        return None
    box = alignment_box(mean_image(training.source, training.checked.indices, config.data))
    print(f"labels are drawn into rows {box.top} to {box.bottom}, columns {box.left} to {box.right}", flush=True)
    return box
