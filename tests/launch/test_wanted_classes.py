"""Lists of wanted classes: by name, by index, by label, and built in."""

import pytest

from launch.runs.wanted_classes import Wanted, load_wanted
from recog import imagenet

NAMES = ("tabby", "Persian cat", "beagle", "pug", "vase")


def load(tmp_path, text: str) -> Wanted:
    file = tmp_path / "classes.txt"
    file.write_text(text, encoding="utf-8")
    return load_wanted(str(file), NAMES)


def test_the_classes_of_cats_and_dogs():
    names = imagenet.class_names()
    assert (len(names), len(set(names))) == (1000, 1000)
    assert (names[0], names[134], names[517], names[638], names[639], names[999]) == (
        "tench",
        "crane bird",
        "crane",
        "maillot",
        "maillot tank suit",
        "toilet tissue",
    )
    assert (names[imagenet.DOGS[0]], names[imagenet.DOGS[-1]]) == ("Chihuahua", "Mexican hairless")
    assert [names[place] for place in imagenet.CATS] == [
        "tabby",
        "tiger cat",
        "Persian cat",
        "Siamese cat",
        "Egyptian cat",
        "cougar",
        "lynx",
    ]
    wolves = {"timber wolf", "coyote", "dingo", "dhole", "African hunting dog", "red fox"}
    assert wolves.isdisjoint(names[place] for place in imagenet.DOGS)
    assert {"beagle", "golden retriever", "pug", "Samoyed", "toy poodle"} <= {names[i] for i in imagenet.DOGS}


def test_built_in_lists():
    wanted = load_wanted("cats_and_dogs", imagenet.class_names())
    assert wanted.size == len(wanted.of("anything")) == 118 + 7
    by_label = load_wanted("cats_and_dogs_by_label", imagenet.class_names())
    assert by_label.of("cat") == tuple(range(281, 288))
    assert by_label.of("dog") == tuple(range(151, 269))
    assert by_label.size == 125
    with pytest.raises(ValueError, match="this one has 5"):
        load_wanted("cats_and_dogs", NAMES)


def test_names_and_indices(tmp_path):
    assert load(tmp_path, "\ufefftabby\r\n\n 3 \nbeagle").of("any") == (0, 3, 2)


def test_classes_by_label(tmp_path):
    wanted = load(tmp_path, "cat\ttabby\ncat\t1\ndog\tbeagle\n")
    assert (wanted.of("cat"), wanted.of("dog"), wanted.size) == ((0, 1), (2,), 3)
    with pytest.raises(ValueError, match=r"label 'horse', only for 'cat', 'dog'"):
        wanted.of("horse")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tabby\nbeagel\n", r"classes\.txt:2: .*'beagel': did you mean beagle\?"),
        ("5\n", r"classes\.txt:1: .*0 to 4, not 5"),
        ("\n", "lists no class"),
        ("tabby\ndog\tpug\n", "labels in some lines only"),
    ],
)
def test_lists_that_do_not_fit_are_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        load(tmp_path, text)


def test_a_missing_file_names_the_built_in_lists():
    with pytest.raises(FileNotFoundError, match="neither a file nor one of cats_and_dogs"):
        load_wanted("cats", NAMES)
