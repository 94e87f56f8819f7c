"""The log of what shoppers did, as sorted arrays."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from .sequences import NO_QUERIES, Queries


@dataclass(frozen=True, eq=False)
class InteractionLog:
    """Rows sorted by shopper, then time, oldest first; rows of one shopper at one time stand in a shuffled order.

    `dropped` counts the rows left out by from_rows(): kinds that enter no sequence, unknown products, and searches that
    stand for none (item 0).
    """

    shopper: np.ndarray  # int64 (N)
    item: np.ndarray  # int32 (N), 1..n, or a number of `queries`
    kind: np.ndarray  # int8 (N)
    time: np.ndarray  # int64 (N), epoch seconds
    dropped: int = 0
    queries: Queries = NO_QUERIES

    @classmethod
    def from_rows(
        cls,
        shopper: np.ndarray,
        item: np.ndarray,
        kind: np.ndarray,
        time: np.ndarray,
        seed: int = 0,
        queries: Queries = NO_QUERIES,
        names: np.ndarray | None = None,
    ) -> "InteractionLog":
        """Sort rows that come in any order; the result does not depend on the order they came in.

        `names[item]` is a number of each item that stays its own whatever other rows there are, by which rows of one
        time are shuffled; by default the item's number.
        """
        shopper, item = np.asarray(shopper, np.int64), np.asarray(item, np.int32)
        kind, time = np.asarray(kind, np.int8), np.asarray(time, np.int64)
        lengths = {len(shopper), len(item), len(kind), len(time)}
        if len(lengths) != 1:
            raise ValueError(f"the columns have {sorted(lengths)} rows; pass four columns of one length")
        kept = np.flatnonzero(queries.in_sequence(item, kind))
        named = item[kept] if names is None else names[item[kept]]
        ties = _scrambled(shopper[kept], named, kind[kept], time[kept], seed)
        order = kept[np.lexsort((ties, time[kept], shopper[kept]))]
        return cls(shopper[order], item[order], kind[order], time[order], len(shopper) - len(kept), queries)

    def __len__(self) -> int:
        return len(self.item)

    def products(self) -> "InteractionLog":
        """The rows that are about products: without the searches."""
        return self._where(~self.queries.among(self.item)) if len(self.queries.bags) else self

    def products_met(self) -> int:
        """How many distinct products there are rows about."""
        return len(np.unique(self.products().item))

    def with_queries(self, queries: Queries) -> "InteractionLog":
        """The log with searches that stand for something else; without those that stand for nothing now."""
        empty = [queries.first + k for k, bag in enumerate(queries.bags) if not len(bag.items)]
        return replace(self, queries=queries)._where(~np.isin(self.item, empty))

    def before(self, time: int) -> "InteractionLog":
        """The rows strictly before `time`."""
        return self._where(self.time < time)

    def from_time(self, time: int) -> "InteractionLog":
        """The rows at `time` and later."""
        return self._where(self.time >= time)

    def by_shopper(self) -> Iterator[tuple[int, slice]]:
        """(shopper, slice of its rows), shoppers ascending."""
        for start, stop in pairwise(self.shopper_starts().tolist()):
            yield int(self.shopper[start]), slice(start, stop)

    def shopper_starts(self) -> np.ndarray:
        """The row each shopper begins at, and the number of rows as the last entry."""
        if not len(self):
            return np.zeros(1, np.int64)
        changes = np.flatnonzero(self.shopper[1:] != self.shopper[:-1]) + 1
        return np.concatenate(([0], changes, [len(self)]))

    def _where(self, mask: np.ndarray) -> "InteractionLog":
        columns = (column[mask] for column in (self.shopper, self.item, self.kind, self.time))
        return InteractionLog(*columns, queries=self.queries)


def _scrambled(shopper: np.ndarray, named: np.ndarray, kind: np.ndarray, time: np.ndarray, seed: int) -> np.ndarray:
    # A hash of the row itself, not a draw per row: the order of ties then depends on no other row, so that
    # neither the database's row order nor the rows after a cutoff can leak into the rows before it, as long as those
    # change no item's name.
    with np.errstate(over="ignore"):
        mixed = np.full(len(shopper), seed, np.uint64)
        for column in (shopper, named, kind, time):
            mixed = _splitmix(mixed ^ column.astype(np.int64).view(np.uint64))
    return mixed


def _splitmix(x: np.ndarray) -> np.ndarray:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
