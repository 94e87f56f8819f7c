"""What any recommender must beat, as far as numpy suffices; what needs sparse algebra is in training/neighbours.py.

Each gives scores for the shoppers of a HeldOut, (S, n+1), built from rows before the cutoff only.
"""

import numpy as np

from .interactions import InteractionLog
from .splitting import HeldOut

RECENT_SECONDS = 30 * 86_400


def count_items(log: InteractionLog, n: int) -> np.ndarray:
    """Events of each item, float32 (n+1); item 0 has none."""
    return np.bincount(log.item, minlength=n + 1).astype(np.float32)


def count_recent(log: InteractionLog, n: int, now: int) -> np.ndarray:
    """Events of each item in the 30 days before `now`, float32 (n+1)."""
    return count_items(log.from_time(now - RECENT_SECONDS).before(now), n)


def popularity(counts: np.ndarray, asked: HeldOut) -> np.ndarray:
    """The same popular items for everybody."""
    return np.broadcast_to(counts, (len(asked), len(counts))).astype(np.float32)


def bought_before(recent: np.ndarray, asked: HeldOut) -> np.ndarray:
    """A shopper's own items by how often, then what was popular lately."""
    scores = popularity(recent / (recent.max() + 1), asked)
    for row, (met, counts) in enumerate(zip(asked.met, asked.met_counts, strict=True)):
        scores[row, met] += counts
    return scores
