"""The score: one pointwise function f(item; history) that ranks, explains and is audited.

f(i; H) = network * (h(H).e_i + b_i) + table * log(table_eps + M(i; H)) + repeat * log1p(R(i; H)) + bought * [R > 0]

h is the network's reading of the history, b what is popular, M what usually comes next after the last products or is
like them by its words, R how often and how lately the shopper bought i (`bought` may be below 0). Nothing in f depends
on which other items are asked for: the explanations rest on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .kinds import Kind
from .room import Room
from .sequences import REPEAT_WINDOW, SEQUENCE_LENGTH, History, product_tokens

# How many of the newest products M reads, and fade: the k-th newest is weighted fade ** k.
Reach = tuple[int, float]
NEAR: Reach = (5, 0.6)
FAR: Reach = (SEQUENCE_LENGTH, 1.0)  # all that the network reads, alike
# Entries of the table that are added up at a time.
ENTRIES_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class MixWeights:
    """How much the parts of the score count; chosen on validation."""

    table: float
    table_eps: float
    repeat: float
    repeat_decay: float
    network: float = 1.0
    bought: float = 0.0
    likeness: float = 0.0  # how much being alike counts in M, beside coming next
    table_reads: int = NEAR[0]
    table_fade: float = NEAR[1]

    def __post_init__(self):
        for name, value in vars(self).items():
            if not np.isfinite(value):
                raise ValueError(f"{name}={value} is not a finite number")
        if self.table_eps <= 0:
            raise ValueError(f"table_eps={self.table_eps} must be above 0: an item the table lacks would score -inf")
        if not 0 < self.repeat_decay <= 1:
            raise ValueError(f"repeat_decay={self.repeat_decay} must be in (0, 1]")
        if self.table_reads < 1 or not 0 < self.table_fade <= 1:
            raise ValueError(f"table_reads={self.table_reads}, table_fade={self.table_fade}: expected >= 1, in (0, 1]")

    @property
    def reach(self) -> Reach:
        """How far back the table reads."""
        return self.table_reads, self.table_fade

    @property
    def of_no_follower(self) -> np.float32:
        """The table's part of f where M is 0."""
        return np.float32(self.table) * np.log(np.float32(self.table_eps))

    def of_followers(self, strength: np.ndarray) -> np.ndarray:
        """What M adds to that, float32."""
        eps = np.float32(self.table_eps)
        return np.float32(self.table) * (np.log(strength + eps) - np.log(eps))

    def of_repeats(self, strength: np.ndarray) -> np.ndarray:
        """The part of f of products that were bought, float32."""
        return np.float32(self.repeat) * np.log1p(strength) + np.float32(self.bought)


