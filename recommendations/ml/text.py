"""What a search stands for: a bag of the products whose words match it.

A search is no product, so no model of products knows it. Read as the weighted mean of the best matching products it
has a place among them from the first day, and the same place in training, ranking, explaining and the audit.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import log
from typing import NamedTuple

import numpy as np

from .sequences import NO_QUERIES, Bag, Queries

# Products that a search stands for, at most.
MOST_PRODUCTS = 20
# Products that are alike a product, at most. A word of more products than MOST_HAVING tells little of that, and
# comparing them takes as long as the square of their number. Of a long text the MOST_WORDS rarest are compared.
MOST_ALIKE, MOST_HAVING, MOST_WORDS = 100, 500, 30
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
        items, strength = self._matching({word: 1.0 for word in words_of(query)}, most)
        return Bag(items, (strength / max(strength.sum(), 1e-30)).astype(np.float32))

    def alike(self, text: str) -> Bag:
        """The products most like one of this text, weighted by their cosine; empty when no word is known."""
        counts = Counter(word for word in words_of(text) if word in self._row)
        told = {word: _weight(times, self._products, self._having(word)) for word, times in counts.items()}
        length = sum(value**2 for value in told.values()) ** 0.5
        rarest = sorted(told, key=lambda word: (self._having(word), self._row[word]))[:MOST_WORDS]
        asked = {word: told[word] / length for word in rarest if self._having(word) <= MOST_HAVING}
        items, strength = self._matching(asked, MOST_ALIKE)
        return Bag(items, strength.astype(np.float32))

    def _matching(self, words: Mapping[str, float], most: int) -> tuple[np.ndarray, np.ndarray]:
        """The products (int32) whose words these are, by how much each counts, and how well each matches (float64)."""
        rows = sorted((self._row[word], value) for word, value in words.items() if word in self._row)
        if not rows:
            return np.zeros(0, np.int32), np.zeros(0)
        parts = [(slice(self.indptr[row], self.indptr[row + 1]), value) for row, value in rows]
        items, place = np.unique(np.concatenate([self.items[part] for part, _ in parts]), return_inverse=True)
        strength = np.bincount(place, np.concatenate([value * self.values[part] for part, value in parts]))
        known = np.zeros(len(items)) if self.popularity is None else self.popularity[items]
        best = np.lexsort((-known, -strength))[:most]
        return items[best].astype(np.int32), strength[best]

    def _having(self, word: str) -> int:
        """How many products have it."""
        row = self._row[word]
        return int(self.indptr[row + 1] - self.indptr[row])

    @cached_property
    def _products(self) -> int:
        """How many have a word."""
        return len(np.unique(self.items))


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
        known = [(row[word], _weight(times, products, having[word])) for word, times in count.items() if word in row]
        length = sum(value**2 for _, value in known) ** 0.5
        rows += [number for number, _ in known]
        items += [item] * len(known)
        values += [value / length for _, value in known]
    order = np.lexsort((items, rows)) if rows else np.zeros(0, np.int64)
    indptr = np.concatenate(([0], np.cumsum(np.bincount(np.array(rows, np.int64), minlength=len(words)))))
    entries = np.array(items, np.int32)[order], np.array(values, np.float32)[order]
    return QueryIndex(words, indptr.astype(np.int64), *entries, popularity)


def _weight(times: int, products: int, having: int) -> float:
    """tf-idf of a word that one of so many products has so many times, and so many have at all."""
    return (1 + log(times)) * log(1 + products / having)


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


class Words(NamedTuple):
    """What the words of products tell: which products are alike, and what a log's searches stand for."""

    index: QueryIndex
    queries: Queries = NO_QUERIES


# For data without words.
NO_INDEX = build_index([])
