"""Everything that is counted, not learned: built from one log, before a cutoff or whole; and the catalog's word."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..baselines import count_items, count_recent
from ..interactions import InteractionLog
from ..kinds import Kind
from ..ranking import NextItemTable
from .cooccurrence import following_counts, next_item_table

# How much a follower's popularity is divided out of the next-item table; validation chooses.
TABLE_POWERS = (0.0, 0.5, 1.0)
# Buyers, as eager as those of any product, that are added to a product's own: few say little.
PRIOR_BUYERS = 5
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
    again: np.ndarray | None = None  # float32 (n+1), see bought_again()


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
        bought_again(products, n),
    )


def bought_again(log: InteractionLog, n: int) -> np.ndarray:
    """By how much more often than the average product its buyers buy each item again, as a logarithm, float32 (n+1).

    A purchase at a later time than a shopper's first of the item counts. 0 for whatever nobody bought, and for all
    where nobody buys anything again.
    """
    bought = log.kind == Kind.PURCHASE
    times = np.unique(np.stack([log.shopper[bought], log.item[bought], log.time[bought]]), axis=1)
    pairs, counts = np.unique(times[:2], axis=1, return_counts=True)
    buyers = np.bincount(pairs[1], minlength=n + 1)
    repeats = np.bincount(pairs[1], counts - 1, minlength=n + 1)
    if not repeats.any():
        return np.zeros(n + 1, np.float32)
    average = repeats.sum() / buyers.sum()
    share = (repeats + PRIOR_BUYERS * average) / (buyers + PRIOR_BUYERS)
    return np.log(share / average).astype(np.float32)