@dataclass(frozen=True, eq=False)
class NextItemTable:
    """What usually comes next or is alike, one sparse row (CSR) for each item; row 0 is empty, items in a row are
    distinct.
    """

    indptr: np.ndarray  # int64 (n+2)
    indices: np.ndarray  # int32 (entries)
    values: np.ndarray  # float32 (entries), >= 0
    # float32 (entries): how much of `values` is from coming next, 0 where it is only alike; None: all of it
    of_next: np.ndarray | None = None
    # Of products that came later: what row() has behind its stored entries.
    rows_behind: Mapping[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def row(self, item: int) -> tuple[np.ndarray, np.ndarray]:
        """(items, how strongly each is expected next)."""
        items, values = self._stored(item)
        if item not in self.rows_behind:
            return items, values
        others, more = self.rows_behind[item]
        return np.concatenate((items, others)), np.concatenate((values, more))

    def followers(self, item: int) -> tuple[np.ndarray, np.ndarray]:
        """(items that ever came next, how strongly), whatever is alike."""
        items, values = self._stored(item)
        if self.of_next is None:
            return items, values
        of_next = self.of_next[self.indptr[item] : self.indptr[item + 1]]
        return items[of_next > 0], of_next[of_next > 0]

    def followed(self) -> np.ndarray:
        """How strongly each item comes next to all others together, float64 (n+1)."""
        found, values = np.zeros(len(self.indptr) - 1), self.values if self.of_next is None else self.of_next
        for start in range(0, len(values), ENTRIES_AT_ONCE):
            part = slice(start, start + ENTRIES_AT_ONCE)
            found += np.bincount(self.indices[part], values[part], minlength=len(found))
        return found

    def _stored(self, item: int) -> tuple[np.ndarray, np.ndarray]:
        entries = slice(self.indptr[item], self.indptr[item + 1])
        return self.indices[entries], self.values[entries]


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of f before they are weighted, float32 (B, M)."""

    network: np.ndarray
    table: np.ndarray
    repeats: np.ndarray

    def mixed(self, weights: MixWeights) -> np.ndarray:
        """f, float32 (B, M)."""
        found = np.float32(weights.network) * self.network
        found += weights.of_no_follower
        follows, bought = self.table > 0, self.repeats > 0
        found[follows] += weights.of_followers(self.table[follows])
        found[bought] += weights.of_repeats(self.repeats[bought])
        return found


@dataclass(frozen=True, eq=False)
class Score:
    """f with its arrays; hidden vectors come from a Scorer or from the network in training."""

    item_matrix: np.ndarray  # float32 (n+1, d)
    bias: np.ndarray  # float32 (n+1)
    next_item: NextItemTable
    weights: MixWeights
    room: Room | None = None  # behind item_matrix

    @cached_property
    def norms(self) -> np.ndarray:
        """|e_j| of every item, float32 (n+1)."""
        return np.sqrt(np.einsum("nd,nd->n", self.item_matrix, self.item_matrix))

    def score(self, hidden: np.ndarray, histories: Sequence[History], items: np.ndarray | None = None) -> np.ndarray:
        """f as float32 (B, M) for `items` (distinct numbers), or (B, n+1) for all; item 0 scores -inf.

        `hidden` (B, d) must belong to `histories` row by row.
        """
        columns = Columns(len(self.bias), items)
        return self.completed(self.network(hidden, histories, columns), histories, columns)

    def network(self, hidden: np.ndarray, histories: Sequence[History], columns: "Columns") -> np.ndarray:
        """The network's part before it is weighted, float32 (B, M)."""
        if len(hidden) != len(histories):
            raise ValueError(f"{len(hidden)} hidden vectors for {len(histories)} histories; pass one for each")
        found = logits(hidden, self.item_matrix[columns.items])
        found += self.bias[columns.items]
        return found

    def completed(self, network: np.ndarray, histories: Sequence[History], columns: "Columns") -> np.ndarray:
        """f from the network's part, which it takes the place of.

        Few products follow, and fewer were bought: the other parts are looked at for those alone.
        """
        weights, found = self.weights, network
        if weights.network != 1:
            found *= np.float32(weights.network)
        found += weights.of_no_follower
        rows, placed, strength = _followed(self.next_item, histories, columns, weights.reach)
        found[rows, placed] += weights.of_followers(strength)
        rows, placed, strength = _bought(histories, columns, weights.repeat_decay)
        found[rows, placed] += weights.of_repeats(strength)
        found[:, columns.of_padding()] = -np.inf
        return found

    def parts(self, hidden: np.ndarray, histories: Sequence[History], items: np.ndarray | None = None) -> Parts:
        """The parts that score() is made of, each by itself."""
        columns = Columns(len(self.bias), items)
        return Parts(
            self.network(hidden, histories, columns),
            next_item_strength(self.next_item, histories, columns, self.weights.reach),
            repeat_strength(histories, columns, self.weights.repeat_decay),
        )

    def mixed(self, parts: Parts, items: np.ndarray | None = None) -> np.ndarray:
        """f from parts() of the same items."""
        scores = parts.mixed(self.weights)
        scores[:, Columns(len(self.bias), items).of_padding()] = -np.inf
        return scores


def token_vectors(item_matrix: np.ndarray, items: np.ndarray, histories: Sequence[History]) -> np.ndarray:
    """The vectors (B, T, d) of the tokens `items` (B, T): a product's own, a search's the mean of its products'."""
    searched = items >= len(item_matrix)
    if not searched.any():
        return item_matrix[items]
    found, known = item_matrix[np.where(searched, 0, items)], {}
    for row, place in zip(*np.nonzero(searched), strict=True):
        bag = histories[row].queries.bag(int(items[row, place]))
        if id(bag) not in known:
            known[id(bag)] = bag.weights @ item_matrix[bag.items]
        found[row, place] = known[id(bag)]
    return found


def logits(hidden: np.ndarray, item_matrix: np.ndarray) -> np.ndarray:
    """hidden (B, d) times item_matrix (M, d), float32 (B, M), on the calling thread alone."""
    # numpy's BLAS hands products above 2**18 multiplications to all cores; on a busy web server the wait for the
    # slowest costs 50 ms where the product itself costs 0.1 ms. Blocks below that size never leave this thread.
    found = np.empty((len(hidden), len(item_matrix)), np.float32)
    width = max(1, 250_000 // max(1, hidden.size))
    for start in range(0, len(item_matrix), width):
        part = slice(start, start + width)
        if len(hidden) == 1:  # a matrix by a vector: a fifth faster
            np.dot(item_matrix[part], hidden[0], out=found[0, part])
        else:
            np.matmul(hidden, item_matrix[part].T, out=found[:, part])
    return found


class Columns:
    """Where each asked item stands in the result."""

    def __init__(self, size: int, items: np.ndarray | None):
        self.whole = items is None
        self.items = slice(None) if items is None else np.asarray(items)
        self.count = size if items is None else len(items)
        if items is None:
            return
        self._column = np.full(size, -1, np.int32)
        self._column[self.items] = np.arange(self.count)
        if not np.array_equal(self._column[self.items], np.arange(self.count)):
            raise ValueError("items holds an item twice; pass distinct item numbers")

    def place(self, items: np.ndarray) -> tuple[np.ndarray, np.ndarray | slice]:
        """(columns of those of `items` that are asked, which of `items` these are)."""
        if self.whole:
            return items, slice(None)
        columns = self._column[items]
        asked = np.flatnonzero(columns >= 0)
        return columns[asked], asked

    def of_padding(self) -> np.ndarray:
        """The columns of item 0."""
        return np.zeros(1, int) if self.whole else np.flatnonzero(self.items == 0)


def next_item_strength(
    table: NextItemTable, histories: Sequence[History], columns: Columns, reach: Reach = NEAR
) -> np.ndarray:
    """M, float32 (B, M): the table's rows of the newest products, the newest counting most."""
    strength = np.zeros((len(histories), columns.count), np.float32)
    rows, placed, values = _followed(table, histories, columns, reach)
    strength[rows, placed] = values
    return strength


def _followed(
    table: NextItemTable, histories: Sequence[History], columns: Columns, reach: Reach
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows, columns, M) wherever M is above 0."""
    reads, fade = reach
    newest = [newest_products(history, reads) for history in histories]
    distinct = list(dict.fromkeys(newest))  # shorter histories mostly end alike
    followed = {}
    for item in {item for read in distinct for item in read}:
        followers, values = table.row(item)
        placed, asked = columns.place(followers)
        followed[item] = placed.astype(np.int64), values[asked]
    places, values = [np.zeros(0, int)], [np.zeros(0, np.float32)]
    for number, read in enumerate(distinct):
        places += [number * columns.count + followed[item][0] for item in read]
        values += [np.float32(fade**k) * followed[item][1] for k, item in enumerate(read)]
    summed, strength = _summed(np.concatenate(places), np.concatenate(values))
    which, placed = np.divmod(summed, columns.count)
    if len(distinct) == len(newest):
        return which, placed, strength
    ends = np.searchsorted(which, np.arange(len(distinct) + 1))
    number = {read: place for place, read in enumerate(distinct)}
    entries = [np.arange(ends[number[read]], ends[number[read] + 1]) for read in newest]
    taken = np.concatenate(entries)
    return np.repeat(np.arange(len(newest)), list(map(len, entries))), placed[taken], strength[taken]


def _summed(places: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each place once, with the sum of its values as float32."""
    distinct, which = np.unique(places, return_inverse=True)
    return distinct, np.bincount(which, values, len(distinct)).astype(np.float32)


def newest_products(history: History, reads: int) -> tuple[int, ...]:
    """What the table reads of a history: its newest products, the newest first."""
    return tuple(product_tokens(history)[: -reads - 1 : -1].tolist())


def repeat_strength(histories: Sequence[History], columns: Columns, decay: float) -> np.ndarray:
    """R, float32 (B, M): each purchase of the newest events counts decay ** (events since)."""
    strength = np.zeros((len(histories), columns.count), np.float32)
    rows, placed, values = _bought(histories, columns, decay)
    strength[rows, placed] = values
    return strength


def _bought(histories: Sequence[History], columns: Columns, decay: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows, columns, R) wherever R is above 0."""
    items = [history.items[-REPEAT_WINDOW:] for history in histories]
    lengths = np.array([len(read) for read in items], int)
    if lengths.sum() == 0:
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0, np.float32)
    kinds = np.concatenate([history.kinds[-REPEAT_WINDOW:] for history in histories])
    bought = np.flatnonzero(kinds == Kind.PURCHASE)
    placed, asked = columns.place(np.concatenate(items)[bought])
    bought = bought[asked]
    ends = np.cumsum(lengths)
    row = np.searchsorted(ends, bought, side="right")
    places, values = _summed(row * columns.count + placed, decay ** (ends[row] - 1.0 - bought))
    above = values > 0  # fading may have come to nothing
    return *np.divmod(places[above], columns.count), values[above]


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """Positions of the k best of `scores` (N), best first, equal scores by position; -inf is never among them."""
    possible = np.flatnonzero(scores > -np.inf)
    if len(possible) > k:
        values = scores[possible]
        cut = np.partition(values, len(values) - k)[len(values) - k]
        possible = possible[values >= cut]
    return possible[np.argsort(-scores[possible], kind="stable")[:k]]
