"""A shopper's history, and the one builder that turns it into what the network reads."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .kinds import SEQUENCE_KINDS, Kind

# Tokens the network reads.
SEQUENCE_LENGTH = 50
# Newest events that any part of the score reads; of so many a year of groceries is made (docs/decisions/0001).
REPEAT_WINDOW = 600
# Newest events that are merged first: more are looked at only where these make too few tokens.
_FIRST_MERGED = 4 * SEQUENCE_LENGTH
# Events that serving reads: more than the score does, so that a removal can refill the window.
READ_LIMIT = 800
# kind as stored -> whether it enters a sequence
_IN_SEQUENCE = np.isin(np.arange(128), SEQUENCE_KINDS)


@dataclass(frozen=True, eq=False)
class Bag:
    """Distinct products and their weights; what a search stands for are such, summing to 1."""

    items: np.ndarray  # int32 (k)
    weights: np.ndarray  # float32 (k)


@dataclass(frozen=True, eq=False)
class Queries:
    """What the numbers beyond the products stand for: number `first` + k is the search `bags`[k]."""

    first: int = 0  # n + 1
    bags: Sequence[Bag] = ()

    def among(self, items: np.ndarray) -> np.ndarray:
        """Which of these numbers are searches, bool."""
        return items >= self.first if len(self.bags) else np.zeros(items.shape, bool)

    def holds(self, item: int) -> bool:
        """Whether the number is a search's."""
        return len(self.bags) > 0 and item >= self.first

    def in_sequence(self, items: np.ndarray, kinds: np.ndarray) -> np.ndarray:
        """Which events a sequence is made of, bool: of kinds that enter one, with known products and searches."""
        searched = kinds == Kind.SEARCH
        return (items > 0) & _IN_SEQUENCE[kinds] & (searched == self.among(items))

    def bag(self, item: int) -> Bag:
        return self.bags[item - self.first]


NO_QUERIES = Queries()


@dataclass(frozen=True, eq=False)
class History:
    """What a shopper did, oldest first: products as numbers 1..n, searches as the numbers of `queries`.

    `complete` is False when older events exist that were not read.
    """

    items: np.ndarray  # int32 (N)
    kinds: np.ndarray  # int8 (N)
    complete: bool = True
    queries: Queries = NO_QUERIES

    @classmethod
    def of(cls, items, kinds, complete: bool = True, queries: Queries = NO_QUERIES) -> "History":
        """A history from any sequences; what is unknown (0) and kinds that enter no sequence are left out."""
        items, kinds = np.asarray(items, np.int32), np.asarray(kinds, np.int8)
        if items.shape != kinds.shape or items.ndim != 1:
            raise ValueError(f"items {items.shape} and kinds {kinds.shape} differ; pass two lists of one length")
        known = queries.in_sequence(items, kinds)
        return cls(items[known], kinds[known], complete, queries)

    def __len__(self) -> int:
        return len(self.items)

    def without(self, *items: int) -> "History":
        """The history as if the shopper had never met these items, or never made these searches."""
        kept = self._apart_from(items)
        return History(self.items[kept], self.kinds[kept], self.complete, self.queries)

    def units(self) -> list[int]:
        """Distinct items and searches that the score can depend on, the one met last first."""
        newest_first = self.items[-REPEAT_WINDOW:][::-1]
        distinct, first_seen = np.unique(newest_first, return_index=True)
        return distinct[np.argsort(first_seen)].tolist()

    def can_remove(self, *items: int) -> bool:
        """Whether without(*items) is what a removal really leaves: False when unread older events would move up."""
        return self.complete or np.count_nonzero(self._apart_from(items)) >= REPEAT_WINDOW

    @cached_property
    def tokens(self) -> tuple[np.ndarray, np.ndarray]:
        """See tokens(); made once, since each part of the score reads them."""
        for newest in (_FIRST_MERGED, REPEAT_WINDOW):
            items, kinds = merge_runs(self.items[-newest:], self.kinds[-newest:])
            if len(items) > SEQUENCE_LENGTH:  # so the oldest run, which may be cut, is none of the tokens
                break
        return items[-SEQUENCE_LENGTH:], kinds[-SEQUENCE_LENGTH:]

    def _apart_from(self, items: Collection[int]) -> np.ndarray:
        kept = np.ones(len(self.items), bool)
        for item in items:
            kept &= self.items != item
        return kept


def tokens(history: History) -> tuple[np.ndarray, np.ndarray]:
    """The (items int32, kinds int8) that the network reads, oldest first, at most SEQUENCE_LENGTH.

    Consecutive events of one product or search are one token with their strongest kind.
    """
    return history.tokens


def merge_runs(items: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One token for each run of equal items, with the run's strongest kind."""
    if len(items) == 0:
        return items, kinds
    starts = np.flatnonzero(np.concatenate(([True], items[1:] != items[:-1])))
    # SEQUENCE_KINDS ascend in strength and in number, so the strongest kind is the largest.
    return items[starts], np.maximum.reduceat(kinds, starts)


def product_tokens(history: History) -> np.ndarray:
    """The items of the tokens that are products, oldest first."""
    items, _ = tokens(history)
    return items[~history.queries.among(items)]
