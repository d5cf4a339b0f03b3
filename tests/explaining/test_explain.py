"""Explanations of every architecture."""

import dataclasses
from typing import Any, cast

import jax
import numpy as np
import pytest
from flax.traverse_util import unflatten_dict

from recog.ctc import BeamSearch
from recog.explaining import explain
from recog.export.onnx.samples import make_pictures
from tests.export.onnx.tiny_tasks import make

ROWS = [0, 4]
"""Pictures that are explained, with a row without a picture after them."""

CTC = ["crnn", "crnn_gru_forward", "crnn_plate", "plate_reader", "lprnet", "alexnet", "resnet18", "parts_ctc"]


def explained(name: str, **changed):
    """Explanations of a task's pictures, their sizes, and what the task itself predicts."""
    made = make(name)
    task: Any = dataclasses.replace(cast(Any, made.task), **changed)
    images, sizes = make_pictures(made.preprocess).some(ROWS, made.preprocess)
    found = explain(task, unflatten_dict(dict(made.arrays), sep="/"), images, sizes)
    prediction = jax.device_get(jax.jit(task.predict)(unflatten_dict(dict(made.arrays), sep="/"), images, sizes))
    return found, sizes, prediction


def check_maps(each, size) -> None:
    assert each.maps.shape == (len(each.characters), *size)
    assert each.maps.dtype == np.float32
    assert ((each.maps >= 0) & (each.maps <= 1)).all()
    assert set(each.maps.max(axis=(1, 2))) <= {np.float32(0), np.float32(1)}


def names(name: str, prediction, row: int) -> tuple[str, ...]:
    tokens = prediction["tokens"][row, : prediction["lengths"][row]]
    return tuple(make(name).task.codec.class_names[token] for token in tokens)


@pytest.mark.parametrize("name", CTC)
def test_every_reader_explains_each_character_that_it_reads(name):
    found, sizes, prediction = explained(name)
    for row, (each, size) in enumerate(zip(found[:-1], sizes, strict=False)):
        check_maps(each, size)
        assert each.characters == names(name, prediction, row)
        frames = {n: x[row] for n, x in prediction.items() if n.startswith("logit_lengths")}
        assert sorted(len(heat) for heat in each.heats.values()) == sorted(frames.values())
        for heat in each.heats.values():
            np.testing.assert_allclose(heat.sum(axis=1), 1, rtol=1e-5)
        assert (each.quad is not None) == (each.rectified is not None) == (name == "plate_reader")
        assert each.drawn is None
    assert any(each.maps.any() for each in found)
    assert (found[-1].characters, found[-1].maps.size) == ((), 0)  # no picture


@pytest.mark.parametrize("decoder", [None, BeamSearch(beam_width=2)], ids=["greedy", "beam"])
def test_maps_of_attention_decoders_are_highest_at_the_positions_that_they_attend_to(decoder):
    found, sizes, prediction = explained("parts_attention", decoder=decoder)
    compared = 0
    for row, (each, size) in enumerate(zip(found[:-1], sizes, strict=False)):
        check_maps(each, size)
        assert each.characters == names("parts_attention", prediction, row)
        for character, evidence, place in zip(each.characters, each.maps, prediction["frames"][row], strict=False):
            if evidence.any():  # otherwise a separator that no branch reads
                assert evidence[0, 8 * place + 4] > 0.98  # positions are 8 pixels wide; two may be all but equal
                compared += 1
            else:
                assert character == "."
    assert compared


def test_a_classifier_explains_its_class():
    found, sizes, prediction = explained("classifier")
    for row, (each, size) in enumerate(zip(found[:-1], sizes, strict=False)):
        check_maps(each, size)
        assert each.characters == ("abc"[prediction["probabilities"][row].argmax()],)
        assert each.heats == {}


def test_a_detector_has_no_maps():
    made = make("yolo")
    found = explain(made.task, {}, *make_pictures(made.preprocess))
    assert all(each.characters == () and each.maps.size == 0 for each in found)
