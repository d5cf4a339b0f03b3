r"""Prepares public sets of samples, stores rendered ones, and shows what a source holds.

    python -m launch.prepare --dataset=NAME --source=DIR --data_dir=DIR [--on_bad_sample=skip]
    python -m launch.prepare --render=scenes:seed=1 --count=20000 --data_dir=DIR [--workers=8] [--jpeg_quality=90]
    python -m launch.prepare --preview=plates:seed=3 [--count=60] [--out=preview.png]
    python -m launch.prepare --report --data=folder:PATH [--config=launch/configs/NAME.py] [--out=report]
    python -m launch.prepare --priors --data=boxes:PATH (--config=launch/configs/NAME.py | --height=320 --width=320)
    python -m launch.prepare --outliers --data=folder:PATH --model=ARTIFACT --classes=FILE [--top=20] [--out=outliers]
    python -m launch.prepare --ngram=FILE.arpa --data=text:FILE [--order=5] [--config=launch/configs/NAME.py]

- A public set is written as TFDS does, without TensorFlow. The files are fetched by hand; for a folder without them the
  command lists which are needed. Some have configurations: ``ccpd/box``, ``ccpd/whole`` (with boxes, for detectors).
- Rendered samples are stored once and read many times: as PNG, or smaller with ``--jpeg_quality``, for scenes. The
  command goes on where it was stopped, without shards that were not complete (256 samples each, or a 500th of all).
- The contact sheet shows random samples with their labels, the same ones each time, and outlines of boxes.
- ``report.json`` and ``report.png`` tell of labels, characters that look alike, widths, the mean picture, duplicates
  and unusable samples; with a configuration also of samples that its alphabet and frames do not fit. The labels' tokens
  are written to ``alphabet.txt``, for ``--config.alphabet.file``. Of rendered sources, which are endless, the report
  looks at the first 2,000 samples, or at ``--count``. Of pictures with boxes it tells classes, numbers, sizes and tilt
  of the boxes instead, and boxes that repeat or leave their picture; of pictures with classes, the classes and sizes of
  the pictures. Without a configuration, labels that repeat often are classes.
- Priors of a detector are found by K-means with the distance 1 - IoU over letterboxed boxes, and printed as a flag.
- Outliers are pictures without a wanted class among the first 20 of a classifier of ImageNet, which is made by
  ``launch.import_weights --source=efficientnet_lite`` and ``launch.export``. ``--classes=cats_and_dogs`` wants all cats
  and dogs, ``cats_and_dogs_by_label`` cats for the label ``cat`` and dogs for ``dog``; a file names classes, or labels
  and classes with a tab between them, one per line. ``outliers.tsv`` is for ``--config.data.exclude``;
  ``duplicates.tsv`` lists pictures that look alike, those with different labels first.
- The n-gram model of labels, an ARPA file, is for beam search. ``text:`` names a file with one label per line; a
  configuration says how labels are split into tokens, otherwise characters.
"""

from absl import flags

from datasets.builders.prepare import prepare_set
from launch.runs import entry
from launch.runs.ngram import ORDER, train_ngram
from launch.runs.preparing import chosen_mode, define_flags
from launch.runs.preview import SHOWN, write_preview
from launch.runs.priors import COUNT, print_priors
from launch.runs.rendering import store_rendering


def main(argv: list[str]) -> None:
    """Prepares, renders, previews, reports, finds priors or outliers, or trains an n-gram model."""
    del argv
    values = flags.FLAGS
    match chosen_mode(values):
        case "dataset":
            prepare_set(values.dataset, values.source, values.data_dir, values.on_bad_sample)
        case "render":
            options = {name: getattr(values, name) for name in ("workers", "name", "jpeg_quality")}
            store_rendering(values.render, values.count, values.data_dir, **options)
        case "preview":
            write_preview(values.preview, values.out or "preview.png", values.count or SHOWN)
        case "priors":
            size, bad = (values.height, values.width), values.on_bad_sample or "raise"
            print_priors(values.data, values.count or COUNT, *size, values.config, bad)
        case "outliers":
            from launch.runs.outliers import TOP, find_outliers  # imports models, which takes seconds

            find_outliers(values.data, values.model, values.classes, values.top or TOP, values.out or "outliers")
        case "ngram":
            bad = values.on_bad_sample or "raise"
            train_ngram(values.data, values.ngram, values.order or ORDER, values.count, values.config, bad)
        case _:
            from launch.runs.data_page import report  # imports models and plots, which takes seconds

            report(values.data, values.out or "report", values.count, values.height, values.config)


if __name__ == "__main__":
    define_flags()
    entry.run(main)
