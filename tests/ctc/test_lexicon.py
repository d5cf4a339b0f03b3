"""Lexicons keep each word of their alphabet once, and survive a file."""

import numpy as np
import pytest
import safetensors.numpy

from recog.alphabet import DIGITS, LATIN_36, MUSIC_PITCHES, Alphabet
from recog.ctc.lexicon import Lexicon, LexiconError
from recog.ctc.trie import NO_WORD


def spelled(lexicon: Lexicon) -> dict[str, str]:
    """Words as the tree spells them, by the word that it says they are."""
    found, trie = {}, lexicon.trie

    def walk(node: int, ids: list[int]) -> None:
        if trie.words[node] != NO_WORD:
            found[lexicon.words[trie.words[node]]] = lexicon.alphabet.decode(ids)
        for child in range(trie.children[node], trie.children[node + 1]):
            walk(child, [*ids, int(trie.tokens[child])])

    walk(0, [])
    return found


@pytest.mark.parametrize(
    "words",
    [["a"], ["abc", "ab", "a", "b", "abd", "bc"], ["b", "a"], ["aaaa", "aaab", "aa"], [f"{n}" for n in range(300)]],
)
def test_the_tree_spells_the_words(words):
    lexicon = Lexicon(words, LATIN_36)
    assert spelled(lexicon) == {word: word for word in words}
    prefixes = {word[:length] for word in words for length in range(len(word) + 1)}
    assert len(lexicon.trie.tokens) == len(prefixes)


def test_best_is_the_greatest_weight_below_a_node():
    lexicon = Lexicon(["ab", "ac", "b"], LATIN_36, counts=[1, 3, 4])
    np.testing.assert_allclose(np.exp(lexicon.weights), [1 / 8, 3 / 8, 1 / 2])
    np.testing.assert_allclose(np.exp(lexicon.trie.best), [1 / 2, 3 / 8, 1 / 2, 1 / 8, 3 / 8])


def test_repetitions_and_foreign_words_are_counted_and_named():
    lexicon = Lexicon(["12", "x1", "7", "12", "", "x1", "9y"], DIGITS)
    assert lexicon.words == ("12", "7")
    assert (lexicon.left_out, lexicon.duplicates) == (("x1", "9y"), 2)
    assert "12" in lexicon
    assert "x1" not in lexicon
    assert lexicon.remarks() == (
        "2 words with tokens that the alphabet lacks are left out: 'x1', '9y'; 2 words are repeated"
    )
    assert Lexicon(["1"], DIGITS).remarks() == ""


def test_counts_of_repetitions_are_added():
    lexicon = Lexicon(["1", "2", "1"], DIGITS, counts=[1, 2, 5])
    np.testing.assert_allclose(np.exp(lexicon.weights), [6 / 8, 2 / 8])


def test_words_may_be_of_longer_tokens():
    assert spelled(Lexicon(["C4 D4", "C4"], MUSIC_PITCHES)) == {"C4 D4": "C4 D4", "C4": "C4"}


@pytest.mark.parametrize(
    ("words", "counts", "reason"),
    [
        ([], None, "the lexicon has no word$"),
        (["", ""], None, "the lexicon has no word$"),
        (["abc"], None, "no word; 1 words with tokens .* 'abc'"),
        (["1", "2"], [1], "1 counts for 2 words"),
        (["1"], [0], "positive"),
        (["1"], [float("nan")], "positive"),
    ],
)
def test_lexicons_without_words_are_refused(words, counts, reason):
    with pytest.raises(LexiconError, match=reason):
        Lexicon(words, DIGITS, counts)


def test_text_files(tmp_path):
    file = tmp_path / "words.txt"
    file.write_bytes("\ufeffeins\r\nzwei\r\n\r\ndrei".encode())
    assert Lexicon.from_file(file, LATIN_36).words == ("eins", "zwei", "drei")
    file.write_text("the\t60\nof\t20\nthe\t20\n")
    np.testing.assert_allclose(np.exp(Lexicon.from_file(file, LATIN_36).weights), [0.8, 0.2])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"one\n\xff\xfe\n", r"words.txt:2: not UTF-8"),
        (b"one\t1\ntwo\n", r"words.txt:2: some words have a count"),
        (b"one\ntwo\t2\n", r"words.txt:2: some words have a count"),
        (b"one\t1\ntwo\tmany\n", r"words.txt:2: 'many' after the tab is not a positive number"),
        (b"one\t-1\n", r"words.txt:1: '-1' after the tab"),
        (b"\n\n", r"words.txt: the lexicon has no word"),
        (b"ONE\n", r"words.txt: the lexicon has no word; .*'ONE'"),
    ],
)
def test_malformed_files_are_named(tmp_path, content, reason):
    file = tmp_path / "words.txt"
    file.write_bytes(content)
    with pytest.raises(LexiconError, match=reason):
        Lexicon.from_file(file, LATIN_36)


def test_saved_lexicons_come_back(tmp_path):
    lexicon = Lexicon(["京A", "京", "津", "x", "京"], Alphabet("京津A", blank="last"), counts=[1, 2, 3, 4, 5])
    lexicon.save(tmp_path / "words.safetensors")
    loaded = Lexicon.from_file(tmp_path / "words.safetensors", lexicon.alphabet)
    assert (loaded.words, loaded.left_out, loaded.duplicates) == (("京A", "京", "津"), ("x",), 1)
    assert loaded.sha256 == lexicon.sha256
    assert "京A" in loaded
    for ours, theirs in zip((loaded.weights, *loaded.trie), (lexicon.weights, *lexicon.trie), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_digests_tell_lists_apart():
    lists = (["1", "2"], None), (["2", "1"], None), (["12"], None), (["1", "2"], [1, 3])
    assert len({Lexicon(words, DIGITS, counts).sha256 for words, counts in lists}) == 4


def test_damaged_and_foreign_saved_lexicons_are_refused(tmp_path):
    file = tmp_path / "words.safetensors"
    Lexicon(["123", "45"], DIGITS).save(file)
    with pytest.raises(LexiconError, match="build it again"):
        Lexicon.from_file(file, LATIN_36)
    content = file.read_bytes()
    for damaged in (content[:-1], content.replace(b"123", b"124"), content[:-3] + b"\1" + content[-2:], b"", b"{}"):
        file.write_bytes(damaged)
        with pytest.raises(LexiconError, match=r"words.safetensors is (damaged|not a saved lexicon)"):
            Lexicon.from_file(file, DIGITS)
    safetensors.numpy.save_file({"list": np.zeros(3, np.uint8)}, file)
    with pytest.raises(LexiconError, match="not a saved lexicon"):
        Lexicon.from_file(file, DIGITS)
    with pytest.raises(LexiconError, match="name saved lexicons"):
        Lexicon(["1"], DIGITS).save(tmp_path / "words.bin")
