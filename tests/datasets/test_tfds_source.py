"""Prepared sets as sources: what is read, where they are found, and what is wrong with others."""

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tensorflow_datasets as tfds
from etils import epath

from datasets.builders.shards import write_shards
from datasets.holdout import split_holdout
from datasets.preflight import preflight
from datasets.sources import BadSampleError, RenderedSource
from datasets.tfds_source import Tfds, boxes_feature, find_prepared
from recog.alphabet import LATIN_36
from recog.codecs import BoxLabel, LabelledBox, boxes_to_json
from tests.batches import text_needs

TEXTS = tfds.features.Sequence(tfds.features.Text())
FEATURES = {
    "image": tfds.features.Image(shape=(None, None, 3)),
    "text": tfds.features.Text(),
    "origin": tfds.features.Text(),
    "lexicon_50": TEXTS,
}


def png(number: int) -> bytes:
    return cv2.imencode(".png", np.full((32, 60 + number, 3), number, np.uint8))[1].tobytes()


def write_set(folder: Path, features: dict[str, Any], examples: list[dict[str, Any]], **kwargs) -> Path:
    """A prepared set as TFDS's own tools write one, with three samples a shard."""
    folder.mkdir(parents=True)
    feature = tfds.features.FeaturesDict(features)
    template = tfds.core.ShardedFileTemplate(
        data_dir=epath.Path(folder), dataset_name="words", split="test", filetype_suffix="array_record"
    )
    records = (feature.serialize_example(example) for example in examples)
    size = 3 * len(feature.serialize_example(examples[0])) - 20
    split = write_shards(records, template, size)
    tfds.folder_dataset.write_metadata(
        data_dir=folder, features=feature, split_infos=[split], filename_template=template, check_data=False, **kwargs
    )
    return folder


def example(number: int) -> dict[str, Any]:
    return {
        "image": png(number),
        "text": f"word{number}",
        "origin": f"words.xml:{number}",
        "lexicon_50": ["é", f"word{number}"],
    }


@pytest.fixture
def prepared(tmp_path) -> Path:
    return write_set(tmp_path / "data" / "words" / "1.0.0", FEATURES, [example(number) for number in range(8)])


def test_samples_are_encoded_pictures_texts_and_where_they_come_from(prepared):
    source = Tfds(prepared, "test")
    assert len(source) == 8
    assert len(list(prepared.glob("*.array_record*"))) == 3
    for number in range(8):
        origin = f"{prepared} test[{number}]"
        assert source.origin(number) == origin
        assert source[number] == (png(number), f"word{number}", f"{origin} words.xml:{number}")
    assert not isinstance(source, RenderedSource)


def test_indices_are_those_of_a_sequence(prepared):
    source = Tfds(prepared, "test")
    assert source[-1].label == "word7"
    assert [sample.label for sample in source] == [f"word{number}" for number in range(8)]
    for index in (8, -9):
        with pytest.raises(IndexError):
            source[index]


def test_a_part_of_a_split(prepared):
    texts = [[s.label for s in Tfds(prepared, split)] for split in ("test[:75%]", "test[75%:]")]
    assert texts == [[f"word{n}" for n in range(6)], ["word6", "word7"]]


def test_each_sample_has_its_own_lexicon(prepared):
    source = Tfds(prepared, "test")
    assert source.words(3, "lexicon_50") == ["é", "word3"]
    with pytest.raises(ValueError, match=r"'lexicon_1k'; .* image, lexicon_50, origin, text"):
        source.words(3, "lexicon_1k")


def test_it_is_found_by_its_folder_those_above_and_its_name(prepared, tmp_path, monkeypatch):
    assert (
        find_prepared(prepared) == find_prepared(str(prepared.parent)) == find_prepared(tmp_path / "data") == prepared
    )
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    assert find_prepared("words") == find_prepared("words/1.0.0") == prepared


def test_several_sets_have_to_be_told_apart(prepared, tmp_path):
    write_set(tmp_path / "data" / "words" / "2.0.0", FEATURES, [example(0)])
    with pytest.raises(ValueError, match=r"holds several sets: choose one of .*1\.0\.0, .*2\.0\.0"):
        Tfds(prepared.parent, "test")
    assert len(Tfds(prepared, "test")) == 8


def test_what_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=rf"no prepared set .* in nowhere or {tmp_path}/nowhere"):
        Tfds("nowhere", "test")


