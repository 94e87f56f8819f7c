"""From the log to packed rows: what one pass over the training data reads.

Each shopper's tokens are cut into consecutive windows of at most SEQUENCE_LENGTH, nothing thrown away, and the windows
of many shoppers share rows of ROW_LENGTH, so that no padding is computed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..interactions import InteractionLog
from ..kinds import NEUTRAL
from ..sequences import SEQUENCE_LENGTH, Queries

# Long histories are cut into full windows: rows of the same length leave no gap beside them.
ROW_LENGTH = SEQUENCE_LENGTH


@dataclass(frozen=True, eq=False)
class Rows:
    """Packed rows, each array (R, ROW_LENGTH); unused places hold item 0 in a window of their own."""

    items: np.ndarray  # int32, 0 where unused; numbers above the products are searches
    kinds: np.ndarray  # int8
    targets: np.ndarray  # int32, the product that came next, 0 where there is none
    positions: np.ndarray  # int64, place in the window, 0..SEQUENCE_LENGTH-1
    windows: np.ndarray  # int32, which window of the row: tokens see earlier tokens of their own window only

    def __len__(self) -> int:
        return len(self.items)

    def take(self, part: slice) -> Self:
        """Some of the rows."""
        return type(self)(*(array[part] for array in vars(self).values()))


def draw_pass(
    log: InteractionLog, as_read: np.ndarray, deletion: float, kind_dropout: float, rng: np.random.Generator
) -> Rows:
    """Rows for one pass: a share of events deleted, orders' lines in a new order, kinds dropped, windows cut anew.

    `as_read` (256) maps a kind as stored to the kind as the network reads it.
    """
    kept = np.flatnonzero(rng.random(len(log)) >= deletion)
    # Lines of one order have no order: a new one in each pass, so that none is learned.
    kept = kept[np.lexsort((rng.random(len(kept)), log.time[kept], log.shopper[kept]))]
    begins = token_starts(log.item[kept], log.shopper[kept])
    items, shopper = log.item[kept][begins], log.shopper[kept][begins]
    kinds = np.maximum.reduceat(log.kind[kept], begins) if len(begins) else log.kind[:0]
    starts = window_starts(shopper, rng)
    targets = next_products(items, shopper, log.queries)
    # A window is neutral as a whole as often as single tokens are: a new visitor's history has one kind only.
    whole = np.repeat(rng.random(len(starts)) < kind_dropout, np.diff(np.append(starts, len(items))))
    kinds = np.where(whole | (rng.random(len(items)) < kind_dropout / 2), NEUTRAL, as_read[kinds]).astype(np.int8)
    return fill_rows(items, kinds, targets, starts, rng)


def next_products(items: np.ndarray, shopper: np.ndarray, queries: Queries) -> np.ndarray:
    """What each token is to foretell: the next product of its shopper, 0 where there is none."""
    is_product = ~queries.among(items)
    place = np.where(is_product, np.arange(len(items)), len(items))
    following = np.append(np.minimum.accumulate(place[::-1])[::-1], len(items))[1:]  # the next product, itself left out
    followed = following < len(items)
    following = np.where(followed, following, 0)
    followed &= shopper[following] == shopper if len(items) else followed
    return np.where(followed, items[following] if len(items) else items, 0)


def read_kinds(trained_kinds: Sequence[int]) -> np.ndarray:
    """(256): the kind as stored to the kind as the network reads it, NEUTRAL for those not in training."""
    table = np.full(256, NEUTRAL, np.int64)
    table[list(trained_kinds)] = trained_kinds
    return table


def token_starts(items: np.ndarray, shopper: np.ndarray) -> np.ndarray:
    """Where tokens begin in events sorted by shopper: runs of one item, as in sequences.merge_runs, for all at once."""
    if len(items) == 0:
        return np.zeros(0, np.int64)
    begins = (items[1:] != items[:-1]) | (shopper[1:] != shopper[:-1])
    return np.flatnonzero(np.concatenate(([True], begins)))


def window_starts(shopper: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where windows begin in tokens sorted by shopper; a long history's first window has a random length."""
    if len(shopper) == 0:
        return np.zeros(0, np.int64)
    begins = np.flatnonzero(np.concatenate(([True], shopper[1:] != shopper[:-1])))
    lengths = np.diff(np.append(begins, len(shopper)))
    first = np.where(lengths > SEQUENCE_LENGTH, rng.integers(1, SEQUENCE_LENGTH + 1, len(begins)), SEQUENCE_LENGTH)
    place = np.arange(len(shopper)) - np.repeat(begins, lengths)
    first = np.repeat(first, lengths)
    return np.flatnonzero((place == 0) | ((place >= first) & ((place - first) % SEQUENCE_LENGTH == 0)))


def fill_rows(
    items: np.ndarray, kinds: np.ndarray, targets: np.ndarray, starts: np.ndarray, rng: np.random.Generator
) -> Rows:
    """Windows (each at most ROW_LENGTH) put into rows, in a random order."""
    lengths = np.diff(np.append(starts, len(items)))
    row, offset, count = pack(lengths[order := rng.permutation(len(starts))].tolist())
    shuffled_row = rng.permutation(count)[row] if count else row
    # token -> its place in the rows
    which = np.repeat(np.arange(len(order)), lengths[order])
    inside = np.arange(len(which)) - np.repeat(np.cumsum(lengths[order]) - lengths[order], lengths[order])
    source = starts[order][which] + inside
    place = (shuffled_row[which], offset[which] + inside)
    rows = Rows(
        *(np.zeros((count, ROW_LENGTH), dtype) for dtype in (np.int32, np.int8, np.int32, np.int64)),
        np.full((count, ROW_LENGTH), -1, np.int32),
    )
    rows.items[place], rows.kinds[place], rows.targets[place] = items[source], kinds[source], targets[source]
    rows.positions[place], rows.windows[place] = inside, which
    return rows


def pack(lengths: list[int], room: int = ROW_LENGTH) -> tuple[np.ndarray, np.ndarray, int]:
    """(row, offset) of each window and the number of rows: longest first, into the fullest row that has room."""
    rows, offsets = np.zeros(len(lengths), np.int64), np.zeros(len(lengths), np.int64)
    with_room: list[list[int]] = [[] for _ in range(room + 1)]  # free places -> rows
    count = 0
    for window in sorted(range(len(lengths)), key=lambda w: -lengths[w]):
        free = next((free for free in range(lengths[window], room) if with_room[free]), room)
        if with_room[free]:
            row = with_room[free].pop()
        else:
            row, count = count, count + 1
        rows[window], offsets[window] = row, room - free
        with_room[free - lengths[window]].append(row)
    return rows, offsets, count


def batches(rows: Rows, size: int) -> Iterator[Rows]:
    """Consecutive groups of at most `size` rows."""
    for start in range(0, len(rows), size):
        yield rows.take(slice(start, start + size))
