"""Bad samples are met before training, each by its file and line."""

import dataclasses

import cv2
import numpy as np
import pytest

from datasets import preflight as module
from datasets.mixture import Mixture
from datasets.preflight import BadSamplesError, preflight
from datasets.sources import RenderedSource, Sample
from datasets.synthetic.words import Words, WordsConfig
from recog.alphabet import DIGITS, Alphabet
from recog.preprocess import Preprocess
from tests.batches import text_needs

RNG = np.random.default_rng(0)
NEEDS = text_needs(DIGITS, max_width=128, max_length=8, frames=lambda width: width // 4 + 1)
PICTURE = RNG.integers(0, 256, (16, 40, 3), dtype=np.uint8)
"""80 pixels wide at height 32: 21 frames."""
GOOD = (PICTURE, "407")
PNG, JPEG = (cv2.imencode(extension, PICTURE)[1].tobytes() for extension in (".png", ".jpg"))


def blank(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


BAD = {
    "missing file": ((None, "1"), r"cannot be read: No such file"),
    "empty file": ((b"", "1"), r"not a picture that OpenCV can decode \(0 bytes\)"),
    "zeros": ((bytes(1000), "1"), r"not a picture that OpenCV can decode \(1000 bytes\)"),
    "text": ((b"<html>404</html>", "1"), r"not a picture that OpenCV can decode"),
    "truncated png": ((PNG[: len(PNG) // 2], "1"), r"cut short"),
    "png without its last bytes": ((PNG[:-20], "1"), r"cut short"),
    "truncated jpeg": ((JPEG[: len(JPEG) // 2], "1"), r"cut short"),
    "jpeg filled up with zeros": ((JPEG[: len(JPEG) // 2] + bytes(len(JPEG) // 2), "1"), r"cut short.*download"),
    "unknown token": ((PICTURE, "12a4"), r"text '12a4' holds 'a' at position 2"),
    "empty label": ((PICTURE, ""), r"the label is empty"),
    "too many tokens": ((PICTURE, "123456789"), r"'123456789' has 9 tokens, data.max_label_length is 8: raise it"),
    "too few frames": ((blank(32, 12), "12345"), r"'12345' needs 5 frames, the model emits 4: widen"),
    "too few frames for repeats": ((blank(32, 12), "1122"), r"'1122' needs 6 frames, the model emits 4"),
    "too wide": ((blank(16, 65), "1"), r"130 pixels wide at height 32, the widest bucket is 128: add a wider one"),
    "one row": ((blank(1, 200), "1"), r"6400 pixels wide"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_sample_is_named_with_file_line_and_reason(make_folder, kind):
    sample, reason = BAD[kind]
    source = make_folder([GOOD, sample, GOOD])
    with pytest.raises(BadSamplesError, match=reason) as caught:
        preflight(source, NEEDS, on_bad_sample="raise")
    assert f"  {source.labels}:2 (1.png): " in str(caught.value)
    assert "1 of 3 samples cannot be used" in str(caught.value)
    assert "on_bad_sample=skip" in str(caught.value)

    checked = preflight(source, NEEDS, on_bad_sample="skip")
    assert checked.indices.tolist() == [0, 2]
    assert checked.widths.tolist() == [80, 80]
    assert [problem.origin for problem in checked.problems] == [f"{source.labels}:2 (1.png)"]


def test_all_kinds_at_once_are_counted_and_the_first_ones_spelt_out(make_folder):
    source = make_folder([GOOD, *(sample for sample, _ in BAD.values()), GOOD])
    checked = preflight(source, NEEDS, on_bad_sample="skip")
    assert checked.indices.tolist() == [0, len(BAD) + 1]
    assert len(checked.problems) == len(BAD)
    assert checked.seen == len(BAD) + 2
    first, *shown, rest = checked.summary().splitlines()
    assert first == f"{len(BAD)} of {len(BAD) + 2} samples cannot be used:"
    assert len(shown) == 10
    assert rest == f"  ... and {len(BAD) - 10} more"


def test_a_malformed_line_is_a_bad_sample(make_folder):
    source = make_folder([GOOD, GOOD])
    source.labels.write_bytes(b"0.png\t1\n0.png 2\n\n0.png\t\xff\n0.png\t3\n")
    checked = preflight(type(source)(source.folder), NEEDS, on_bad_sample="skip")
    assert checked.indices.tolist() == [0, 3]
    assert [problem.origin for problem in checked.problems] == [f"{source.labels}:2", f"{source.labels}:4"]


@pytest.mark.parametrize(
    ("picture", "text", "width"),
    [
        (blank(32, 12), "1234", 12),  # 4 frames
        (blank(32, 12), "112", 12),  # 3 and a blank between the ones
        (blank(32, 128), "12345678", 128),
        (blank(1, 1), "1", 32),
        (blank(3000, 1), "1", 1),
        (blank(2000, 2000), "1", 32),
    ],
)
def test_what_just_fits_is_good(make_folder, picture, text, width):
    checked = preflight(make_folder([(picture, text)]), NEEDS, on_bad_sample="raise")
    assert checked.indices.tolist() == [0]
    assert checked.widths.tolist() == [width]
    assert not checked.problems


def test_without_buckets_only_what_is_no_line_of_text_is_too_wide(make_folder):
    source = make_folder([(blank(2, 256), "1"), (blank(2, 257), "1")])
    checked = preflight(source, dataclasses.replace(NEEDS, max_width=None), on_bad_sample="skip")
    assert checked.widths.tolist() == [4096]
    assert "4112 pixels wide when scaled, more than 4096: crop it" in str(checked.problems[0])


def test_labels_may_be_learnt_in_lower_case(make_folder):
    source = make_folder([(PICTURE, "Ab"), (PICTURE, "aB1")])
    needs = text_needs(Alphabet("ab"), max_length=8)
    with pytest.raises(BadSamplesError, match="holds 'A' at position 0"):
        preflight(source, needs, on_bad_sample="raise")
    found = preflight(source, text_needs(Alphabet("ab"), max_length=8, lower_case=True), on_bad_sample="skip")
    assert found.indices.tolist() == [0]
    assert "'1' at position 2" in str(found.problems[0])


def test_nothing_usable_is_an_error_even_when_skipping(make_folder):
    with pytest.raises(BadSamplesError, match="2 of 2 samples cannot be used"):
        preflight(make_folder([(None, "1"), (PICTURE, "")]), NEEDS, on_bad_sample="skip")
    with pytest.raises(BadSamplesError, match="holds no sample"):
        preflight(make_folder([]), NEEDS, on_bad_sample="skip")


def test_on_bad_sample_is_raise_or_skip(make_folder):
    with pytest.raises(ValueError, match="on_bad_sample='ignore': choose raise or skip"):
        preflight(make_folder([GOOD]), NEEDS, on_bad_sample="ignore")


def test_more_samples_than_are_looked_at_together_keep_their_order(make_folder, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 4)
    samples = [(blank(32, 40 + i), "x" if i % 3 == 0 else "1") for i in range(11)]
    checked = preflight(make_folder(samples), NEEDS, on_bad_sample="skip")
    assert checked.indices.tolist() == [1, 2, 4, 5, 7, 8, 10]
    assert checked.widths.tolist() == [41, 42, 44, 45, 47, 48, 50]
    assert [problem.origin.split()[-1] for problem in checked.problems] == ["(0.png)", "(3.png)", "(6.png)", "(9.png)"]


def test_an_error_that_is_no_fault_of_a_sample_is_not_hidden(make_folder):
    def broken(width: int) -> int:
        raise RuntimeError(f"no model for {width}")

    with pytest.raises(RuntimeError, match="no model for 80"):
        preflight(make_folder([GOOD]), text_needs(DIGITS, frames=broken), on_bad_sample="skip")


class Rendered:
    """Draws blank pictures and remembers which."""

    def __init__(self, count: int, text: str = "12", width: int = 90):
        self.count, self.text, self.width = count, text, width
        self.drawn: list[int] = []

    @property
    def size(self) -> tuple[int, int]:
        return 48, self.width

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        self.drawn.append(index)
        return Sample(blank(*self.size), self.text, self.origin(index))

    def origin(self, index: int) -> str:
        return f"rendered {index}"


def test_of_a_rendered_source_only_the_first_samples_are_drawn():
    source = Rendered(1000)
    assert isinstance(source, RenderedSource)
    checked = preflight(source, NEEDS, on_bad_sample="raise")
    assert sorted(source.drawn) == list(range(module.LOOK_AT_RENDERED))
    assert checked.indices.tolist() == list(range(1000))
    assert set(checked.widths.tolist()) == {60}
    assert preflight(Rendered(3), NEEDS, on_bad_sample="skip").indices.tolist() == [0, 1, 2]


@pytest.mark.parametrize("on_bad_sample", ["raise", "skip"])
@pytest.mark.parametrize(
    ("source", "reason"), [(Rendered(9, "A"), "'A' at position 0"), (Rendered(9, width=200), "133")]
)
def test_a_rendered_source_that_does_not_fit_the_model_is_refused(source, reason, on_bad_sample):
    with pytest.raises(BadSamplesError, match=f"rendered sample does not fit the model: rendered 0: .*{reason}"):
        preflight(source, NEEDS, on_bad_sample=on_bad_sample)


def test_an_empty_rendered_source_is_refused():
    with pytest.raises(BadSamplesError, match="holds no sample"):
        preflight(Rendered(0), NEEDS, on_bad_sample="raise")


class Watched:
    """A source that remembers which of its samples were read."""

    def __init__(self, source):
        self.source = source
        self.read: list[int] = []

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Sample:
        self.read.append(index)
        return self.source[index]

    def origin(self, index: int) -> str:
        return self.source.origin(index)


def test_of_a_mixture_each_sample_is_looked_at_once_and_rendered_parts_are_trusted(make_folder):
    folder = Watched(make_folder([(blank(32, 40 + i), "1") for i in range(3)]))
    rendered = Rendered(400)
    source = Mixture([rendered, folder], [0.8, 0.2])
    checked = preflight(source, NEEDS, on_bad_sample="raise")
    assert sorted(folder.read) == [0, 1, 2]
    assert sorted(rendered.drawn) == list(range(module.LOOK_AT_RENDERED))
    assert checked.seen == 403
    assert checked.indices.tolist() == list(range(len(source)))
    places = [source.locate(index) for index in range(len(source))]
    assert checked.widths.tolist() == [60 if part == 0 else 40 + own for part, own in places]


def test_bad_samples_of_a_mixture_are_named_once_and_their_turns_left_out(make_folder):
    folder = make_folder([(blank(32, 40), "1"), (blank(32, 41), "x"), (None, "1")])
    source = Mixture([Rendered(90), folder], [3, 1])
    with pytest.raises(BadSamplesError, match="2 of 93 samples cannot be used") as caught:
        preflight(source, NEEDS, on_bad_sample="raise")
    assert str(caught.value).count(f"{folder.labels}:2 (1.png)") == 1
    checked = preflight(source, NEEDS, on_bad_sample="skip")
    assert len(checked.problems) == 2
    usable = [index for index in range(len(source)) if source.locate(index) not in [(1, 1), (1, 2)]]
    assert checked.indices.tolist() == usable
    assert len(checked.widths) == len(usable)


def test_a_part_of_a_mixture_that_cannot_be_used_at_all_is_an_error(make_folder):
    with pytest.raises(BadSamplesError, match="1 of 1 samples cannot be used"):
        preflight(Mixture([Rendered(9), make_folder([(PICTURE, "x")])], [1, 1]), NEEDS, on_bad_sample="skip")
    with pytest.raises(BadSamplesError, match="rendered sample does not fit the model"):
        preflight(Mixture([make_folder([GOOD]), Rendered(9, "A")], [1, 1]), NEEDS, on_bad_sample="skip")


def test_what_is_mixed_and_how_is_in_the_digest(make_folder):
    folder, other = make_folder([GOOD]), Rendered(5)
    sources = [Mixture([other, folder], [1, 1]), Mixture([other, folder], [2, 1]), Mixture([folder, other], [1, 1])]
    digests = [preflight(source, NEEDS, on_bad_sample="raise").digest for source in sources]
    assert len(set(digests)) == 3
    assert preflight(Mixture([Rendered(5), folder], [3, 3]), NEEDS, on_bad_sample="raise").digest == digests[0]


def test_mixtures_of_mixtures_are_checked_to_the_bottom(make_folder):
    folder = Watched(make_folder([(blank(32, 40), "1"), (PICTURE, "x")]))
    inner = Mixture([Rendered(6), folder], [1, 1])
    source = Mixture([inner, Rendered(30)], [1, 1])
    checked = preflight(source, NEEDS, on_bad_sample="skip")
    bad = [i for i in range(len(source)) if source.origin(i) == folder.origin(1)]
    assert sorted(folder.read) == [0, 1]
    assert bad
    assert checked.indices.tolist() == [i for i in range(len(source)) if i not in bad]


def test_other_pictures_under_the_same_labels_are_other_samples(make_folder):
    stretched = dataclasses.replace(NEEDS, preprocess=Preprocess(32, 80))
    digests = [
        preflight(make_folder([(picture, "1")]), stretched, on_bad_sample="raise").digest
        for picture in (PICTURE, PICTURE, 255 - PICTURE)
    ]
    assert digests[0] == digests[1] != digests[2]


def test_other_words_of_a_renderer_are_other_samples(tmp_path):
    digests = []
    for words in ("12\n34\n", "12\n34\n", "12\n35\n"):
        (tmp_path / "words.txt").write_text(words)
        source = Words(WordsConfig(count=100, lexicon=str(tmp_path / "words.txt")))
        digests.append(preflight(source, NEEDS, on_bad_sample="raise").digest)
    assert digests[0] == digests[1] != digests[2]


def test_of_many_bad_samples_the_first_are_kept_without_their_frames(make_folder, monkeypatch):
    monkeypatch.setattr(module, "NAMED", 12)
    checked = preflight(make_folder([GOOD, *[(None, "1")] * 30]), NEEDS, on_bad_sample="skip")
    assert (len(checked.problems), checked.bad) == (12, 30)
    assert not any(problem.__traceback__ or problem.__cause__ for problem in checked.problems)
    assert checked.summary().splitlines()[0] == "30 of 31 samples cannot be used:"
    assert checked.summary().splitlines()[-1] == "  ... and 20 more"


def test_digests_of_pictures_can_be_given_up(make_folder):
    checked = preflight(make_folder([GOOD, GOOD]), NEEDS, on_bad_sample="raise")
    without = checked.without_pictures()
    assert [len(array) for array in checked.pictures] == [2, 2, 2]
    assert [len(array) for array in without.pictures] == [0, 0, 0]
    assert without._replace(pictures=checked.pictures) == checked
