"""Approximate lexicon decoding of the CRNN paper: the most probable word near the best path's text.

Shi, Bai and Yao 2015, section 2.4.2, equation 2: the search is limited to the words within the edit distance delta of
the text that is read without a lexicon. `recog.ctc.most_probable` needs no such limit.
"""

import numpy as np
from jaxtyping import Float, Int

from recog.ctc.bk_tree import BKTree
from recog.ctc.lexicon import Lexicon
from recog.ctc.most_probable import log_probabilities
from recog.ctc.trie import build_trie
from recog.ctc.word_search import WordSearch


class NearbyWords:
    """Searches the words of a lexicon within an edit distance of each best path's text."""

    def __init__(self, lexicon: Lexicon):
        self._lexicon = lexicon
        self._words = [lexicon.alphabet.encode(word).tolist() for word in lexicon.words]
        self._tree = BKTree(self._words)

    def read(self, logits: Float[np.ndarray, "T K"], length: int, delta: int) -> str:
        """Most probable word within ``delta`` of the best path's text; that text itself if there is none.

        Args:
          logits: unnormalised scores of one picture.
          length: number of frames; later ones are ignored.
          delta: maximum edit distance.
        """
        alphabet = self._lexicon.alphabet
        text = _best_path(logits[:length], alphabet.blank_id)
        near = self._tree.within(text, delta)
        found = []
        if len(near) and length:
            weights = self._lexicon.weights[near]
            trie = build_trie([self._words[index] for index in near.tolist()], weights)
            found = WordSearch(log_probabilities(logits[:length]), alphabet.blank_id, trie, weights, 1).run()
        return self._lexicon.words[near[found[0].word]] if found else alphabet.decode(text)


def _best_path(logits: Float[np.ndarray, "T K"], blank_id: int) -> Int[list, " L"]:
    path = logits.argmax(axis=1)
    begins = np.concatenate([[True], path[1:] != path[:-1]])[: len(path)]
    return path[begins & (path != blank_id)].tolist()
