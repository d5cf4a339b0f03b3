"""Prefix tree of token sequences, as arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int32

NO_WORD = -1


class Trie(NamedTuple):
    """Nodes in order of their depth; node 0 is the empty prefix, and the children of a node follow one another."""

    tokens: Int32[np.ndarray, " N"]
    """Last token of each prefix; -1 for the empty one."""
    children: Int32[np.ndarray, " N+1"]
    """First child of each node; its children end where those of the next node begin."""
    words: Int32[np.ndarray, " N"]
    """Index of the word that ends at each node; `NO_WORD` without one."""
    best: Float64[np.ndarray, " N"]
    """Greatest weight of the words that begin with each prefix."""
    kinds: Int32[np.ndarray, " N"]
    """Index of each node's row in `continuations`, in which many nodes are alike."""
    continuations: Int32[np.ndarray, "M 3"]
    """Last token, and minimum and maximum number of tokens that make a word of the prefix."""


def build_trie(words: Sequence[Sequence[int]], weights: Float64[np.ndarray, " M"]) -> Trie:
    """Builds the tree of words that are not empty and all different.

    Args:
      words: token ids of each word.
      weights: log weight of each word.
    """
    lengths = np.array([len(word) for word in words])
    table = np.full((len(words), lengths.max()), -1, np.int32)  # words by rows, padded
    table[np.arange(table.shape[1]) < lengths[:, None]] = np.concatenate([np.asarray(w, np.int32) for w in words])
    order = np.lexsort(table.T[::-1])
    table, lengths = table[order], lengths[order]
    shared = np.concatenate([[0], np.argmax(table[1:] != table[:-1], axis=1)])  # tokens shared with the row before
    node, ends, count = np.zeros(len(words), np.int32), np.zeros(len(words), np.int32), 1
    tokens, parents = [np.array([-1], np.int32)], [np.array([-1], np.int32)]
    for depth in range(1, table.shape[1] + 1):
        long_enough = lengths >= depth
        new = long_enough & ((shared < depth) | (np.arange(len(words)) == 0))
        tokens.append(table[new, depth - 1])
        parents.append(node[new])
        node = np.where(long_enough, count - 1 + np.cumsum(new), node).astype(np.int32)
        ends[lengths == depth] = node[lengths == depth]
        count += int(new.sum())
    parent = np.concatenate(parents)
    ending, best = np.full(count, NO_WORD, np.int32), np.full(count, -np.inf)
    ending[ends], best[ends] = order, weights[order]
    shortest, longest = np.where(ending == NO_WORD, len(tokens), 0).astype(np.int32), np.zeros(count, np.int32)
    for level in reversed(np.split(np.arange(count), np.cumsum([len(x) for x in tokens])[:-1])[1:]):
        np.maximum.at(best, parent[level], best[level])
        np.minimum.at(shortest, parent[level], shortest[level] + 1)
        np.maximum.at(longest, parent[level], longest[level] + 1)
    children = np.searchsorted(parent, np.arange(count + 1)).astype(np.int32)
    last = np.concatenate(tokens)
    continuations, kinds = np.unique(np.stack([last, shortest, longest], axis=1), axis=0, return_inverse=True)
    return Trie(last, children, ending, best, kinds.astype(np.int32), continuations)
