"""A place for products that came after the training: among those whose words are most like their own.

A newcomer is read as a search is, as a bag of known products: it points where they point, as far out as they stand on
average, and is wanted as they are, a little more for what it lacks: nothing is known yet to be followed by it. Where
likeness counts in the table it has its rows there. From then on it is an item like any other: ranked, explained,
removed, audited.
"""

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
BIAS = 1.0


@dataclass(frozen=True, eq=False)
class Newcomer:
    """A product that the training did not know, and the known ones that it is read as."""

    product_id: str
    like_it: Bag
    alike: Bag  # those that the table counts it alike to, and how much


def newcomers_of(index: QueryIndex, popularity: np.ndarray, words: Mapping[str, str]) -> list[Newcomer]:
    """Those of the products (product_id -> title, brand and category) whose words any known product has.

    Of equally like products the popular ones count more: they are known better. `popularity` is (n+1).
    """
    found = []
    for product_id, text in words.items():
        bag = index.bag(text, most=LIKE_IT)
        weights = bag.weights * np.log1p(popularity[bag.items])
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
    for item, newcomer in enumerate(newcomers, start=first):
        values = np.float32(weight) * newcomer.alike.weights
        if weight:
            rows[item] = newcomer.alike.items, values
            for other, value in zip(newcomer.alike.items.tolist(), values, strict=True):
                items, others = rows.get(other, (np.zeros(0, np.int32), np.zeros(0, np.float32)))
                rows[other] = np.append(items, np.int32(item)), np.append(others, value)
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
