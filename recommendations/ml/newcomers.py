"""A place for products that came after the training: among those whose words are most like their own.

A newcomer is read as a search is, as a bag of known products: it points where they point, as far out as they stand on
average, and is wanted as they are, a little more for what it lacks: nothing is known yet to be followed by it. Where
likeness counts in the table it has its rows there. From then on it is an item like any other: ranked, explained,
removed, audited.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .ranking import NextItemTable, Score
from .room import Room
from .sequences import Bag
from .text import QueryIndex

# Known products that one newcomer is read as, at most.
LIKE_IT = 10
# What is added to the bias that the products like it have, docs/decisions/0008.
BIAS = 1.5


@dataclass(frozen=True, eq=False)
class Newcomer:
    """A product that the training did not know, and the known ones that it is read as."""

    product_id: str
    like_it: Bag
    likeness: Bag  # cosines of its words with those of known products, for the table


def newcomers_of(index: QueryIndex, popularity: np.ndarray, words: Mapping[str, str]) -> list[Newcomer]:
    """Those of the products (product_id -> title, brand and category) whose words any known product has.

    Of equally like products the popular ones count more: they are known better. `popularity` is (n+1), and counts one
    more each, so that products which nobody met, of a shop that is counted only, count too.
    """
    found = []
    for product_id, text in words.items():
        bag = index.bag(text, most=LIKE_IT)
        weights = bag.weights * np.log1p(popularity[bag.items] + 1)
        if weights.sum() > 0:
            like_it = Bag(bag.items, (weights / weights.sum()).astype(np.float32))
            found.append(Newcomer(product_id, like_it, index.alike(text)))
    return found


def with_newcomers(score: Score, newcomers: Sequence[Newcomer]) -> Score:
    """The score with newcomers as items n+1, n+2, ... in their order."""
    bags = [newcomer.like_it for newcomer in newcomers]
    vectors = np.array([_vector(score.item_matrix[bag.items], bag.weights) for bag in bags], np.float32)
    bias = np.array([bag.weights @ score.bias[bag.items] + BIAS for bag in bags], np.float32)
    room = score.room or Room(score.item_matrix, 0)
    return replace(
        score,
        item_matrix=room.behind(score.item_matrix, vectors),
        bias=np.concatenate((score.bias, bias)),
        next_item=_alike_to_known(score.next_item, len(score.bias), newcomers, score.weights.likeness),
    )


def _alike_to_known(table: NextItemTable, first: int, newcomers: Sequence[Newcomer], weight: float) -> NextItemTable:
    """The table with newcomers as items from `first` on, each alike to known ones, which are alike to it."""
    indptr, rows = without_followers(table.indptr, len(newcomers)), dict(table.rows_behind)
    of_known: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for item, newcomer in enumerate(newcomers, start=first):
        values = np.float32(weight) * newcomer.likeness.weights
        if weight:
            rows[item] = newcomer.likeness.items, values
            for other, value in zip(newcomer.likeness.items.tolist(), values.tolist(), strict=True):
                of_known[other].append((item, value))
    for other, pairs in of_known.items():
        items, values = (np.array(column) for column in zip(*pairs, strict=True))
        before = rows.get(other, (np.zeros(0, np.int32), np.zeros(0, np.float32)))
        rows[other] = np.append(before[0], items.astype(np.int32)), np.append(before[1], values.astype(np.float32))
    return replace(table, indptr=indptr, rows_behind=rows)


def without_followers(indptr: np.ndarray, more: int) -> np.ndarray:
    """Where the rows of a sparse table (CSR) begin, with so many empty rows at its end."""
    return np.concatenate((indptr, np.full(more, indptr[-1], indptr.dtype)))


def ids(newcomers: Iterable[Newcomer]) -> list[str]:
    """Their product ids."""
    return [newcomer.product_id for newcomer in newcomers]


def _vector(vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean direction of the vectors (k, d) at their mean length: a plain mean would be short, thus rarely shown."""
    mean = weights @ vectors
    length = np.linalg.norm(mean)
    return mean * (weights @ np.linalg.norm(vectors, axis=1) / length) if length > 0 else mean
