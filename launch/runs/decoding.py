"""Decoders of trained tasks, and decoding of evaluation samples, as flags choose them (`recog.cli.decoding`)."""

import dataclasses

from launch.runs.data import Samples
from launch.runs.host_decoding import BestOfBeam, BestOfLexicons, HostDecoding
from launch.runs.lexicons import open_lexicons
from recog.cli.decoding import Decoding, require_room_for
from recog.codecs import Codec, TextCodec
from recog.ctc import BeamSearch
from recog.tasks.branches import BranchTask
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Task


def decoded_by(task: Task, decoding: Decoding) -> Task:
    """A task whose predictions are decoded as configured; unchanged if the host decodes them (`decoding_on_host`).

    Raises:
      ValueError: the task does not read a text, or the settings do not fit it.
    """
    if isinstance(task, BranchTask):
        decoding.check_whole_texts()
    decoding.check(task.codec)
    decoder = None if decoding.decoder == "lexicon" or decoding.nbest else decoding.make(task.codec)
    if decoder is None:
        return task
    if not isinstance(task, ReadingTask | BranchTask):
        raise ValueError(f"--decoder={decoding.decoder} decodes texts, which this model does not read")
    return dataclasses.replace(task, decoder=decoder)


def task_decoding_on_host(task: Task, decoding: Decoding, samples: Samples) -> HostDecoding | None:
    """`decoding_on_host` for the logits of a task.

    Raises:
      ValueError: see there; or no text of the pattern fits the widest of the samples.
    """
    whole = isinstance(task, ReadingTask)
    frames = task.frames(int(samples.checked.widths.max())) if whole else None
    return decoding_on_host(task.codec, decoding, samples, whole_texts=whole, frames=frames)


def decoding_on_host(
    codec: Codec, decoding: Decoding, samples: Samples, *, whole_texts: bool, frames: int | None
) -> HostDecoding | None:
    """Decoding of evaluation samples on the host; None if the device decodes them.

    Args:
      codec: codec of the model.
      decoding: settings of the decoder.
      samples: samples to evaluate.
      whole_texts: whether the model has CTC logits of a whole text.
      frames: number of its CTC frames for the widest of the samples; None if unknown.

    Raises:
      ValueError: settings that do not fit each other, the model or the samples; see `open_lexicons`.
    """
    decoding.check(codec)
    if decoding.decoder != "lexicon" and not decoding.nbest:
        return None
    if not (whole_texts and isinstance(codec, TextCodec)):
        raise ValueError("lexicons and --nbest need CTC logits of a whole text; this model has none")
    if decoding.decoder == "lexicon":
        lexicon_of = open_lexicons(decoding.lexicon, codec, samples)
        return HostDecoding(codec, BestOfLexicons(codec, lexicon_of, decoding.nbest or 1))
    search = decoding.make(codec)
    assert isinstance(search, BeamSearch)
    if frames is not None:
        require_room_for(search, frames)
    return HostDecoding(codec, BestOfBeam(search, decoding.nbest or 1))


def require_room_in(samples: Samples, task: Task) -> None:
    """Raises ``ValueError`` if no text of the task's pattern fits the widest of the samples."""
    if isinstance(task, ReadingTask):
        require_room_for(task.decoder, task.frames(int(samples.checked.widths.max())))
