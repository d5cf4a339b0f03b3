"""Command line of `launch.ablate`: its flags, the settings of a study, the grid that they ask for."""

import importlib
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from datasets.holdout import check_fold
from launch.ablation.grid import Axis, Grid, Level, check_axes, make_cells, named_briefly, parse_sweep
from launch.ablation.study import load_study, study_names
from launch.runs.config import Config
from launch.runs.config_file import define_config_flag

flags.disclaim_key_flags()  # --help lists them as those of the command


def define_flags() -> None:
    """Defines the flags of `launch.ablate`."""
    define_config_flag("A file under launch/configs/, or your own like it.")
    flags.DEFINE_string("workdir", None, "Folder of the grid; finished cells in it are not trained again.")
    flags.DEFINE_multi_string("sweep", [], "FIELD=VALUE,VALUE: an axis; give it again for another.")
    flags.DEFINE_string("study", "", "Name of a file under launch/studies; it brings configuration and axes.")
    flags.DEFINE_integer(
        "seeds", None, "Runs of each combination, with seeds counted up from config.seed (3; with --folds 1).", 1
    )
    flags.DEFINE_integer(
        "folds", 0, "Cross-validation: a run for each fold of the training samples (config.data.folds)."
    )
    flags.DEFINE_integer("jobs", 1, "Processes on this machine; each has a share of its GPUs.", lower_bound=1)
    flags.DEFINE_integer("together", 8, "Most cells of the same shapes that train in one program.", lower_bound=1)
    flags.DEFINE_string("shard", "1/1", "WHICH/OF: this machine's share of the cells, of several on one folder.")
    flags.DEFINE_enum("layout", "long", ["long", "acc/loss"], "acc/loss: the first axis down, the others across.")
    flags.DEFINE_bool("dry_run", False, "Show the cells and how long they will take; train nothing.")
    flags.DEFINE_integer("worker", -1, "Number of this worker process; set by the command that starts it.")
    flags.mark_flags_as_required(["config", "workdir"])


def make_grid(values: flags.FlagValues) -> Grid:
    """Returns the grid that the flags ask for.

    Raises:
      ValueError: a flag has a value that cannot be; the message names it.
    """
    config = values.config
    swept = tuple(parse_sweep(text, config) for text in values.sweep)
    axes = named_briefly((*(load_study(values.study).axes if values.study else ()), *swept))
    if not (axes or values.folds):
        raise ValueError(
            f"nothing to vary: name a --sweep=FIELD=VALUE,VALUE, a --study ({', '.join(study_names())}), or --folds=5"
        )
    check_axes(config, axes)
    _check_folds(config, values.folds)
    seeds = values.seeds or (1 if values.folds else 3)
    axes = axes or (Axis("model", (Level(type(config.model).__name__.removesuffix("Config"), {}),)),)
    return Grid(axes, make_cells(config, axes, seeds, values.folds), Path(values.workdir))


def _check_folds(config: Config, folds: int) -> None:
    """Raises ``ValueError`` for a number of folds that cannot be, or a configuration that has its own."""
    if config.data.folds or config.data.fold:
        raise ValueError("data.folds and data.fold are for single runs: set the number of folds with --folds")
    if folds:
        check_fold(folds, 0)


def with_study(arguments: Sequence[str]) -> list[str]:
    """Adds a study's configuration, unless the command line names one, and its settings, which other flags override."""
    names, others = _take_flag("study", arguments)
    if not names:
        return list(arguments)
    study = load_study(names[-1])
    own, others = _take_flag("config", others)
    config = own[-1] if own else importlib.import_module(f"launch.configs.{study.config}").__file__
    settings = [f"--config.{path}={value}" for path, value in study.settings.items()]
    return [f"--config={config}", *settings, f"--study={names[-1]}", *others]


def _take_flag(name: str, arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Splits off the values of a flag, written ``--name=value`` or ``--name value``, from the other arguments."""
    values, others, rest = [], [], iter(arguments)
    for text in rest:
        flag, equals, value = text.partition("=")
        if flag in (f"--{name}", f"-{name}"):
            values.append(value if equals else next(rest, ""))
        else:
            others.append(text)
    return values, others
