"""From planned batches to arrays: the same for any number of workers, resumable, and never built on bad pictures."""

import contextlib
import dataclasses
import itertools
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import grain.python as grain
import jax
import numpy as np
import pytest

from datasets.cache import Cache
from datasets.needs import Needs
from datasets.pipeline import DataConfig, Loader, make_stream
from datasets.plan import Planned
from datasets.preflight import preflight
from datasets.sources import BadSampleError, Sample, Source
from recog.alphabet import DIGITS, Alphabet
from recog.batch import Batch
from recog.codecs import BoxCodec, BoxLabel, LabelledBox, TextCodec
from recog.preprocess import Preprocess
from tests.batches import text_needs

CONFIG = DataConfig(batch_size=4, max_label_length=5)
RNG = np.random.default_rng(0)
PICTURES = [
    RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)
    for height, width in zip([32, 16, 50, 64] * 5, RNG.integers(20, 120, 20).tolist(), strict=True)
]


@pytest.fixture
def folder(make_folder):
    return make_folder([(picture, str(number)) for number, picture in enumerate(PICTURES)])


def stream(source: Source, config: DataConfig, seed: int | None = 0, **how) -> grain.IterDataset:
    needs = text_needs(DIGITS, config.preprocess, max_length=config.max_label_length, frames=lambda width: width)
    checked = preflight(source, needs, on_bad_sample=config.on_bad_sample)
    return make_stream(source, checked, needs.codec, config, seed=seed, **how)[0]


@contextlib.contextmanager
def drawn_from(dataset: grain.IterDataset) -> Iterator[grain.DatasetIterator]:
    with contextlib.closing(iter(dataset)) as iterator:
        yield iterator


def draw(iterator: grain.DatasetIterator, count: int) -> list[Batch]:
    """Batches copied out of the workers' shared memory."""
    return [jax.tree.map(np.array, batch) for batch in itertools.islice(iterator, count)]


def assert_equal(ours: list[Batch], theirs: list[Batch]) -> None:
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        jax.tree.map_with_path(
            lambda path, a, b: np.testing.assert_array_equal(a, b, err_msg=jax.tree_util.keystr(path), strict=True),
            mine,
            other,
        )


def resized(picture: np.ndarray, height: int) -> np.ndarray:
    """What OpenCV alone makes of a picture."""
    width = round(picture.shape[1] * height / picture.shape[0])
    how = cv2.INTER_AREA if picture.shape[0] > height else cv2.INTER_LINEAR
    return cv2.resize(picture, (width, height), interpolation=how)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("height", [24, 32])
def test_an_evaluation_holds_each_picture_scaled_padded_and_labelled(folder, channels, height):
    config = DataConfig(batch_size=8, height=height, channels=channels, max_label_length=5)
    with drawn_from(stream(folder, config, seed=None)) as iterator:
        batches = draw(iterator, 100)
    seen = []
    for batch in batches:
        assert batch.images.shape[:2] == (8, height)
        assert batch.images.shape[3] == channels
        assert [x.dtype for x in jax.tree.leaves(batch)] == [np.uint8, *[np.int32] * 4, bool]
        for row in np.flatnonzero(batch.mask):
            number, width = int(batch.ids[row]), int(batch.widths[row])
            picture = PICTURES[number] if channels == 3 else cv2.cvtColor(PICTURES[number], cv2.COLOR_RGB2GRAY)
            expected = resized(picture, height)
            assert width == expected.shape[1]
            np.testing.assert_array_equal(batch.images[row, :, :width], expected.reshape(height, width, channels))
            assert not batch.images[row, :, width:].any()
            digits = [1 + int(digit) for digit in str(number)]  # the blank comes first
            assert batch.targets.labels[row].tolist() == digits + [0] * (5 - len(digits))
            assert batch.targets.lengths[row] == len(digits)
            seen.append(number)
        for row in np.flatnonzero(~batch.mask):
            assert batch.ids[row] == -1
            assert not any(x[row].any() for x in jax.tree.leaves(batch._replace(ids=batch.mask)))
    assert sorted(seen) == list(range(20))
    assert sum(len(batch.mask) for batch in batches) == 24


