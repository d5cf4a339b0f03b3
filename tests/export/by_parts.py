"""Artifacts of tiny readers by parts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.alphabet import PRICE as TOKENS
from recog.batch import full_height
from recog.codecs import TextCodec
from recog.ctc import BeamSearch
from recog.export.write import Provenance, write_artifact
from recog.models.multitask import MultiTaskConfig, MultiTaskReader
from recog.ops.recurrent import RecurrentConfig
from recog.preprocess import Preprocess
from recog.structure import PRICE
from recog.tasks.branches import BranchTask
from recog.tasks.task import normalize
from tests.variables import random_like

PARTS = PRICE.choose(["integer", "decimal"])
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 64, 1), np.uint8)
SIZES = full_height(np.full(3, 64), 16)


def write(folder, scores: str, decoder: BeamSearch | None = None, settings=None):
    """The artifact of a tiny reader with random parameters, its task and variables."""
    config = MultiTaskConfig(width=0.03, recurrent=RecurrentConfig(layers=1, units=4), units=4, decoder=scores)
    names = tuple(branch.name for branch in PARTS.branches)
    model = MultiTaskReader(config, names, TOKENS.classes, TOKENS.blank_id, steps=4)
    task = BranchTask(model, TextCodec(TOKENS, 4), PARTS, decoder)
    labels = {name: np.zeros((3, 4), np.int32) for name in names}
    shapes = jax.eval_shape(
        lambda: model.init(jax.random.key(0), normalize(jnp.asarray(IMAGES)), SIZES[:, 1], labels, train=False)
    )
    variables = random_like(dict(shapes))
    provenance = Provenance({}, {}, Preprocess(16, 64, 1), "folder:x", "folder:y", 9, {}, settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recog.export.check.SHAPES", ())  # the tests compare with the task themselves
        write_artifact(folder, task, variables, provenance)
    return task, variables
