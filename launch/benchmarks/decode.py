"""Times `recog.ctc.beam_search` against fast-ctc-decode and ctc-beam-decoder, and compares what they find.

    python -m launch.benchmarks.decode [--shapes=32x26x37x10,1x26x37x10] [--seconds=5]

Emissions are synthetic: sharp ones like a trained reader's (a frame shows its class with 10 above others' standard
normal logits, each token beside another with 2 to 9), and the same blurred by a factor of 0.4. Every contestant finds
the best text with its frames, at the same width of the beam and without other limits; ctc-beam-decoder competes once
more with its default limits. They take turns as in `launch.benchmarks.ctc`, and ``?`` marks numbers that another job
disturbed. The rivals come with ``pip install recog[bench]``; those that are not installed are left out.

With an artifact, the exact search of lexicons is measured instead, on the emissions of a trained reader:

    python -m launch.benchmarks.decode --artifact=ARTIFACT --data=folder:PATH --lexicon=words.txt [--words=50000,90000]

The lexicons hold the labels of the pictures, and other words of a text file or labels of a source of samples.
"""

from collections.abc import Sequence

from absl import flags

from launch.benchmarks import beam_table, lexicon_table
from launch.benchmarks.beam_problem import SHAPES, Shape
from launch.benchmarks.timing import NOT_ALONE, machine
from launch.runs import entry


def parse_shape(text: str) -> Shape:
    """Parses ``BxTxKxW``; raises ``ValueError`` for any other text."""
    sizes = text.split("x")
    if len(sizes) != 4 or not all(size.isdecimal() and int(size) > 0 for size in sizes) or int(sizes[2]) < 2:
        raise ValueError(
            f"--shapes: invalid shape {text!r}; expected BxTxKxW with at least 2 classes, for example 32x26x37x10"
        )
    return Shape(*map(int, sizes))


def main(argv: Sequence[str]) -> None:
    """Prints the table."""
    del argv
    values = flags.FLAGS
    if values.artifact:
        if not (values.data and values.lexicon):
            raise ValueError("--artifact needs --data, pictures to read, and --lexicon, words")
        lexicon_table.report(values.artifact, values.data, values.lexicon, [int(count) for count in values.words])
        print(machine())
        return
    beams = beam_table.report([parse_shape(text) for text in flags.FLAGS.shapes], flags.FLAGS.seconds)
    if not all(result.timing.alone for results in beams.values() for result in results.values()):
        print(NOT_ALONE)
    print(machine("fast_ctc_decode", "ctc_beam_decoder"))


if __name__ == "__main__":
    flags.DEFINE_list("shapes", [str(shape) for shape in SHAPES], "Shapes to measure, each BxTxKxW.")
    flags.DEFINE_float("seconds", 2.0, "Seconds of measured time for each contestant on each batch.", lower_bound=0.0)
    flags.DEFINE_string("artifact", "", "Artifact of a reader; measures lexicons on its emissions.")
    flags.DEFINE_string("data", "", "Labelled samples that it reads: folder:PATH, words:seed=2, ...")
    flags.DEFINE_string("lexicon", "", "Text file with one word a line, or samples whose labels are the words.")
    flags.DEFINE_list("words", ["50000", "90000"], "Sizes of the lexicons.")
    entry.run(main)
