"""Temperatures of a report: fitted to samples of validation, and stored in an artifact."""

import dataclasses
from pathlib import Path

import numpy as np

from launch.runs.exporting import export
from launch.runs.reporting.classes import classes_of
from launch.runs.reporting.collecting import Collected, Split, collect
from launch.runs.reporting.confidence import Calibration
from launch.runs.reporting.subjects import ArtifactSubject, Subject
from recog.codecs import BoxCodec, TextCodec
from recog.evaluation.calibration import Temperature, fit_temperature, log_probabilities
from recog.evaluation.reliability import fit_confidence_temperature, tempered
from recog.export.temperature import store_temperature
from recog.export.write import check_free


@dataclasses.dataclass(frozen=True)
class Fitting:
    """Samples to fit a temperature to."""

    data: str = ""
    """Source of the samples; empty for the validation samples of the run."""
    out: str = ""
    """Folder for an artifact with the temperature; empty writes none."""

    def check(self, subject: Subject) -> None:
        """Raises ``ValueError`` if the temperature cannot be stored as asked for."""
        if self.out and not isinstance(subject.codec, TextCodec):
            raise ValueError(
                "--calibrated stores the temperature of a reader's confidences; fit that of a classifier by "
                "launch.evaluate --calibrate, and give it to launch.export"
            )
        if self.data and isinstance(subject.codec, BoxCodec):
            raise ValueError(f"--calibrate_on={self.data}: reports of detectors fit no temperature: leave it out")
        if self.out:
            check_free(Path(self.out))

    def fit(self, collected: Collected, on_bad_sample: str) -> Calibration:
        """Fits the temperature; to the report's own samples if there are no others."""
        subject = collected.subject
        split = Split(self.data, subject.open(self.data, on_bad_sample)) if self.data else self._own(collected)
        same = split is None
        fitted_to = collected if split is None else collect(subject, [split], "read samples to calibrate")
        name = "the report's samples" if split is None else split.name
        temperature = _fit(fitted_to)
        return Calibration(temperature, _confidences(collected, temperature.value), name, len(fitted_to.items), same)

    def _own(self, collected: Collected) -> Split | None:
        """Validation samples of the run, unless they are the report's or are not there any more."""
        try:
            own = collected.subject.own
        except (ValueError, OSError) as error:
            print(f"note: the temperature is fitted to the report's own samples: {error}", flush=True)
            return None
        if own is None or own[1].identity() in [split.samples.identity() for split in collected.splits]:
            return None
        return Split(*own)

    def store(self, subject: Subject, temperature: float) -> None:
        """Writes the artifact with the temperature, if one is asked for."""
        if not self.out:
            return
        if isinstance(subject, ArtifactSubject):
            store_temperature(subject.folder, self.out, temperature)
        else:
            export(subject.given, self.out)
            store_temperature(self.out, self.out, temperature)
        print(f"temperature {temperature:.4g} stored in {Path(self.out)}", flush=True)


def _fit(collected: Collected) -> Temperature:
    if isinstance(collected.subject.codec, TextCodec):
        return fit_confidence_temperature(collected.confidences, collected.right)
    logits = collected.kept("logits")
    return fit_temperature(logits, classes_of(collected), sigmoid=collected.subject.sigmoid)


def _confidences(collected: Collected, temperature: float) -> np.ndarray:
    """Confidences of all samples at a temperature."""
    if isinstance(collected.subject.codec, TextCodec):
        return tempered(collected.confidences, temperature)
    logits = np.asarray(collected.kept("logits"), np.float64) / temperature
    return np.exp(log_probabilities(logits, collected.subject.sigmoid)).max(axis=1)
