"""Everything that is counted, not learned: built from one log, before a cutoff or whole; and the catalog's word."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..baselines import count_items, count_recent
from ..interactions import InteractionLog
from ..ranking import NextItemTable
from .cooccurrence import following_counts, next_item_table

# How much a follower's popularity is divided out of the next-item table; validation chooses.
TABLE_POWERS = (0.0, 0.5, 1.0)
# A kind with fewer events than this share of the log is read as NEUTRAL: its own vector would be noise.
KIND_SHARE = 0.01


@dataclass(frozen=True, eq=False)
class Tables:
    """Counts of one log."""

    popularity: np.ndarray  # float32 (n+1), events of each item
    recent: np.ndarray  # float32 (n+1), events of the last 30 days
    following: sparse.csr_array  # (n+1, n+1), see following_counts
    next_item: dict[float, NextItemTable]  # by power
    trained_kinds: tuple[int, ...]
    codes: np.ndarray | None = None  # int64 (F, n+1), the products' attributes; None where nothing tells them


def build_tables(log: InteractionLog, n: int, now: int, codes: np.ndarray | None = None) -> Tables:
    """Count `log` (which ends at `now`, epoch seconds); `codes` are passed on."""
    products = log.products()
    popularity, following = count_items(products, n), following_counts(products, n)
    kinds, events = np.unique(log.kind, return_counts=True)
    return Tables(
        popularity,
        count_recent(products, n, now),
        following,
        {power: next_item_table(following, popularity, power) for power in TABLE_POWERS},
        tuple(kinds[events >= KIND_SHARE * len(log)].tolist()),
        codes if codes is not None and codes.any() else None,
    )
