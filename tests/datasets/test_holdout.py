"""Folds of a source: disjoint, complete, of equal size, independent of the order of the samples."""

import random
from collections import Counter

import pytest

from datasets.holdout import split_fold
from datasets.pipeline import DataConfig
from datasets.sources import Keyed, Sample
from datasets.specs import open_source


class Keys:
    """A source of keys alone."""

    def __init__(self, *keys: str):
        self.keys = keys

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> Sample:
        return Sample(b"", self.keys[index], self.origin(index))

    def origin(self, index: int) -> str:
        return self.keys[index]

    def key(self, index: int) -> bytes:
        return self.keys[index].encode()


def held_keys(source: Keyed, folds: int, by: str = "") -> list[set[bytes]]:
    found = []
    for fold in range(folds):
        training, held = split_fold(source, folds, fold, by)
        assert sorted([*training.indices, *held.indices]) == list(range(len(source)))
        found.append({held.key(i) for i in range(len(held))})
    return found


@pytest.mark.parametrize(("count", "folds"), [(984, 5), (10, 10), (7, 2), (11, 3)])
def test_each_sample_is_held_out_once_and_folds_are_equally_large(count, folds):
    keys = [f"images/{number:05}.jpg" for number in range(count)]
    held = held_keys(Keys(*keys), folds)
    assert set.union(*held) == {key.encode() for key in keys}
    sizes = list(map(len, held))
    assert sum(sizes) == count
    assert max(sizes) - min(sizes) <= 1


def test_folds_do_not_depend_on_the_order():
    keys = [f"r{number % 30}_{number}.jpg" for number in range(100)]
    shuffled = random.Random(0).sample(keys, len(keys))
    for by in ("", r"r\d+_"):
        assert held_keys(Keys(*keys), 4, by) == held_keys(Keys(*shuffled), 4, by)


def test_groups_stay_together_in_folds_of_about_the_same_size():
    keys = [f"r{group}_{number}.jpg" for group in range(40) for number in range(1 + group % 7)]
    held = held_keys(Keys(*keys), 5, r"(r\d+)_")
    groups = [{key.split(b"_")[0] for key in keys} for keys in held]
    assert sum(map(len, groups)) == 40, "no group is in two folds"
    sizes = list(map(len, held))
    assert max(sizes) - min(sizes) <= 2, Counter(sizes)


def test_variants_of_held_out_samples_are_not_trained_on():
    class Variants(Keys):
        """Three variants of each of nine samples."""

        plain = Keys(*map(str, range(9)))

        def key(self, index):
            return self.plain.key(index % 9)

    source = Variants(*map(str, range(27)))
    for fold in range(3):
        training, held = split_fold(source, 3, fold)
        held_out = {held.key(i) for i in range(len(held))}
        assert (len(held), len(training)) == (3, 18)
        assert not held_out & {training.key(i) for i in range(len(training))}


@pytest.mark.parametrize(
    ("folds", "fold", "message"), [(5, 5, "0 to 4"), (5, -1, "0 to 4"), (1, 0, "folds=1"), (4, 0, "3 samples")]
)
def test_folds_that_cannot_be_are_refused(folds, fold, message):
    with pytest.raises(ValueError, match=message):
        split_fold(Keys("a", "b", "c"), folds, fold)


def test_specs_name_the_folds_of_a_run(tmp_path):
    (tmp_path / "labels.tsv").write_text("".join(f"{n}.png\tx\n" for n in range(11)))
    whole = open_source(f"folder:{tmp_path}")
    assert isinstance(whole, Keyed)
    for fold, expected in enumerate(held_keys(whole, 3)):
        kept, held = (open_source(f"{part}:{fold}/3:folder:{tmp_path}") for part in ("kept", "held"))
        assert isinstance(held, Keyed)
        assert {held.key(i) for i in range(len(held))} == expected
        assert len(kept) + len(held) == 11
    for share, message in {
        "3/3": "0 to 2",
        "a/3": "write the share",
        "1/": "write the share",
        "0/12": "11 samples",
    }.items():
        with pytest.raises(ValueError, match=rf"held:{share}:folder:.*{message}"):
            open_source(f"held:{share}:folder:{tmp_path}")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"folds": 5, "holdout": 0.2}, r"data\.holdout=0\.2 both"),
        ({"folds": 5, "validation": "folder:x"}, r"data\.validation=folder:x both"),
        ({"folds": 5, "fold": 5}, "0 to 4"),
        ({"fold": 1}, "folds=5"),
        ({"folds": 1}, "2 or more"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DataConfig(**settings).check()
    DataConfig(folds=5, fold=4).check()