def test_labels_may_be_learnt_in_lower_case(make_folder):
    source, alphabet = make_folder([(PICTURES[0], "Ab"), (PICTURES[1], "ba")]), Alphabet("ab")
    config = DataConfig(batch_size=2, lower_case=True, max_label_length=2)
    needs = text_needs(alphabet, max_length=2, lower_case=True)
    checked = preflight(source, needs, on_bad_sample="raise")
    with drawn_from(make_stream(source, checked, needs.codec, config, seed=None)[0]) as iterator:
        batches = draw(iterator, 9)
    labels = {int(batch.ids[row]): batch.targets.labels[row].tolist() for batch in batches for row in range(2)}
    assert labels[0] == [1, 2]
    assert labels[1] == [2, 1]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("workers", [0, 1])
def test_filters_come_before_scaling(folder, channels, workers):
    filters = ("median3", "otsu")
    config = DataConfig(batch_size=10, channels=channels, filters=filters, max_label_length=5, workers=workers)
    with drawn_from(stream(folder, config, seed=None)) as iterator:
        batches = draw(iterator, 100)
    seen = 0
    for batch in batches:
        for row in np.flatnonzero(batch.mask):
            picture = PICTURES[batch.ids[row]]
            if channels == 1:
                picture = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            picture = cv2.medianBlur(picture, 3)
            gray = picture if channels == 1 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            expected = resized(cv2.threshold(gray, 0, 255, cv2.THRESH_OTSU)[1], 32)[..., None]
            ours = batch.images[row, :, : batch.widths[row]]
            np.testing.assert_array_equal(ours, np.repeat(expected, channels, axis=2))
            seen += 1
    assert seen == 20


