"""Counts of which products stand near each other, and what is made of them: the next-item table and the SVD start."""

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from ..interactions import InteractionLog
from ..ranking import NextItemTable
from .windows import token_starts

WINDOW = 5
# Followers kept for each item: enough for every list, and it bounds the artifact.
ROW_ENTRIES = 1000
# Tokens whose pairs are held at a time: what is held grows with the distinct pairs only, not with the events.
CHUNK = 2_000_000


def following_counts(log: InteractionLog, n: int) -> sparse.csr_array:
    """(n+1, n+1) float32: how often j followed i within WINDOW tokens, each counted 1/distance.

    Rows of one time (the lines of an order) have no order: they count both ways.
    """
    starts = token_starts(log.item, log.shopper)
    return _counted(log.item[starts], log.shopper[starts], log.time[starts], range(len(starts)), n)


def _counted(item: np.ndarray, shopper: np.ndarray, time: np.ndarray, firsts: range, n: int) -> sparse.csr_array:
    """The counts of the pairs whose first token is one of `firsts`, half by half where these are many."""
    if len(firsts) > CHUNK:
        middle = len(firsts) // 2
        halves = (_counted(item, shopper, time, part, n) for part in (firsts[:middle], firsts[middle:]))
        return next(halves) + next(halves)
    rows, columns, values = [], [], []
    for distance in range(1, WINDOW + 1):
        stop = max(min(firsts.stop, len(item) - distance), firsts.start)
        one, other = slice(firsts.start, stop), slice(firsts.start + distance, stop + distance)
        first, second = item[one], item[other]
        near = (shopper[one] == shopper[other]) & (first != second)
        together = near & (time[one] == time[other])
        rows += [first[near], second[together]]
        columns += [second[near], first[together]]
        values.append(np.full(np.count_nonzero(near) + np.count_nonzero(together), 1 / distance, np.float32))
    places = (np.concatenate(rows), np.concatenate(columns))
    return sparse.coo_array((np.concatenate(values), places), shape=(n + 1, n + 1)).tocsr()


def next_item_table(counts: sparse.csr_array, popularity: np.ndarray, power: float) -> NextItemTable:
    """Counts over popularity ** power and over the root of their row's sum, each row's strongest ROW_ENTRIES kept.

    power 0 follows what is popular, 1 prefers what is special to the row's item; validation chooses. The root halves
    the way between counts, of which a popular row has too many, and shares, that make one chance event a certainty.
    The whole table is scaled so that rows sum to 1 on average.
    """
    table = counts.copy()
    table.data = table.data / np.maximum(popularity[table.indices], 1) ** power
    roots = np.sqrt(np.asarray(table.sum(axis=1)).ravel())
    lengths = np.diff(table.indptr)
    scale = roots[roots > 0].mean() if table.nnz else 1.0  # what is left of a row sums to the root of its sum
    table.data = table.data / np.repeat(np.maximum(roots, 1e-12) * scale, lengths)
    kept = strongest(table, ROW_ENTRIES)
    row_of = np.repeat(np.arange(len(lengths)), lengths)[kept]
    indptr = np.concatenate(([0], np.cumsum(np.bincount(row_of, minlength=len(lengths)))))
    return NextItemTable(
        indptr.astype(np.int64), table.indices[kept].astype(np.int32), table.data[kept].astype(np.float32)
    )


def strongest(table: sparse.csr_array, entries: int) -> np.ndarray:
    """Which of the stored values are among the `entries` largest of their row; of equal ones the first."""
    kept = np.ones(table.nnz, bool)
    for row in np.flatnonzero(np.diff(table.indptr) > entries):
        part = slice(table.indptr[row], table.indptr[row + 1])
        order = np.argsort(-table.data[part], kind="stable")
        kept[part.start + order[entries:]] = False
    return np.flatnonzero(kept)


def svd_start(counts: sparse.csr_array, width: int, seed: int, scale: float = 0.05) -> np.ndarray:
    """(n+1, width) float32 item vectors to start from: the SVD of the symmetric PPMI matrix, scaled so that those of
    items with neighbours have the std `scale`.

    Items without neighbours, and columns beyond the matrix's rank, start as small random numbers.
    """
    ppmi = symmetric_ppmi(counts)
    vectors = np.random.default_rng(seed).normal(0, 0.1 * scale, (counts.shape[0], width))
    rank = min(width, counts.shape[0] - 1)
    if ppmi.nnz:
        left, strength, _ = randomized_svd(ppmi, rank, n_oversamples=8, n_iter=3, random_state=seed)
        found = left * np.sqrt(strength)
        vectors[:, :rank] += found * (scale / max(found[np.diff(ppmi.indptr) > 0].std(), 1e-12))
    vectors[0] = 0
    return vectors.astype(np.float32)


def symmetric_ppmi(counts: sparse.csr_array) -> sparse.csr_array:
    """Positive pointwise mutual information of the counts taken both ways."""
    both = (counts + counts.T).tocoo()
    totals = np.asarray(both.sum(axis=1)).ravel().astype(np.float64)
    information = np.log(both.data * totals.sum() / (totals[both.row] * totals[both.col]))
    kept = information > 0
    values = information[kept].astype(np.float32)
    return sparse.coo_array((values, (both.row[kept], both.col[kept])), shape=both.shape).tocsr()
