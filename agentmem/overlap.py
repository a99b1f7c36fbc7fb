"""Near-duplicates: all pairs of word sets that overlap by a threshold, without comparing all pairs.

Prefix filtering (Chaudhuri, Ganti, Kaushik 2006; Bayardo, Ma, Srikant 2007): with the words of each
set ordered from rare to common, two sets of Jaccard overlap t or more share a word among the first
|x| - ceil(t |x|) + 1 words of each.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np
from numpy.typing import NDArray


def groups(tokens: NDArray[np.uint32], offsets: NDArray[np.int64], threshold: float) -> list[list[int]]:
    """Documents joined by overlap, as groups in document order.

    Args:
        tokens: token ids of all documents one after another.
        offsets: (n + 1,): tokens offsets[i]:offsets[i+1] belong to document i.
        threshold: least Jaccard overlap, over 0 and up to 1.

    Returns:
        Groups of two or more document numbers; a chain of pairs is one group. Documents without
        words are in none.
    """
    sets = [tokens[offsets[i] : offsets[i + 1]].tolist() for i in range(len(offsets) - 1)]
    frequency = Counter(token for one in sets for token in set(one))
    ordered = [sorted(set(one), key=lambda t: (frequency[t], t)) for one in sets]
    parent = list(range(len(ordered)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first_with: dict[tuple[int, ...], int] = {}
    by_word: dict[int, list[int]] = defaultdict(list)
    for i in sorted(range(len(ordered)), key=lambda i: (len(ordered[i]), i)):
        words = ordered[i]
        if not words:
            continue
        same = first_with.setdefault(tuple(words), i)
        if same != i:  # an equal set stands in the index already: one comparison is enough
            parent[root(i)] = root(same)
            continue
        reach = len(words) - math.ceil(threshold * len(words) - 1e-9) + 1
        mine = set(words)
        candidates: set[int] = set()
        for word in words[:reach]:
            candidates.update(by_word[word])
        for j in candidates:
            other = ordered[j]
            if len(other) < threshold * len(words) - 1e-9 or root(i) == root(j):
                continue
            shared = len(mine.intersection(other))
            if shared >= threshold * (len(words) + len(other) - shared) - 1e-9:
                parent[root(i)] = root(j)
        for word in words[:reach]:
            by_word[word].append(i)
    joined: dict[int, list[int]] = defaultdict(list)
    for i, words in enumerate(ordered):
        if words:
            joined[root(i)].append(i)
    return sorted(group for group in joined.values() if len(group) > 1)
