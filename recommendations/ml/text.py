"""What a search stands for: a bag of the products whose words match it.

A search is no product, so no model of products knows it. Read as the weighted mean of the best matching products it
has a place among them from the first day, and the same place in training, ranking, explaining and the audit.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import log

import numpy as np

from .sequences import Bag

# Products that a search stands for, at most.
MOST_PRODUCTS = 20
# A word in more than this share of a catalog of at least FEW products tells nothing apart.
COMMON, FEW = 0.2, 50

_WORD = re.compile(r"\w+")
# Written without spaces: Chinese, Japanese, Korean. Two neighbouring characters are a word.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


@dataclass(frozen=True, eq=False)
class QueryIndex:
    """Words to the products that have them, one sparse row (CSR) for each word, words ascending.

    Of products that match equally the popular ones come first, else the low numbers: `popularity` is (n+1).
    """

    words: Sequence[str]
    indptr: np.ndarray  # int64 (words + 1)
    items: np.ndarray  # int32 (entries)
    values: np.ndarray  # float32 (entries), > 0
    popularity: np.ndarray | None = None
    _row: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_row", {word: row for row, word in enumerate(self.words)})

    def bag(self, query: str, most: int = MOST_PRODUCTS) -> Bag:
        """The best matching products, their weights summing to 1; empty when no word is known."""
        rows = sorted({self._row[word] for word in words_of(query) if word in self._row})
        if not rows:
            return Bag(np.zeros(0, np.int32), np.zeros(0, np.float32))
        parts = [slice(self.indptr[row], self.indptr[row + 1]) for row in rows]
        items, place = np.unique(np.concatenate([self.items[part] for part in parts]), return_inverse=True)
        strength = np.bincount(place, np.concatenate([self.values[part] for part in parts]))
        known = np.zeros(len(items)) if self.popularity is None else self.popularity[items]
        best = np.lexsort((-known, -strength))[:most]
        weights = strength[best] / strength[best].sum()
        return Bag(items[best].astype(np.int32), weights.astype(np.float32))


def build_index(texts: Sequence[str], popularity: np.ndarray | None = None) -> QueryIndex:
    """The index of products by their texts; texts[k] is item k + 1's, "" of one that is not to be found.

    tf-idf, each product's words of length 1.
    """
    counts = [Counter(words_of(text)) for text in texts]
    having = Counter(word for count in counts for word in count)
    products = sum(bool(count) for count in counts)
    most = COMMON * products if products >= FEW else products
    words = sorted(word for word, times in having.items() if times <= most)
    row = {word: number for number, word in enumerate(words)}
    rows, items, values = [], [], []
    for item, count in enumerate(counts, start=1):
        known = [
            (row[word], (1 + log(times)) * log(1 + products / having[word]))
            for word, times in count.items()
            if word in row
        ]
        length = sum(value**2 for _, value in known) ** 0.5
        rows += [number for number, _ in known]
        items += [item] * len(known)
        values += [value / length for _, value in known]
    order = np.lexsort((items, rows)) if rows else np.zeros(0, np.int64)
    indptr = np.concatenate(([0], np.cumsum(np.bincount(np.array(rows, np.int64), minlength=len(words)))))
    entries = np.array(items, np.int32)[order], np.array(values, np.float32)[order]
    return QueryIndex(words, indptr.astype(np.int64), *entries, popularity)


def words_of(text: str) -> list[str]:
    """The words of a text, however it is written: lower case, without a plural s; pairs where there are no spaces."""
    found: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        spaced = _UNSPACED.sub(" ", word).split()
        found += [_singular(part) for part in spaced]
        found += [pair for part in _UNSPACED.findall(word) for pair in _pairs(part)]
    return found


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _pairs(text: str) -> Iterable[str]:
    return [text] if len(text) == 1 else [text[k : k + 2] for k in range(len(text) - 1)]


# For data without words.
NO_INDEX = build_index([])
