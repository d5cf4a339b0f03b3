"""Weights of other projects as a work folder, written by `launch.import_weights`."""

from pathlib import Path
from typing import NamedTuple

import jax

from datasets.pipeline import DataConfig
from launch.runs.assembly import documents
from launch.runs.config import AlphabetConfig, Config
from launch.runs.folder import claim
from launch.runs.states import abstract_state, make_state
from launch.runs.tasks import make_task
from recog.evaluation.cost import count_parameters
from recog.export.artifact import sha256
from recog.importing import crnn_pytorch, lprnet_pytorch
from recog.importing.state_dict import StateDict, WeightsError
from recog.importing.torch_file import read_state_dict
from recog.models.lprnet import HEIGHT, WIDTH, LPRNetConfig
from recog.tasks.task import Task, Variables
from recog.training.checkpoints import Checkpoints
from recog.training.state import TrainState
from recog.training.transfer import named_arrays

SOURCES = ("lprnet_pytorch", "crnn_pytorch")
"""Projects whose weights can be imported: sirius-ai/LPRNet_Pytorch and meijieru/crnn.pytorch."""


class Imported(NamedTuple):
    """A model of another project."""

    variables: Variables
    config: Config


def convert(source: str, state_dict: StateDict, alphabet_file: str = "") -> Imported:
    """Converts weights to variables and the configuration that they fit.

    Args:
      source: one of `SOURCES`.
      state_dict: tensors by PyTorch's names.
      alphabet_file: the tokens, one a line; empty takes those of the source's public weights.

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
        case other:
            raise ValueError(f"--source={other!r}: choose {' or '.join(SOURCES)}")


def import_weights(source: str, weights: str | Path, workdir: str | Path, alphabet_file: str = "") -> Config:
    """Writes the work folder of a file of weights and prints a summary.

    Args:
      source: one of `SOURCES`.
      weights: the file, as ``torch.save`` wrote it.
      workdir: a new or empty folder, or one that holds these weights already.
      alphabet_file: as in `convert`.

    Raises:
      FileExistsError: the folder holds other files.
      OtherRunError: the folder holds other weights.
      WeightsError: the weights are not from that source, or fit another number of classes.
    """
    workdir = Path(workdir)
    if workdir.is_dir() and any(workdir.iterdir()) and not (workdir / "imported.json").exists():
        raise FileExistsError(f"{workdir} holds files: name a new or an empty folder with --workdir")
    variables, config = convert(source, read_state_dict(weights), alphabet_file)
    task = make_task(config)
    if (theirs := _shapes(variables)) != (ours := _shapes(abstract_state(config, task).variables)):
        raise WeightsError(
            f"{weights} does not fit {task.codec.classes} classes (the blank and {task.codec.alphabet!r}): it has "
            f"{sorted(theirs - ours)} instead of {sorted(ours - theirs)}. "
            "Give the tokens that it was trained with, one a line: --alphabet_file=FILE"
        )
    identity = {
        **documents(config, task),
        "imported": {"source": source, "weights": Path(weights).name, "sha256": sha256(Path(weights))},
    }
    claim(workdir, identity)
    with Checkpoints(workdir, identity) as checkpoints:
        checkpoints.save_if_best(_untrained(config, task, variables), 0, {}, "accuracy")
    parameters, classes = count_parameters(variables), task.codec.classes
    print(f"{workdir}: {type(task.model).__name__} of {parameters:,} parameters, {classes} classes")
    return config


def _untrained(config: Config, task: Task, variables: Variables) -> TrainState:
    """The state before the first step, with these variables."""
    # Without the random variables among its outputs the program is small: XLA leaves out how they are drawn.
    rest = jax.jit(lambda: make_state(config, task).replace(params={}, model_state={}))()
    return rest.replace(
        params=variables["params"], model_state={name: value for name, value in variables.items() if name != "params"}
    )


def _preset(name: str) -> AlphabetConfig:
    return AlphabetConfig(name=name)


def _shapes(variables: Variables) -> set[tuple[str, tuple[int, ...]]]:
    return {(path, array.shape) for path, array in named_arrays(variables).items()}
