"""Listed samples are left out of every kind of source, and entries that name none are refused."""

import pytest

from datasets.csv_source import CsvFile
from datasets.excluded import without_listed
from datasets.joined import Joined
from datasets.mixture import Mixture
from datasets.name_source import NamedPictures
from datasets.replated import VARIANTS, Replated
from datasets.sources import Folder, Keyed, Stored, Subset
from datasets.specs import open_source
from tests.launch.pictures import Texts, write_boxes


@pytest.fixture
def listed(tmp_path):
    """Six samples, listed for several kinds of sources."""
    for number in range(6):
        (tmp_path / f"A{number}_1.png").touch()
    names = [path.name for path in sorted(tmp_path.iterdir())]
    (tmp_path / "labels.tsv").write_text("".join(f"{name}\t1\n" for name in names))
    (tmp_path / "list.csv").write_text("image_path,plate_text\n" + "".join(f"{name},1\n" for name in names))
    return tmp_path


def exclude(folder, text: str):
    file = folder / "exclude.txt"
    file.write_bytes(text.encode())
    return file


def keys(source) -> list[str]:
    return [source.key(index).decode() for index in range(len(source))]


FORMS = {"folder": Folder, "names": NamedPictures, "csv": lambda path: CsvFile(path / "list.csv")}


@pytest.mark.parametrize("kind", FORMS)
def test_listed_samples_are_left_out(listed, kind):
    source, left_out = without_listed(FORMS[kind](listed), exclude(listed, "A1_1.png\nA4_1.png\n"))
    assert left_out == 2
    assert keys(source) == ["A0_1.png", "A2_1.png", "A3_1.png", "A5_1.png"]


@pytest.mark.parametrize(
    "text",
    ["A2_1.png", "\ufeffA2_1.png\r\n\r\n", "file\tlabel\trank\nA2_1.png\tcat\t40\n", "A2_1.png\tx\nA2_1.png\ty\n"],
)
def test_forms_of_lists(listed, text):
    source, left_out = without_listed(Folder(listed), exclude(listed, text))
    assert left_out == 1
    assert "A2_1.png" not in keys(source)


def test_parts_of_a_mixture_lose_their_samples(listed):
    mixture = open_source(f"0.5*plates:count=4 + 0.5*folder:{listed}")
    remaining, left_out = without_listed(mixture, exclude(listed, "A3_1.png\n"))
    assert left_out == 1
    assert isinstance(remaining, Mixture)
    assert isinstance(mixture, Mixture)
    assert [len(part) for part in remaining.sources] == [4, 5]
    assert remaining.counts == mixture.counts


def test_samples_held_out_of_several_parts_lose_theirs(listed):
    joined = Joined([open_source(f"held:0.5:folder:{listed}"), open_source(f"kept:0.5:folder:{listed}")])  # pyright: ignore[reportArgumentType]
    remaining, left_out = without_listed(joined, exclude(listed, "A3_1.png\nA5_1.png\n"))
    assert isinstance(remaining, Joined)
    assert left_out == 2
    assert keys(remaining) == [key for key in keys(joined) if key not in ("A3_1.png", "A5_1.png")]


def test_variants_go_with_their_photograph(tmp_path):
    photographs = open_source(f"boxes:{write_boxes(tmp_path / 'photos')}")
    assert isinstance(photographs, Keyed)
    remaining, left_out = without_listed(Replated(photographs), exclude(tmp_path, "1.png\n"))
    assert left_out == 1
    assert keys(remaining) == ["0.png", "2.png"] * VARIANTS


def test_a_part_of_a_source_may_lack_listed_samples(listed):
    parts = [open_source(f"{kind}:1/3:folder:{listed}") for kind in ("held", "kept")]
    names = [keys(part) for part in parts]
    file = exclude(listed, f"{names[0][0]}\n{names[1][0]}\n{names[1][1]}\n")
    (held, of_held), (kept, of_kept) = (without_listed(part, file) for part in parts)
    assert (keys(held), keys(kept)) == (names[0][1:], names[1][2:])
    assert (of_held, of_kept) == (1, 2)


def test_stored_renderings_stay_renderings(listed):
    folder = Folder(listed)
    assert not Subset(folder, [0]).rendered
    folder.rendered = True  # pyright: ignore[reportAttributeAccessIssue]  # as prepared sets have it
    remaining, _ = without_listed(folder, exclude(listed, "A0_1.png\n"))
    assert isinstance(remaining, Stored)
    assert remaining.rendered


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A1_1.png\nB.png\nC.png\n", r"exclude\.txt: 2 of its 3 entries name no sample: 'B\.png', 'C\.png'.*'A0_1"),
        ("a\nb\nc\nd\ne\n", r"'a', 'b', 'c' and 2 more"),
        ("\n", "lists no sample"),
        ("".join(f"A{n}_1.png\n" for n in range(6)), "leaves no sample"),
    ],
)
def test_lists_that_do_not_fit_are_refused(listed, text, message):
    with pytest.raises(ValueError, match=message):
        without_listed(Folder(listed), exclude(listed, text))


def test_a_missing_list_and_samples_without_names_are_refused(listed):
    with pytest.raises(FileNotFoundError, match=r"data\.exclude=.*none\.txt"):
        without_listed(Folder(listed), listed / "none.txt")
    with pytest.raises(ValueError, match="no names"):
        without_listed(Texts("a", "b"), exclude(listed, "a\n"))
