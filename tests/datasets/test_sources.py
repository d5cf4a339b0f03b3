"""How labels.tsv is read, and how samples are held out."""

import pickle
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.holdout import split_holdout
from datasets.sources import BadSampleError, Folder, Keyed, RenderedSource, Subset


def folder(path: Path, labels: bytes) -> Folder:
    (path / "labels.tsv").write_bytes(labels)
    return Folder(path)


def texts(source: Folder) -> list[str]:
    return [source[i].label for i in range(len(source))]


def test_a_sample_holds_the_file_the_text_and_where_it_stands(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a b.png").write_bytes(b"pixels")
    source = folder(tmp_path, b"images/a b.png\tTEXT\n")
    assert source[0] == (b"pixels", "TEXT", f"{tmp_path}/labels.tsv:1 (images/a b.png)")
    assert not isinstance(source, RenderedSource)


def test_samples_of_a_folder_and_of_a_part_of_it_have_keys(tmp_path):
    source = folder(tmp_path, b"b.png\t1\na/\xe4\xba\xac.png\t2\n")
    assert isinstance(source, Keyed)
    assert [source.key(i) for i in range(2)] == [b"b.png", "a/京.png".encode()]
    assert Subset(source, [1]).key(0) == source.key(1)


def test_byte_order_mark_crlf_and_blank_lines_are_passed_over_and_line_numbers_kept(tmp_path):
    (tmp_path / "a.png").touch()
    source = folder(tmp_path, b"\xef\xbb\xbfa.png\t1\r\n\r\n  \t\r\n\na.png\t2")
    assert texts(source) == ["1", "2"]
    assert source[0].origin == f"{tmp_path}/labels.tsv:1 (a.png)"
    assert source[1].origin == f"{tmp_path}/labels.tsv:5 (a.png)"


# The lines end with LF or CRLF. Everything else that str.splitlines would break at belongs to the text.
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r")), min_size=1, max_size=5))
def test_every_text_without_a_line_break_comes_back(tmp_path_factory, written):
    path = tmp_path_factory.mktemp("folder")
    (path / "a.png").touch()
    labels = "".join(f"a.png\t{text}\n" for text in written)
    assert texts(folder(path, labels.encode())) == written


@pytest.mark.parametrize(
    "text", ["two words", " led", "trailed ", "a\tb", "a\u2028b\u2029c", "a\x0bb\x0cc\x1cd\x85e", "a\rb"]
)
def test_spaces_tabs_and_unicode_line_separators_stay_in_the_text(tmp_path, text):
    (tmp_path / "a.png").touch()
    assert texts(folder(tmp_path, f"a.png\t{text}\r\na.png\t{text}\n".encode())) == [text, text]


@pytest.mark.parametrize(
    ("line", "place", "reason"),
    [
        (b"a.png 123", "", "is not path<TAB>text"),
        (b"\t123", "", "is not path<TAB>text"),
        (b"none.png\t123", " (none.png)", "cannot be read: No such file"),
        (b".\t123", " (.)", "cannot be read: Is a directory"),
        (b"a\0.png\t123", " (a\0.png)", "cannot be read: embedded null byte"),
        ("a.png\t京".encode("gbk"), "", "is not UTF-8"),
    ],
)
def test_a_malformed_line_is_named_and_the_others_are_read(tmp_path, line, place, reason):
    (tmp_path / "a.png").touch()
    source = folder(tmp_path, b"a.png\t1\n" + line + b"\na.png\t3\n")
    with pytest.raises(BadSampleError, match=reason) as caught:
        source[1]
    assert caught.value.origin == f"{tmp_path}/labels.tsv:2{place}"
    assert len(source) == 3
    assert source[2].label == "3"


def test_a_label_file_in_another_encoding_says_so(tmp_path):
    source = folder(tmp_path, "a.png\t1\n".encode("utf-16"))
    with pytest.raises(BadSampleError, match="save the file as UTF-8"):
        source[0]


def test_a_folder_without_labels_says_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"labels\.tsv does not exist: .* path<TAB>text"):
        Folder(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"nowhere/labels\.tsv"):
        Folder(tmp_path / "nowhere")


def test_sources_and_errors_travel_to_worker_processes(tmp_path):
    (tmp_path / "a.png").touch()
    source = Subset(folder(tmp_path, b"a.png\t1\na.png\t2\n"), [1])
    copy = pickle.loads(pickle.dumps(source))
    assert len(copy) == 1
    assert copy[0] == source[0]
    error = pickle.loads(pickle.dumps(BadSampleError("labels.tsv:3", "empty")))
    assert (str(error), error.origin, error.reason) == ("labels.tsv:3: empty", "labels.tsv:3", "empty")