@pytest.mark.parametrize("split", ["train", "test[", "", "test[:x%]"])
def test_an_unknown_split_is_refused(prepared, split):
    with pytest.raises(ValueError, match=r"has no split .*; .* test"):
        Tfds(prepared, split)


def test_other_features_are_refused(tmp_path):
    write_set(tmp_path / "1.0.0", {"label": tfds.features.Text()}, [{"label": "cat"}])
    with pytest.raises(ValueError, match=rf"{tmp_path}.*: .* image \(Image\) and text \(Text\)"):
        Tfds(tmp_path, "test")


def test_a_set_of_others_needs_no_origin(tmp_path):
    features = {name: FEATURES[name] for name in ("image", "text")}
    folder = write_set(tmp_path / "1.0.0", features, [{"image": png(1), "text": "a"}])
    assert Tfds(folder, "test")[0] == (png(1), "a", f"{folder} test[0]")


def test_a_missing_shard_is_noticed_at_once(prepared):
    (shard,) = prepared.glob("*00001-of-00003")
    shard.unlink()
    with pytest.raises(FileNotFoundError, match=r"missing .*00001-of-00003"):
        Tfds(prepared, "test")


@pytest.mark.parametrize(
    ("damage", "lost"),
    [
        (lambda content: content[:400] + bytes(50) + content[450:], {4}),
        (lambda content: content[: len(content) // 2], {3, 4, 5}),
        (lambda content: b"", {3, 4, 5}),
    ],
)
def test_damaged_records_are_bad_samples_and_the_others_are_read(prepared, damage, lost):
    (shard,) = prepared.glob("*00001-of-00003")
    shard.write_bytes(damage(shard.read_bytes()))
    source = Tfds(prepared, "test")
    for index in range(8):
        if index in lost:
            with pytest.raises(BadSampleError, match="the record cannot be read") as caught:
                source[index]
            assert caught.value.origin == f"{prepared} test[{index}]"
        else:
            assert source[index].label == f"word{index}"


def test_a_text_that_is_not_utf8_is_a_bad_sample(tmp_path):
    folder = write_set(tmp_path / "1.0.0", FEATURES, [example(0) | {"text": b"\xff"}])
    with pytest.raises(BadSampleError, match="is not UTF-8"):
        Tfds(folder, "test")[0]


def test_labels_with_boxes(tmp_path):
    label = BoxLabel((LabelledBox(np.array([[0.1, 0], [9, 0], [9, 3], [0, 1e-9]], np.float32), "plate", "京A1"),))
    examples = [
        {"image": png(number), "text": "京A1", "boxes": stored}
        for number, stored in enumerate([boxes_to_json(label), "[]", "京A1", b"\xff"])
    ]
    features = {name: FEATURES[name] for name in ("image", "text")} | {"boxes": boxes_feature()}
    source = Tfds(write_set(tmp_path / "1.0.0", features, examples), "test")
    assert boxes_to_json(source[0].label) == boxes_to_json(label)
    assert source[1].label == BoxLabel(())
    for index in (2, 3):
        with pytest.raises(BadSampleError, match=rf"test\[{index}\]: feature boxes: .*prepare the set anew"):
            source[index]


@pytest.mark.parametrize("use", [len, lambda source: source[0]])
def test_it_travels_to_worker_processes_before_and_after_use(prepared, use: Callable):
    source = Tfds(prepared, "test")
    use(source)
    copy = pickle.loads(pickle.dumps(source))
    assert [copy[index] for index in range(8)] == [source[index] for index in range(8)]
    assert copy.words(2, "lexicon_50") == ["é", "word2"]


def test_threads_read_it_together(prepared):
    source = Tfds(prepared, "test")
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda index: source[index % 8].label, range(400)))
    assert texts == [f"word{index % 8}" for index in range(400)]


def test_it_passes_the_preflight(prepared):
    needs = text_needs(LATIN_36, max_length=8, frames=lambda width: width // 4)
    found = preflight(Tfds(prepared, "test"), needs, on_bad_sample="raise")
    assert found.widths.tolist() == [60 + number for number in range(8)]


def test_samples_can_be_held_out(prepared):
    source = Tfds(prepared, "test")
    training, held = split_holdout(source, 0.5)
    assert len(held) == round(len(source) / 2)
    assert sorted([*training.indices, *held.indices]) == list(range(len(source)))
