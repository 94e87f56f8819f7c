"""Everything that is counted, not learned: from one log, before a cutoff or whole, and from the products' words."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from ..baselines import count_items, count_recent
from ..interactions import InteractionLog
from ..ranking import NextItemTable
from ..text import NO_INDEX, QueryIndex
from .cooccurrence import following_counts, next_item_table
from .likeness import likeness

# How much a follower's popularity is divided out of the next-item table; validation chooses.
TABLE_POWERS = (0.0, 0.5, 1.0)
# A kind with fewer events than this share of the log is read as NEUTRAL: its own vector would be noise.
KIND_SHARE = 0.01


@dataclass(frozen=True, eq=False)
class Tables:
    """Counts of one log, and how alike its products are."""

    popularity: np.ndarray  # float32 (n+1), events of each item
    recent: np.ndarray  # float32 (n+1), events of the last 30 days
    following: sparse.csr_array  # (n+1, n+1), see following_counts
    next_item: dict[float, NextItemTable]  # by power
    trained_kinds: tuple[int, ...]
    likeness: sparse.csr_array | None = None  # (n+1, n+1), see likeness.py; None where nothing tells it

    def table(self, power: float, weight: float) -> NextItemTable:
        """The next-item table of that power with `weight` times the likeness added."""
        follow = self.next_item[power]
        if not weight or self.likeness is None:
            return follow
        alike = self.likeness
        n = alike.shape[0]
        rows = [np.repeat(np.arange(n), np.diff(indptr)) for indptr in (follow.indptr, alike.indptr)]
        places = np.concatenate(rows), np.concatenate((follow.indices, alike.indices))
        nothing = np.zeros_like(alike.data)
        both, of_next = (
            sparse.coo_array((np.concatenate(values), places), shape=alike.shape).tocsr()
            for values in ((follow.values, np.float32(weight) * alike.data), (follow.values, nothing))
        )
        return NextItemTable(*_arrays(both), of_next=of_next.data.astype(np.float32))

    @cached_property
    def alike(self) -> NextItemTable:
        """The likeness as a table of its own, in which nothing ever came next."""
        return NextItemTable(*_arrays(self.likeness), of_next=np.zeros(self.likeness.nnz, np.float32))


def build_tables(log: InteractionLog, n: int, now: int, index: QueryIndex = NO_INDEX) -> Tables:
    """Count `log` (which ends at `now`, epoch seconds); `index` has the words of the products that are alike."""
    products = log.products()
    popularity, following = count_items(products, n), following_counts(products, n)
    kinds, events = np.unique(log.kind, return_counts=True)
    return Tables(
        popularity,
        count_recent(products, n, now),
        following,
        {power: next_item_table(following, popularity, power) for power in TABLE_POWERS},
        tuple(kinds[events >= KIND_SHARE * len(log)].tolist()),
        likeness(index, n) if len(index.items) else None,
    )


def _arrays(table: sparse.csr_array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return table.indptr.astype(np.int64), table.indices.astype(np.int32), table.data.astype(np.float32)
