"""The rendered stream: every sample a pure function of (seed, index), every glyph whole, every label an expression."""

import ast
import functools
import hashlib
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.sources import Sample
from datasets.synthetic.arithmetic import CONTRAST, Arithmetic, ArithmeticConfig, lay_out

ROOT = Path(__file__).parents[2]
LUMA = np.array([0.299, 0.587, 0.114])


def source(seed: int = 0, **fields) -> Arithmetic:
    return Arithmetic(ArithmeticConfig(seed=seed, **fields))


def same(one: Sample, other: Sample) -> bool:
    return one.label == other.label and one.origin == other.origin and np.array_equal(one.image, other.image)


@functools.cache
def labels(seed: int) -> list[str]:
    """Of the first 2,000 samples."""
    return [sample.label for sample in source(seed, count=2000)]


def test_samples_are_uint8_rgb_with_label_and_origin():
    image, text, origin = source(3)[5]
    assert isinstance(image, np.ndarray)
    assert image.shape == (60, 180, 3)
    assert image.dtype == np.uint8
    assert text
    assert origin == "arithmetic seed=3 index=5"


def test_the_canvas_is_of_the_configured_size():
    assert np.shape(source(height=32, width=100)[0].image) == (32, 100, 3)


def test_instances_agree_whatever_they_rendered_before():
    forward, backward = source(1), source(1)
    expected = [forward[index] for index in range(40)]
    assert all(same(backward[index], expected[index]) for index in reversed(range(40)))


def test_another_process_renders_the_same():
    program = (
        "import hashlib; from datasets.synthetic.arithmetic import *; s = Arithmetic(ArithmeticConfig(seed=9));"
        "print(hashlib.sha256(b''.join(s[i].image.tobytes() + s[i].label.encode() for i in range(30))).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    here = source(9)
    digest = hashlib.sha256()
    for index in range(30):
        digest.update(np.asarray(here[index].image).tobytes() + here[index].label.encode())
    assert other.stdout.strip() == digest.hexdigest()


def test_seeds_and_indexes_give_different_pictures_and_labels():
    pictures = {np.asarray(source(seed)[index].image).tobytes() for seed in range(5) for index in range(40)}
    assert len(pictures) == 200
    first, second = labels(0), labels(1)
    agreement = np.mean([one == other for one, other in zip(first, second, strict=True)])
    assert agreement < 0.02


def test_later_changes_to_the_configuration_do_not_reach_the_source():
    config = ArithmeticConfig(seed=4)
    stream = Arithmetic(config)
    before = stream[0]
    config.seed, config.clutter = 5, 0.0
    assert same(stream[0], before)


def test_a_pickled_source_renders_the_same():
    stream = source(2, count=50)
    copy = pickle.loads(pickle.dumps(stream))
    assert len(copy) == 50
    assert all(same(copy[index], stream[index]) for index in range(10))


def test_threads_at_once_render_what_one_thread_does():
    # A canvas size of its own, so that all threads meet cold caches.
    stream = source(6, height=71, width=201)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(stream.__getitem__, range(200)))
    assert all(same(sample, stream[index]) for index, sample in enumerate(together))


@pytest.mark.parametrize("index", [10, 11, -1])
def test_indexes_outside_the_count_are_refused(index: int):
    with pytest.raises(IndexError, match=f"sample {index} of 10"):
        source(count=10)[index]


def test_a_finite_source_can_be_iterated():
    stream = source(count=7)
    assert len(stream) == 7
    assert len([sample.label for sample in stream]) == 7


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"count": -1}, "count -1"),
        ({"seed": -3}, "seed -3"),
        ({"height": 20}, "180x20"),
        ({"width": 40}, "40x60"),
        ({"clutter": 1.5}, "clutter 1.5"),
    ],
)
def test_a_configuration_that_cannot_be_rendered_is_refused(fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        Arithmetic(ArithmeticConfig(**fields))


def test_every_token_and_every_length_up_to_eleven_occurs():
    texts = labels(0)
    assert set("".join(texts)) == set("0123456789+-*()=")
    assert set(range(1, 12)) <= {len(text) for text in texts} <= set(range(1, 13))


def test_labels_are_expressions_that_python_evaluates():
    for text in labels(1):
        expression = text.removesuffix("=")
        tree = ast.parse(expression, mode="eval")
        # Operands and operators only: a leading sign would be a UnaryOp, a call or a tuple would be worse.
        allowed = (ast.Expression, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Constant)
        assert all(isinstance(node, allowed) for node in ast.walk(tree)), text
        assert isinstance(eval(compile(tree, text, "eval"), {}), int)


def test_most_labels_are_three_digits_and_two_operators():
    plain = [text for text in labels(0) if len([c for c in text if c.isdigit()]) == 3 and text[-1] != "="]
    assert 0.6 < len(plain) / 2000 < 0.85


def ink(image: np.ndarray) -> np.ndarray:
    """Pixels of a picture without clutter that are not background, which is one colour there."""
    return (image != image[0, 0]).any(axis=2)


def test_glyphs_are_present_in_full_contrast_and_clear_of_the_edges():
    stream = source(8, clutter=0.0)
    for index in range(1000):
        image, text, origin = stream[index]
        assert isinstance(image, np.ndarray)
        mask = ink(image)
        mask[2:-2, 2:-2] = False
        assert not mask.any(), origin
        distance = abs(image @ LUMA - image[0, 0] @ LUMA)
        # A minus of the smallest size covers about 14 pixels.
        assert (distance > CONTRAST - 3).sum() >= 10 * len(text), origin


@settings(max_examples=150)
@given(st.integers(0, 2**31), st.integers(24, 128), st.integers(72, 400))
def test_no_canvas_cuts_a_glyph_off(seed: int, height: int, width: int):
    mask = ink(np.asarray(source(seed, height=height, width=width, clutter=0.0)[0].image))
    assert mask.any()
    mask[2:-2, 2:-2] = False
    assert not mask.any()


@settings(max_examples=150)
@given(st.integers(0, 2**31), st.text("0123456789+-*()=", min_size=1, max_size=12))
def test_a_turned_glyph_lies_within_its_patch(seed: int, text: str):
    layout = lay_out(text, ArithmeticConfig(), np.random.default_rng(seed))
    for mask, affine, corner, patch in zip(layout.masks, layout.maps, layout.corners.T, layout.patches.T, strict=True):
        height, width = mask.shape
        outline = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]])
        mapped = outline @ affine[:, :2].T + affine[:, 2]
        assert (mapped >= 0).all()
        assert (mapped <= patch - 1).all()
        assert (corner >= 0).all()
        assert (corner + patch <= (180, 60)).all()


def test_glyphs_stand_anywhere_on_the_canvas():
    masks = [ink(np.asarray(source(5, clutter=0.0)[index].image)) for index in range(300)]
    left = [mask.any(axis=0).argmax() for mask in masks]
    top = [mask.any(axis=1).argmax() for mask in masks]
    assert min(left) < 8
    assert max(left) > 60
    assert min(top) < 8
    assert max(top) > 25


def test_clutter_changes_the_picture_but_not_the_label():
    clean, cluttered = source(11, clutter=0.0), source(11)
    for index in range(50):
        assert clean[index].label == cluttered[index].label
        assert not np.array_equal(clean[index].image, cluttered[index].image)
