"""Views and temperature of a trained classifier's predictions, from flags."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from absl import flags

from launch.runs.folder import TrainedRun
from launch.runs.tasks import make_task
from recog.models.classifier import ClassifierConfig
from recog.tasks.views import NAMES

flags.disclaim_key_flags()  # --help lists them as those of the command

CALIBRATION = "calibration.json"
"""File with the fitted temperature that ``launch.evaluate --calibrate`` writes."""


@dataclasses.dataclass(frozen=True)
class ClassOptions:
    """Settings of a classifier's predictions that need no training."""

    views: tuple[str, ...] = ()
    """Views whose probabilities are averaged (`recog.tasks.views`); empty for those of the run."""
    temperature: str = ""
    """Divisor of the logits, or a file that ``launch.evaluate --calibrate`` wrote; empty for that of the run."""

    def applied(self, run: TrainedRun) -> TrainedRun:
        """The run with these settings, in its configuration as well.

        Raises:
          ValueError: the model is no classifier, a setting is invalid, or the temperature is that of another
            checkpoint or of other views.
          OSError: the file of the temperature cannot be read.
        """
        if self == ClassOptions():
            return run
        trained = run.config.model
        if not isinstance(trained, ClassifierConfig):
            raise ValueError("--views and --temperature are for classifiers: leave them out")
        model = dataclasses.replace(trained, views=self.views or tuple(trained.views))
        if self.temperature:
            model.temperature = _temperature(self.temperature, {"step": run.step, "views": list(model.views)})
        config = dataclasses.replace(run.config, model=model)
        metrics = _still_true(run.metrics, trained, model)
        return run._replace(config=config, task=make_task(config, run.task.codec), metrics=metrics)


def _temperature(given: str, wanted: dict[str, Any]) -> float:
    """A number, or that of a file, which must have been fitted to the same checkpoint and views."""
    try:
        return float(given)
    except ValueError:
        path = Path(given)
    if not path.is_file():
        raise ValueError(f"--temperature={given} is neither a number nor a file: name one that --calibrate wrote")
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        value, fitted = float(saved["temperature"]), {name: saved[name] for name in wanted}
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is not a file that launch.evaluate --calibrate wrote ({error!r})") from error
    if fitted != wanted:
        raise ValueError(f"the temperature of {path} was fitted with {fitted}, not {wanted}: calibrate again")
    return value


def _still_true(metrics: dict[str, float], trained: ClassifierConfig, model: ClassifierConfig) -> dict[str, float]:
    """Rates of a run that another temperature does not change; none if the views differ."""
    if model == trained:
        return metrics
    same = tuple(model.views) == tuple(trained.views)
    return {name: value for name, value in metrics.items() if same and name in ("count", "accuracy")}


def define_flags() -> None:
    """Defines the flags of classifiers."""
    flags.DEFINE_list("views", [], f"Views of a classifier's pictures, averaged: of {', '.join(NAMES)} (the run's).")
    flags.DEFINE_string("temperature", "", f"Divisor of a classifier's logits, or the {CALIBRATION} with it.")


def from_flags() -> ClassOptions:
    """Settings from the flags of `define_flags`."""
    return ClassOptions(tuple(flags.FLAGS.views), flags.FLAGS.temperature)
