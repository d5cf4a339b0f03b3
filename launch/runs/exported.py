"""The model of an artifact, from its configuration and parameters."""

from pathlib import Path

import flax.traverse_util
import safetensors.numpy

from launch.runs.config import Config, from_json
from launch.runs.folder import load_json
from launch.runs.tasks import make_task
from recog.export.files import CONFIG, PARAMETERS
from recog.export.half import in_single
from recog.export.loading import load_codec
from recog.tasks.task import Task, Variables


def load_task(artifact: Path) -> Task:
    """Task that an artifact was exported from, in float32, with the best path as its decoder."""
    config = from_json(Config, load_json(artifact / CONFIG))
    config.model.dtype = "float32"
    return make_task(config, load_codec(artifact)[0])


def load_variables(artifact: Path) -> Variables:
    """Variables of an artifact's model, without those that only training needs."""
    arrays = in_single(safetensors.numpy.load_file(artifact / PARAMETERS))
    return flax.traverse_util.unflatten_dict(dict(arrays), sep="/")
