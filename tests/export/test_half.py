"""Artifacts with kernels in half precision: they predict what the rounded model predicts, in half the size."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from recog.batch import full_height
from recog.codecs import ClassCodec
from recog.export.artifact import Artifact
from recog.export.card import HALF
from recog.export.half import in_half, in_single, rounded
from recog.export.write import Provenance, write_artifact
from recog.models.classifier import Classifier, ClassifierConfig
from recog.preprocess import Preprocess
from recog.tasks.classifying import ClassifyingTask
from tests.variables import random_variables


def test_an_artifact_in_half_precision_predicts_what_the_rounded_model_predicts(tmp_path, monkeypatch):
    task = ClassifyingTask(Classifier(ClassifierConfig(width=1 / 64, backbone="vgg"), 3), ClassCodec(("a", "b", "c")))
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    sizes = full_height([16, 16], 16)
    variables = random_variables(task.model, jnp.asarray(images, jnp.float32), sizes[:, 1], train=False)
    provenance = Provenance({}, {}, Preprocess(16, 16, 3), "folder:x", "folder:y", 9, {"accuracy": 0.5})
    monkeypatch.setattr("recog.export.check.SHAPES", ((2, 16),))
    write_artifact(tmp_path, task, variables, provenance, half=True)  # compares them

    stored = safetensors.numpy.load_file(tmp_path / "parameters.safetensors")
    assert {array.dtype for name, array in stored.items() if name.endswith("kernel")} == {np.dtype(np.float16)}
    assert {array.dtype for name, array in stored.items() if name.endswith("bias")} == {np.dtype(np.float32)}
    artifact = Artifact.load(tmp_path)
    assert artifact.card.format == HALF
    found = artifact.predict(images, sizes)["logits"]
    near, exact = (
        task.predict(given, jnp.asarray(images), jnp.asarray(sizes))["logits"]
        for given in (rounded(variables), variables)
    )
    np.testing.assert_allclose(found, near, atol=1e-5)
    assert np.abs(found - exact).max() > 1e-5

    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "before the kernels were rounded" in text
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert code
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"PICTURES": images[:1]}
    exec(re.sub(r"np\.zeros\(.*?np\.uint8\)", "PICTURES", code[1]), names)
    np.testing.assert_allclose(np.asarray(names["found"]["logits"]), found[:1], atol=1e-5)


def test_storing_rounded_values_loses_nothing():
    random = np.random.default_rng(0)
    kernels = {f"params/{n}": random.normal(size=(3, n)).astype(np.float32) * 10.0 ** (n - 6) for n in range(1, 9)}
    others = {"batch_stats/var": np.array([1e-9, 3], np.float32), "params/bias": np.array([0.1, 1e9], np.float32)}
    before = rounded(kernels | others)
    after = in_single(in_half(before))
    jax.tree.map(np.testing.assert_array_equal, after, dict(before))
    assert all(after[name].dtype == np.float32 for name in after)
    jax.tree.map(np.testing.assert_array_equal, {name: after[name] for name in others}, others)


def test_values_that_half_precision_lacks_are_named():
    with pytest.raises(ValueError, match=r"'kernel'.* up to 7e\+04.*--parameters=float32"):
        rounded({"params": {"kernel": np.array([[7e4, 1]], np.float32)}})
