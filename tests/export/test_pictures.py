"""Pictures of any size become batches of a few shapes, and no pixel of them changes on the way."""

import itertools

import numpy as np
import pytest

from recog.export.pictures import ON_ACCELERATOR, ON_CPU, ROWS_OF_WIDE, USUAL, WIDTHS, Grid, pad
from recog.images import WIDEST

GRIDS = pytest.mark.parametrize("grid", [ON_CPU, ON_ACCELERATOR], ids=["cpu", "accelerator"])


def random_widths(count: int) -> list[int]:
    return np.exp(np.random.default_rng(count).uniform(0, np.log(WIDEST), count)).astype(int).tolist()


@GRIDS
@pytest.mark.parametrize("count", [0, 1, 2, 40, 300])
def test_groups_hold_every_picture_once_in_shapes_of_the_grid(grid, count):
    widths = random_widths(count)
    found = grid.groups(widths)
    assert sorted(index for group in found for index in group.indices) == list(range(count))
    for group in found:
        assert len(group.indices) <= group.rows
        assert max(widths[index] for index in group.indices) <= group.width
        assert (group.rows, group.width) in grid.shapes(widths=WIDTHS)


@pytest.mark.parametrize(
    ("count", "width"), [(1, 128), (3, 128), (5, 128), (20, 128), (63, 416), (64, 416), (200, 416)]
)
def test_batches_of_one_width_have_that_width(count, width):
    found = ON_CPU.groups([width] * count, width)
    assert {group.width for group in found} == {width}
    assert sum(group.rows for group in found) < 2 * count
    assert sum(len(group.indices) for group in found) == count


def test_groups_cost_least():
    grid = Grid((1, 3), 200)

    def cost(parts, columns):
        """Cost of pictures, the widest first, cut into batches of these lengths."""
        starts = [sum(parts[:n]) for n in range(len(parts))]
        return sum(200 + (1 if n == 1 else 3) * columns[start] for n, start in zip(parts, starts, strict=True))

    for seed in range(20):
        widths = np.random.default_rng(seed).integers(1, USUAL + 1, 6).tolist()
        columns = [next(width for width in WIDTHS if width >= each) for each in sorted(widths, reverse=True)]
        parts = (p for n in range(1, 7) for p in itertools.product((1, 2, 3), repeat=n) if sum(p) == 6)
        found = grid.groups(widths)
        assert sum(200 + group.rows * group.width for group in found) == min(cost(p, columns) for p in parts)


@GRIDS
def test_few_shapes_for_all_pictures_and_little_padding_of_widths(grid):
    assert len(grid.shapes()) <= 36
    assert len(grid.shapes(widths=range(1, WIDEST + 1))) <= 48
    assert all(rows <= ROWS_OF_WIDE for rows, width in grid.shapes(widths=WIDTHS) if width > USUAL)
    assert WIDTHS[-1] == WIDEST
    assert all(b <= 1.5 * a for a, b in itertools.pairwise(WIDTHS))


def test_expected_shapes_are_those_that_groups_use():
    assert ON_CPU.shapes(widths=[100, 120], rows=[1, 15]) == [(1, 128), (16, 128)]
    assert ON_CPU.shapes(widths=[3000], rows=[1, 15]) == [(1, 3072), (4, 3072)]
    assert ON_CPU.shapes(width=416, rows=range(1, 9)) == [(1, 416), (4, 416)]
    assert ON_CPU.shapes(width=48) == [(1, 48), (4, 48), (16, 48)]


def test_pad_keeps_pixels_and_adds_zeros():
    given = [np.full((32, width, 3), width, np.uint8) for width in (70, 33, 5)]
    images, sizes = pad(given, 4, 32, 96)
    assert images.shape == (4, 32, 96, 3)
    assert sizes.tolist() == [[32, 70], [32, 33], [32, 5], [0, 0]]
    widths = sizes[:, 1]
    for row, picture in enumerate(given):
        np.testing.assert_array_equal(images[row, :, : widths[row]], picture)
        assert not images[row, :, widths[row] :].any()
    assert not images[3].any()


def test_pictures_wider_than_the_grid_are_refused():
    with pytest.raises(ValueError, match=r"5000 columns .* 4096"):
        ON_CPU.groups([64, 5000])
