"""Exports a trained reader: ``python -m launch.export --workdir=DIR --out=ARTIFACT``.

The artifact is a folder that reads pictures without the code that trained it (see `launch.predict`). It is compared
with the live model before it is put in place.
"""

from pathlib import Path

from absl import flags

from launch.runs import entry
from launch.runs.config import to_json
from launch.runs.folder import load_run
from recog.export.artifact import FILES
from recog.export.check import Agreement
from recog.export.write import Provenance, check_free, write_artifact


def export(workdir: str | Path, out: str | Path) -> Agreement:
    """Exports the best checkpoint of a run, and says what was written."""
    out = Path(out)
    check_free(out)
    run = load_run(workdir)
    data = run.config.data
    training_data, validation_data = data.train, data.validation or f"{data.holdout:.0%} of the training data, held out"
    if run.imported:
        training_data, validation_data = "{source}, {weights} (sha256 {sha256})".format(**run.imported), "none"
    provenance = Provenance(
        config=to_json(run.config),
        settings=to_json(run.config.model),
        height=data.height,
        width=data.width,
        channels=data.channels,
        training_data=training_data,
        validation_data=validation_data,
        step=run.step,
        metrics=run.metrics,
        filters=tuple(data.filters),
    )
    agreement = write_artifact(out, run.task, run.variables, provenance)
    for name in FILES:
        print(f"{(out / name).stat().st_size:>12,}  {out / name}")
    print(
        f"step {run.step:,}; agrees with the live model on {agreement.pictures} random pictures "
        f"({agreement.tokens} tokens, confidences within {agreement.difference:.1e})"
    )
    return agreement


def define_flags() -> None:
    """The flags of this entry point; defined when it runs, so that others can import its functions."""
    flags.DEFINE_string("workdir", None, "Folder that launch.train wrote; its best checkpoint is exported.")
    flags.DEFINE_string("out", None, "New folder for the artifact; an artifact that is there is replaced.")
    flags.mark_flags_as_required(["workdir", "out"])


def main(argv: list[str]) -> None:
    """Reads the flags and exports."""
    del argv
    export(flags.FLAGS.workdir, flags.FLAGS.out)


if __name__ == "__main__":
    define_flags()
    entry.run(main)
