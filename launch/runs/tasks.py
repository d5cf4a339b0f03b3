"""Construction of tasks from configurations."""

from launch.runs.codecs import make_codec
from launch.runs.config import Config
from recog.codecs import BoxCodec, ClassCodec, Codec, TextCodec
from recog.detection.positions import STRIDES
from recog.drawing import Box
from recog.metrics import BoxCounts, ClassCounts, Counts, ReadingCounts
from recog.models.classifier import ClassifierConfig
from recog.models.config import ModelConfig
from recog.models.lprnet import LPRNetConfig
from recog.models.multitask import MultiTaskConfig
from recog.tasks.branches import BranchTask
from recog.tasks.class_scores import ClassScores
from recog.tasks.classifying import ClassifyingTask
from recog.tasks.graphic import drawing_loss
from recog.tasks.locating import LocatingTask
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Task
from recog.tasks.views import check_views


def make_task(config: Config, codec: Codec | None = None, box: Box | None = None) -> Task:
    """Checks a configuration and builds its task.

    Args:
      config: configuration of the run.
      codec: codec to use instead of the configured one.
      box: position in pixels of the labels that graphic supervision draws; None draws over the whole picture.

    Raises:
      ValueError: a setting is invalid; names it.
    """
    check_model(config)
    return build_task(config, codec or make_codec(config), box)


def check_model(config: Config) -> None:
    """Raises ``ValueError`` if settings of the model are invalid, or do not fit those of the data."""
    model, data = config.model, config.data
    model.check()
    if isinstance(model, ClassifierConfig):
        check_views(model.views)
        model.check_weights(config.classes)
    if not model.any_width and not data.width:
        kind = type(model).__name__.removesuffix("Config")
        raise ValueError(f"{kind} reads pictures of one width: set data.width, as its file in launch/configs does")
    if model.labels is BoxCodec:
        _check_canvas(config)
    elif data.letterbox:
        raise ValueError("data.letterbox=True is for detectors: set it to False")
    if data.width and tuple(data.buckets) not in ((), (data.width,)):
        raise ValueError(f"data.buckets={data.buckets} pads to other widths than data.width={data.width}: leave it out")


def _check_canvas(config: Config) -> None:
    """Raises ``ValueError`` if a detector's pictures have a size that its grids do not divide, or are stretched."""
    data, cell = config.data, max(STRIDES)
    if not data.letterbox or data.height % cell or data.width % cell:
        raise ValueError(
            f"data.letterbox={data.letterbox}, data.height={data.height}, data.width={data.width}: a detector needs "
            f"letterboxed pictures whose height and width are multiples of {cell}"
        )


def build_task(config: Config, codec: Codec, box: Box | None = None) -> Task:
    """Builds the task of a checked configuration, whose array settings may be traced."""
    match codec:
        case TextCodec():
            return _reading(config.model, codec, box or Box(0, 0, config.data.height, config.data.width))
        case ClassCodec():
            assert isinstance(config.model, ClassifierConfig)  # the only one whose labels are classes
            return _classifying(config.model, codec)
        case BoxCodec():
            return _locating(config.model, codec)
        case _:
            raise ValueError(f"no task learns labels of kind {codec.kind!r}; expected text, classes or boxes")


def _reading(model: ModelConfig, codec: TextCodec, box: Box) -> Task:
    match model:
        case MultiTaskConfig():
            return BranchTask(model.build(codec), codec, model.parts)
        case LPRNetConfig(graphic=True):
            reader = model.build(codec)
            return ReadingTask(reader, codec, (drawing_loss(reader, codec.alphabet, box),))
        case _:
            return ReadingTask(model.build(codec), codec)


def _classifying(model: ClassifierConfig, codec: ClassCodec) -> Task:
    scores = ClassScores(model.loss, model.label_smoothing, tuple(model.class_weights))
    return ClassifyingTask(model.build(codec), codec, scores, tuple(model.views), model.temperature)


def _locating(model: ModelConfig, codec: BoxCodec) -> Task:
    return LocatingTask(model.build(codec), codec)


def counts_of(config: Config) -> type[Counts]:
    """Type of the counts of the configured task, by whose rate its runs are ranked."""
    labels = config.model.labels
    if labels is BoxCodec:
        return BoxCounts
    return ClassCounts if labels is ClassCodec else ReadingCounts


def draws_labels(config: Config) -> bool:
    """Whether training uses graphic supervision, which needs the position of the characters."""
    return isinstance(config.model, LPRNetConfig) and config.model.graphic
