"""Adapts a trained model to pictures without labels: ``python -m launch.adapt --workdir=RUN --data=SPEC --out=DIR``.

Computes the means and variances of its batch normalisation anew over all pictures of ``--data`` (AdaBN: Li et al. 2016,
"Revisiting Batch Normalization For Practical Domain Adaptation"), and writes them with the run's parameters to a new
work folder, which evaluates, exports and starts further runs (``--config.init_from=DIR``) like a trained one.

    python -m launch.adapt --workdir=runs/plates_rendered --data=pictures:FOLDER --out=runs/plates_adapted
    python -m launch.evaluate --workdir=runs/plates_adapted --data=folder:LABELLED

Labels are not read. The pictures should show what the model will see, in its proportions. Measure the outcome on some
labelled pictures, because it does not always help: a reader of rendered plates read 68.8 % of 397 faded real plates
before and 73.0 % after, but 75.3 % of them as they are before and 73.6 % after (docs/few_labels.md).
"""

from absl import flags

from launch.runs import entry
from launch.runs.adapting import adapt


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("workdir", None, "Folder that launch.train wrote; its best checkpoint is adapted.")
    flags.DEFINE_string("data", None, "Pictures to adapt to, such as pictures:FOLDER; labels are not read.")
    flags.DEFINE_string("out", None, "New work folder for the adapted model.")
    flags.DEFINE_enum("on_bad_sample", "raise", ["raise", "skip"], "Pictures that cannot be decoded.")
    flags.mark_flags_as_required(["workdir", "data", "out"])


def main(argv: list[str]) -> None:
    """Adapts the model."""
    del argv
    values = flags.FLAGS
    adapt(values.workdir, values.data, values.out, values.on_bad_sample)


if __name__ == "__main__":
    define_flags()
    entry.run(main)