def test_what_is_no_filter_is_refused(folder):
    with pytest.raises(ValueError, match=r"filter 'medain3': choose gray"):
        stream(folder, DataConfig(batch_size=4, filters=("medain3",)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("width", [0, 94])
@pytest.mark.parametrize("filters", [(), ("gaussian3", "adaptive11", "open2")])
@pytest.mark.parametrize("rotate_tall", [0, 270])
def test_an_exported_model_sees_what_it_was_trained_on(channels, width, filters, rotate_tall):
    config = DataConfig(channels=channels, width=width, filters=filters, rotate_tall=rotate_tall)
    preprocess = config.preprocess
    served = Preprocess.from_json(json.loads(json.dumps(preprocess.to_json())))
    for picture in [*PICTURES[:4], np.rot90(PICTURES[0])]:
        encoded = cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
        np.testing.assert_array_equal(preprocess(encoded), served(picture))


@pytest.mark.parametrize("width", [0, 94])
@pytest.mark.parametrize("transparent", [False, True])
def test_columns_of_text_are_learnt_as_they_are_served(make_folder, width, transparent):
    columns = [np.rot90(RNG.integers(0, 256, (40, 60 + 20 * number, 3), np.uint8)) for number in range(3)]
    opacities = [RNG.integers(0, 256, (*column.shape[:2], 1), np.uint8) for column in columns]
    pictures = list(map(np.dstack, zip(columns, opacities, strict=True))) if transparent else columns
    source = make_folder([(png(picture), "123") for picture in pictures])
    config = DataConfig(batch_size=3, width=width, rotate_tall=90)
    with drawn_from(stream(source, config, seed=None)) as iterator:
        (batch,) = draw(iterator, 9)
    served = Preprocess.from_json(json.loads(json.dumps(config.preprocess.to_json())))
    for row, picture in enumerate(pictures):
        expected = served(picture)
        assert expected.shape[1] == (width or round((60 + 20 * row) * 32 / 40))
        assert batch.sizes[row].tolist() == list(expected.shape[:2])
        np.testing.assert_array_equal(batch.images[row, :, : expected.shape[1]], expected)


def png(picture: np.ndarray) -> bytes:
    """PNG file of an RGB or RGBA picture."""
    how = cv2.COLOR_RGB2BGR if picture.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    return cv2.imencode(".png", cv2.cvtColor(np.ascontiguousarray(picture), how))[1].tobytes()


def test_boxes_are_not_turned():
    codec = BoxCodec(("plate",))
    with pytest.raises(ValueError, match="rotate_tall=90 turns pictures, but not the boxes in them: set it to 0"):
        Needs(Preprocess(32, rotate_tall=90), codec, codec.problems)


@pytest.mark.parametrize("degrees", [1, 180])
def test_other_rotations_are_refused(degrees):
    with pytest.raises(ValueError, match=f"data.rotate_tall={degrees}"):
        DataConfig(rotate_tall=degrees).check()


def test_buckets_of_the_configuration_are_the_widths_of_the_batches(folder):
    config = DataConfig(batch_size=4, buckets=(96, 256), max_label_length=5)
    with drawn_from(stream(folder, config)) as iterator:
        widths = {batch.images.shape[2] for batch in draw(iterator, 10)}
    assert widths == {96, 256}


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_stream_can_start_anywhere_with_any_number_of_workers(folder, workers):
    with drawn_from(stream(folder, CONFIG)) as iterator:
        expected = draw(iterator, 12)  # two epochs and a part
    config = DataConfig(batch_size=4, max_label_length=5, workers=workers)
    for start in (0, 7):
        with drawn_from(stream(folder, config, start=start)) as iterator:
            assert_equal(draw(iterator, 12 - start), expected[start:])
    assert not multiprocessing.active_children()


def test_the_seed_alone_decides_the_order(folder):
    def order(seed: int) -> list[int]:
        with drawn_from(stream(folder, CONFIG, seed)) as iterator:
            return np.concatenate([batch.ids for batch in draw(iterator, 5)]).tolist()

    assert order(1) == order(1) != order(2)


def test_processes_share_each_batch(folder):
    with drawn_from(stream(folder, CONFIG)) as iterator:
        whole = draw(iterator, 6)
    parts = []
    for process in ((0, 2), (1, 2)):
        with drawn_from(stream(folder, CONFIG, process=process)) as iterator:
            parts.append(draw(iterator, 6))
    joined = [jax.tree.map(lambda *shares: np.concatenate(shares), *pair) for pair in zip(*parts, strict=True)]
    assert_equal(joined, whole)


def damage(folder, number: int) -> str:
    """Cuts a picture's file in half; what names it."""
    path = folder.folder / f"{number}.png"
    path.write_bytes(path.read_bytes()[:100])
    return f"labels.tsv:{number + 1} ({number}.png)"


@pytest.mark.parametrize("workers", [0, 1])
def test_a_picture_damaged_after_the_preflight_ends_training_by_name(folder, workers):
    dataset = stream(folder, DataConfig(batch_size=4, max_label_length=5, workers=workers))
    name = damage(folder, 13)
    with drawn_from(dataset) as iterator, pytest.raises(BadSampleError, match="cut short") as caught:
        draw(iterator, 5)  # an epoch
    assert caught.value.origin.endswith(name)


@pytest.mark.parametrize("cache_mb", [0, 256])
def test_a_picture_removed_after_the_preflight_ends_training_by_name(folder, cache_mb):
    dataset = stream(folder, dataclasses.replace(CONFIG, cache_mb=cache_mb))
    (folder.folder / "13.png").unlink()
    with drawn_from(dataset) as iterator, pytest.raises(BadSampleError, match=r"13\.png.*cannot be read"):
        draw(iterator, 5)


@pytest.mark.parametrize("workers", [0, 1])
def test_pictures_are_read_once(folder, workers):
    config = dataclasses.replace(CONFIG, workers=workers)
    with drawn_from(stream(folder, dataclasses.replace(config, cache_mb=0))) as iterator:
        expected = draw(iterator, 30)
    with drawn_from(stream(folder, config)) as iterator:
        first = draw(iterator, 15)  # every picture of these is in memory
        for picture in folder.folder.glob("*.png"):
            picture.unlink()
        assert_equal(first + draw(iterator, 15), expected)


def test_a_cache_of_negative_size_is_refused(folder):
    with pytest.raises(ValueError, match="cache_mb=-1: choose 0 or more"):
        stream(folder, dataclasses.replace(CONFIG, cache_mb=-1))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_picture_is_masked_where_bad_samples_are_skipped(folder, workers):
    with drawn_from(stream(folder, CONFIG)) as iterator:
        expected = draw(iterator, 5)
    dataset = stream(folder, DataConfig(batch_size=4, max_label_length=5, on_bad_sample="skip", workers=workers))
    damage(folder, 13)
    for batch in expected:
        for x in jax.tree.leaves(batch._replace(ids=batch.ids + 1)):
            x[batch.ids == 13] = 0
        batch.ids[batch.ids == 13] = -1
    with drawn_from(dataset) as iterator:
        assert_equal(draw(iterator, 5), expected)
    assert sum((~batch.mask).sum() for batch in expected) == 1


def test_a_picture_that_became_wider_than_its_bucket_is_bad(folder):
    dataset = stream(folder, CONFIG)
    (folder.folder / "5.png").write_bytes(cv2.imencode(".png", np.zeros((32, 2000, 3), np.uint8))[1].tobytes())
    with (
        drawn_from(dataset) as iterator,
        pytest.raises(BadSampleError, match=r"2000 pixels .* has changed since") as caught,
    ):
        draw(iterator, 5)
    assert caught.value.origin.endswith("labels.tsv:6 (5.png)")


class Drawn:
    """A source of pictures in memory."""

    def __init__(self, samples: Sequence[tuple[np.ndarray, Any]]):
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return Sample(*self.samples[index], origin=self.origin(index))

    def origin(self, index: int) -> str:
        return f"drawn {index}"


@pytest.mark.parametrize("text", ["123456", "12a"])
def test_a_label_that_the_preflight_did_not_see_is_met_by_name(text):
    source = Drawn([(PICTURES[0], "1"), (PICTURES[0], text)])
    load = Loader(source, TextCodec(DIGITS, 5), CONFIG.preprocess, Cache(source, 0), skip_bad=False)
    with pytest.raises(BadSampleError, match="drawn 1"):
        load(Planned(256, np.array([0, 1])))
    skipping = load._replace(skip_bad=True)
    assert skipping(Planned(256, np.array([0, 1]))).mask.tolist() == [True, False]


@pytest.mark.parametrize("channels", [1, 3])
def test_drawn_pictures_are_treated_as_those_from_files(folder, channels):
    config = DataConfig(batch_size=4, channels=channels, max_label_length=5)
    drawn = Drawn([(picture, str(number)) for number, picture in enumerate(PICTURES)])
    with drawn_from(stream(folder, config)) as from_files, drawn_from(stream(drawn, config)) as from_memory:
        assert_equal(draw(from_files, 5), draw(from_memory, 5))


def test_boxes_are_scaled_with_their_picture():
    """A white square fills its box before and after; the preflight looks at the box where it is then."""
    picture = np.zeros((64, 200, 3), np.uint8)
    picture[20:40, 100:160] = 255
    corners = np.array([[100, 20], [160, 20], [160, 40], [100, 40]], np.float32)
    source = Drawn([(picture, BoxLabel((LabelledBox(corners, "square"),)))])
    codec, config = BoxCodec(("square",), most=2), DataConfig(batch_size=1, height=32, width=50)
    checked = preflight(source, Needs(config.preprocess, codec, codec.problems), on_bad_sample="raise")
    with drawn_from(make_stream(source, checked, codec, config, seed=None)[0]) as iterator:
        batch = next(iterator)
    x, y = batch.targets.corners[0, 0].T
    assert (x.min(), x.max(), y.min(), y.max()) == (25, 40, 10, 20)
    white = np.argwhere(np.asarray(batch.images)[0, :, :, 0] > 127)
    assert [*white.min(axis=0), *white.max(axis=0) + 1] == [10, 25, 20, 40]
    assert batch.sizes.tolist() == [[32, 50]]


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_colours_are_in_the_order_red_green_blue(make_folder, channel):
    pure = np.zeros((32, 40, 3), np.uint8)
    pure[..., channel] = 255
    config = DataConfig(batch_size=1, channels=3)
    for source in (make_folder([(pure, "1")]), Drawn([(pure, "1")])):
        with drawn_from(stream(source, config)) as iterator:
            batch = next(iterator)
        np.testing.assert_array_equal(batch.images[0], pure)


def test_other_channels_are_refused(folder):
    with pytest.raises(ValueError, match=r"data\.channels=4: choose 1 \(grayscale\) or 3"):
        stream(folder, DataConfig(batch_size=4, channels=4))


def test_an_iterator_closed_amid_an_epoch_gives_nothing_more(folder):
    iterator = iter(stream(folder, CONFIG))
    draw(iterator, 1)
    iterator.close()
    iterator.close()
    with pytest.raises(ValueError, match="closed"):
        next(iterator)