def held_lines(source: Folder, share: float) -> tuple[list[bytes], list[bytes]]:
    train, held = split_holdout(source, share)
    return [source.key(i) for i in train.indices], [source.key(i) for i in held.indices]


def lines(paths) -> bytes:
    return "".join(f"{path}\tx\n" for path in paths).encode()


@given(count=st.integers(2, 60), share=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_the_held_out_part_is_exact_disjoint_complete_and_stable(tmp_path_factory, count, share, seed):
    path = tmp_path_factory.mktemp("folder")
    paths = [f"images/{number:05}.png" for number in range(count)]
    source = folder(path, lines(paths))
    if not 0 < round(count * share) < count:
        with pytest.raises(ValueError, match="leaves nothing on one side"):
            split_holdout(source, share)
        return
    train, held = held_lines(source, share)
    assert len(held) == round(count * share)
    assert sorted(train + held) == [source.key(i) for i in range(count)]
    random.Random(seed).shuffle(paths)
    assert sorted(held_lines(folder(path, lines(paths)), share)[1]) == held


def test_a_larger_share_holds_the_same_samples_out_and_more(tmp_path):
    source = folder(tmp_path, lines(f"{number}.png" for number in range(50)))
    assert set(held_lines(source, 0.2)[1]) < set(held_lines(source, 0.3)[1])


def test_lines_with_the_same_path_stay_on_one_side(tmp_path):
    paths = [f"{number}.png" for number in range(10)] * 3
    for share in (0.1, 0.25, 0.5, 0.75):
        train, held = held_lines(folder(tmp_path, lines(paths)), share)
        assert not set(train) & set(held)
        assert len(held) == 3 * round(10 * share)


@pytest.mark.parametrize("by", ["r[0-9]+_", "(r[0-9]+)_", r"/(r\d+)_\d"])
def test_samples_of_one_name_stay_together(tmp_path, by):
    paths = [f"images/r{receipt:03}_{number:02}.jpg" for receipt in range(20) for number in range(1 + receipt % 4)]
    source = folder(tmp_path, lines(paths))
    train, held = split_holdout(source, 0.15, by)
    names = [{source.key(i)[7:11] for i in subset.indices} for subset in (train, held)]
    assert not names[0] & names[1]
    assert (len(names[0]), len(names[1])) == (17, 3)
    assert sorted([*train.indices, *held.indices]) == list(range(len(paths)))


def test_paths_without_the_name_stand_for_themselves(tmp_path):
    source = folder(tmp_path, lines([*(f"{number}.png" for number in range(9)), "r1_a.png", "r1_b.png"]))
    held = {source.key(i) for i in split_holdout(source, 0.3, "r[0-9]+")[1].indices}
    names = {b"r1" if key.startswith(b"r1") else key for key in held}
    assert len(names) == 3
    assert len(held) == 3 + (b"r1" in names)


def test_what_is_no_regular_expression_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"data.holdout_by='\(r' is not a regular expression"):
        split_holdout(folder(tmp_path, lines("abc")), 0.5, "(r")


@pytest.mark.parametrize("share", [-0.5, 0.0, 1.0, 1.5])
def test_a_share_that_leaves_a_side_empty_is_refused(tmp_path, share):
    with pytest.raises(ValueError, match=f"data.holdout={share} of 3 samples leaves nothing"):
        split_holdout(folder(tmp_path, lines("abc")), share)


@pytest.mark.parametrize("by", [r"^(\w+)_\d", r"^(.\w{6})_", "^([皖京沪é]\\w{6})_", "^([^_]+)_", r"[^_]+_"])
def test_names_may_be_of_any_script(tmp_path, by):
    plates = [f"{'皖京沪é'[n % 4]}A{n:05}" for n in range(40)]
    source = folder(tmp_path, lines([f"{plate}_{shot}.jpg" for plate in plates for shot in range(3)]))
    found = [{source.key(i).decode()[:7] for i in part.indices} for part in split_holdout(source, 0.25, by)]
    assert not found[0] & found[1]


def test_a_group_that_takes_no_part_leaves_the_whole_match(tmp_path):
    source = folder(tmp_path, lines(["r1_a", "r1_b", "ax", "ay"]))
    parts = split_holdout(source, 0.5, r"(r\d+)|^.")
    assert {frozenset(source.key(i) for i in part.indices) for part in parts} == {
        frozenset([b"r1_a", b"r1_b"]),
        frozenset([b"ax", b"ay"]),
    }


def test_a_pattern_that_matches_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'x-' matches none of 3 keys, such as 'a'"):
        split_holdout(folder(tmp_path, lines("abc")), 0.5, "x-")
