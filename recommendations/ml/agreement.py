"""Whether two ways of telling what counts put things in the same order."""

from collections.abc import Sequence

import numpy as np


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Kendall's tau-b: 1 = the same order, -1 = the reverse, near 0 = unrelated; ties count for neither.

    None when there is nothing to order: fewer than two values, or all of one side equal.
    """
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(f"{one.shape} and {other.shape} differ; pass two sequences of one length")
    pairs = np.triu_indices(len(one), 1)
    signs, others = (np.sign(values[pairs[0]] - values[pairs[1]]) for values in (one, other))
    ordered = np.count_nonzero(signs) * np.count_nonzero(others)
    return float((signs * others).sum() / ordered**0.5) if ordered else None
