"""Positions of YOLO: their order, and that the position of a box can express it exactly."""

import jax
import jax.numpy as jnp
import numpy as np

from recog.detection.positions import (
    PRIORS,
    STRIDES,
    assign,
    at_positions,
    bounding_boxes,
    decode_boxes,
    decode_corners,
    make_positions,
    mark_positions,
)

SIZES = ((10, 4), (14, 6), (20, 8), (28, 10), (36, 14), (48, 16), (60, 24), (80, 30), (110, 40))
HEIGHT, WIDTH = 64, 96
AT = make_positions(SIZES, HEIGHT, WIDTH)
RNG = np.random.default_rng(0)
assigned = jax.jit(lambda boxes: assign(boxes, SIZES, HEIGHT, WIDTH))


def random_boxes(rows: int, count: int) -> np.ndarray:
    middles = RNG.uniform((0, 0), (WIDTH, HEIGHT), (rows, count, 2))
    half = np.exp(RNG.uniform(0.5, 4.5, (rows, count, 2))) / 2
    return np.concatenate([middles - half, middles + half], axis=-1).astype(np.float32)


def test_there_is_a_position_for_each_cell_and_prior():
    assert len(AT.cells) == PRIORS * sum(HEIGHT // s * WIDTH // s for s in STRIDES)
    seen = {tuple(row) for row in np.concatenate(AT, axis=1).tolist()}
    assert len(seen) == len(AT.cells)
    assert set(map(tuple, AT.priors[AT.strides[:, 0] == STRIDES[-1]])) == set(SIZES[-PRIORS:])


def test_a_box_belongs_to_the_cell_of_its_centre_and_the_prior_like_it():
    boxes = random_boxes(4, 50)
    for place, box in zip(np.asarray(assigned(boxes)).ravel(), boxes.reshape(-1, 4), strict=True):
        centre, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
        offset = centre - AT.cells[place]
        assert (offset >= 0).all()
        assert (offset <= AT.strides[place]).all()
        likeness = [min(size[0], w) * min(size[1], h) for w, h in SIZES]
        likeness = [x / (size.prod() + w * h - x) for x, (w, h) in zip(likeness, SIZES, strict=True)]
        assert tuple(AT.priors[place]) == SIZES[int(np.argmax(likeness))]


def test_centres_outside_the_picture_belong_to_the_nearest_cell():
    boxes = np.array([[[-30, -30, -10, -26], [WIDTH + 5, HEIGHT + 5, WIDTH + 25, HEIGHT + 13]]], np.float32)
    places = np.asarray(assigned(boxes))[0]
    np.testing.assert_array_equal(AT.cells[places[0]], [0, 0])
    np.testing.assert_array_equal(AT.cells[places[1]] + AT.strides[places[1]], [WIDTH, HEIGHT])


def test_decoding_undoes_the_equations_of_the_paper():
    boxes = random_boxes(1, 30)
    places = np.asarray(assigned(boxes))
    cells, strides, priors = (x[places[0]] for x in AT)
    share = np.clip(((boxes[0, :, :2] + boxes[0, :, 2:]) / 2 - cells) / strides, 1e-4, 1 - 1e-4)
    raw = np.zeros((1, len(AT.cells), 4), np.float32)
    raw[0, places[0]] = np.concatenate(
        [np.log(share / (1 - share)), np.log((boxes[0, :, 2:] - boxes[0, :, :2]) / priors)], axis=-1
    )
    unique = np.array([i for i, place in enumerate(places[0]) if (places[0] == place).sum() == 1])
    decoded = np.asarray(at_positions(decode_boxes(jnp.asarray(raw), AT), jnp.asarray(places)))
    np.testing.assert_allclose(decoded[0, unique], boxes[0, unique], atol=0.01)


def test_corners_are_offsets_from_the_middle_of_the_cell_in_sizes_of_the_prior():
    raw = RNG.normal(size=(2, len(AT.cells), 4, 2)).astype(np.float32)
    expected = AT.cells[:, None] + AT.strides[:, None] / 2 + AT.priors[:, None] * raw
    np.testing.assert_allclose(decode_corners(jnp.asarray(raw), AT), expected, rtol=1e-5, atol=1e-4)


def test_bounding_boxes_end_at_the_picture():
    corners = jnp.array(
        [[[[-5, 10], [20, 8], [22, 30], [-3, 33]], [[50, 10], [99, 12], [98, 70], [49, 68]]]], jnp.float32
    )
    boxes = bounding_boxes(corners, jnp.array([[60, 90]]))
    np.testing.assert_array_equal(boxes, [[[0, 8, 22, 33], [49, 10, 90, 60]]])


def test_marks_are_set_where_the_mask_is():
    marked = mark_positions(jnp.array([[1, 3, 3, 0], [2, 2, 0, 0]]), jnp.array([[1, 0, 1, 0], [0, 1, 0, 0]], bool), 5)
    np.testing.assert_array_equal(marked, [[0, 1, 0, 1, 0], [0, 0, 1, 0, 0]])
