"""Label files of other programs: read where the meaning is beyond doubt, otherwise refused once with the mend."""

from pathlib import Path

import pytest

from datasets import label_files
from datasets.label_files import PROBED, find_picture
from datasets.sources import BadSampleError, Folder
from datasets.specs import open_source

COUNT = 12


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder ``set`` with pictures in ``images``."""
    (tmp_path / "set" / "images").mkdir(parents=True)
    for number in range(COUNT):
        (tmp_path / "set" / "images" / f"{number}.png").write_bytes(b"%d" % number)
    return tmp_path / "set"


def write(folder: Path, line: str, end: str = "\n", first: str = "", count: int = COUNT) -> Path:
    """Writes ``labels.tsv`` with a line for each picture; ``{n}`` is its number."""
    lines = [line.replace("{n}", str(number)) + end for number in range(count)]
    (folder / "labels.tsv").write_bytes((first + "".join(lines)).encode())
    return folder


def contents(source) -> list[tuple[bytes, str]]:
    return [source[index][:2] for index in range(len(source))]


EXPECTED = [(b"%d" % number, f"text {number}") for number in range(COUNT)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_all_systems_are_read(folder, end):
    source = Folder(write(folder, "images/{n}.png\ttext {n}", end))
    assert contents(source) == EXPECTED
    assert source.origin(2) == f"{folder}/labels.tsv:3 (images/2.png)"


def test_a_carriage_return_in_a_single_label_stays(folder):
    (folder / "labels.tsv").write_bytes(b"images/0.png\ta\rb")
    assert contents(Folder(folder)) == [(b"0", "a\rb")]


def test_backslashes_of_windows_are_read(folder):
    source = Folder(write(folder, "images\\{n}.png\ttext {n}"))
    assert contents(source) == EXPECTED
    assert source.origin(0) == f"{folder}/labels.tsv:1 (images\\0.png)"
    (folder / "list.csv").write_text("image_path,plate_text\nimages\\3.png,text 3\n")
    assert contents(open_source(f"csv:{folder}/list.csv")) == EXPECTED[3:4]


def test_a_file_whose_name_has_backslashes_is_preferred(folder):
    (folder / "images\\0.png").write_bytes(b"other")
    assert find_picture(folder, "images\\0.png") == folder / "images\\0.png"
    assert find_picture(folder, "images\\1.png") == folder / "images/1.png"
    assert find_picture(folder, "images\\none.png") == folder / "images\\none.png"


@pytest.mark.parametrize(
    ("line", "fault", "mend"),
    [
        ('"images/{n}.png"\t"text"', "quotation marks around the path", "remove"),
        ("'images/{n}.png'\ttext", "quotation marks around the path", "remove"),
        ("text\timages/{n}.png", "text<TAB>path", "swap the columns"),
        ("images/{n}.png,a,b", "a comma instead of a tab", "labels.tsv after a line image_path,plate_text"),
        ('"images/{n}.png","text"', "a comma instead of a tab", "csv:"),
        ("images/{n}.png;text", "a semicolon instead of a tab", "put a tab"),
        ("images/{n}.png two words", "spaces instead of a tab", "put a tab"),
        ("images/{n}.png    text", "spaces instead of a tab", "put a tab"),
        ("set/images/{n}.png\ttext", "relative to .* instead of .*set", "move the file"),
        ('"images\\{n}.png"\ttext', "quotation marks around the path", "remove"),
    ],
)
def test_another_form_is_named_once_with_a_count_and_the_mend(folder, line, fault, mend):
    with pytest.raises(ValueError, match=f"12 of 12 lines .*{fault}.*, such as line 1, .*: .*{mend}") as caught:
        Folder(write(folder, line))
    assert str(caught.value).startswith(f"{folder}/labels.tsv: ")
    assert "No such file" not in str(caught.value)


def test_a_header_before_another_form_names_its_columns(folder):
    with pytest.raises(ValueError, match=r"line 2, 'images/0.png,text': .*labels.tsv:path=filename,text=words$"):
        Folder(write(folder, "images/{n}.png,text", first="filename,words\n"))
    (folder / "labels.tsv").rename(folder / "labels.csv")
    assert len(open_source(f"csv:{folder}/labels.csv:path=filename,text=words")) == COUNT


@pytest.mark.parametrize(
    "content",
    [
        '{"images/0.png": "a", "images/1.png": "b"}',
        "{'images/0.png': 'a'}",
        '[\n  {"file_name": "images/0.png", "text": "a"}\n]',
        '{"file_name": "images/0.png",\t"text": "a"}\n',
    ],
)
def test_dictionaries_are_named(folder, content):
    (folder / "labels.tsv").write_text(content)
    with pytest.raises(ValueError, match=r"labels.tsv holds JSON or a dictionary.*: write one path<TAB>text per line"):
        Folder(folder)


def test_a_header_is_one_sample_that_cannot_be_used(folder):
    source = Folder(write(folder, "images/{n}.png\ttext {n}", first="filename\twords\n"))
    with pytest.raises(BadSampleError, match=r"labels.tsv:1 \(filename\): .*looks like a header: remove the line"):
        source[0]
    assert [source[index][:2] for index in range(1, len(source))] == EXPECTED


@pytest.mark.parametrize("first", ["none.png\ttext\n", "filename\twords\n"])
def test_a_first_picture_that_is_missing_is_no_header(folder, first):
    source = Folder(write(folder, "images/{n}.png" if "none" in first else "none/{n}.png", first=first))
    with pytest.raises(BadSampleError, match="cannot be read: No such file"):
        source[0]


@pytest.mark.parametrize("line", ["none/{n}.png\ttext", "[{n}].png\ttext", "none/{n}.png, text\t1", "no tab"])
def test_missing_pictures_alone_are_not_another_form(folder, line):
    assert len(Folder(write(folder, line))) == COUNT


def test_a_file_is_as_written_where_one_picture_exists(folder):
    source = Folder(write(folder, "images/{n}.png,text", first="images/0.png\ta\n"))
    assert source[0].label == "a"
    with pytest.raises(BadSampleError, match="is not path<TAB>text"):
        source[1]


def test_the_whole_file_is_read_only_if_it_is_refused(folder, monkeypatch):
    seen = []
    monkeypatch.setattr(label_files, "_exists", lambda folder, path: bool(seen.append(path)))
    Folder(write(folder, "none/{n}.png\ttext", count=1000))
    assert len({path for path in seen if path and path.startswith("none/")}) == PROBED


def test_a_label_file_of_another_name(folder):
    for name, numbers in (("rec_gt_train.txt", (0, 1, 2)), ("rec_gt_val.txt", (3, 4))):
        (folder / name).write_text("".join(f"images/{number}.png\ttext {number}\n" for number in numbers))
    train, validation = (open_source(f"folder:{folder}/rec_gt_{name}.txt") for name in ("train", "val"))
    assert contents(train) == EXPECTED[:3]
    assert contents(validation) == EXPECTED[3:5]
    assert train.origin(0) == f"{folder}/rec_gt_train.txt:1 (images/0.png)"
    with pytest.raises(FileNotFoundError, match=f"name it: folder:{folder}/rec_gt_train.txt or folder:.*_val.txt"):
        Folder(folder)


def test_a_csv_file_in_a_folder_without_labels_is_named(folder):
    (folder / "metadata.csv").write_text("file_name,text\nimages/0.png,a\n")
    with pytest.raises(FileNotFoundError, match=f"name it: csv:{folder}/metadata.csv$"):
        Folder(folder)


def test_columns_are_mapped(folder):
    (folder / "a=b.csv").write_text("words, filename \ntext 1,images/1.png\n")
    spec = f"csv:{folder}/a=b.csv"
    with pytest.raises(ValueError, match=r"columns \['words', 'filename'\]: .*csv:.*a=b.csv:path=words,text=filename"):
        open_source(spec)
    for columns in ("path=filename,text=words", "text=words, path=filename"):
        assert contents(open_source(f"{spec}:{columns}")) == EXPECTED[1:2]
    with pytest.raises(ValueError, match=r"expected one name and one words.*found|found .* expected one name and one"):
        open_source(f"{spec}:path=name,text=words")
    source = open_source(f"0.5*{spec}:path=filename,text=words + 0.5*arithmetic:count=1")
    assert len(source) == 2


@pytest.mark.parametrize("columns", ["image=filename,text=words", "path=,text=words", "path=filename,words"])
def test_columns_that_are_not_named_are_refused(folder, columns):
    (folder / "list.csv").write_text("filename,words\nimages/1.png,text 1\n")
    with pytest.raises(ValueError, match=f"names no column: write csv:{folder}/list.csv:path=COLUMN,text=COLUMN"):
        open_source(f"csv:{folder}/list.csv:{columns}")


def test_one_column_may_keep_its_name(folder):
    (folder / "list.csv").write_text("image_path,words\nimages/1.png,text 1\n")
    assert contents(open_source(f"csv:{folder}/list.csv:text=words")) == EXPECTED[1:2]


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_a_csv_file_with_other_separators_says_so(folder, mark):
    (folder / "list.csv").write_text(f"image_path{mark}plate_text\nimages/1.png{mark}text 1\n")
    with pytest.raises(ValueError, match="separate the columns by commas"):
        open_source(f"csv:{folder}/list.csv")


def test_carriage_returns_end_the_lines_of_csv_files(folder):
    (folder / "list.csv").write_bytes(b"image_path,plate_text\rimages/1.png,text 1\rimages/2.png,text 2\r")
    assert contents(open_source(f"csv:{folder}/list.csv")) == EXPECTED[1:3]


@pytest.mark.parametrize("line", ["x" * 10**6, "\xff" * 10**6, "images/0.png\t" + "x" * 10**6])
def test_messages_about_long_lines_are_short(folder, line):
    (folder / "labels.tsv").write_bytes(line.encode("latin-1"))
    source = Folder(folder)
    assert len(source.origin(0)) < 5000
    if "\t" not in line:
        with pytest.raises(BadSampleError) as caught:
            source[0]
        assert len(str(caught.value)) < 5000


def test_a_folder_of_pictures_alone_is_named_as_a_source_without_labels(tmp_path):
    (tmp_path / "1.png").touch()
    with pytest.raises(FileNotFoundError, match=f"takes pictures without labels as pictures:{tmp_path}$"):
        Folder(tmp_path)
