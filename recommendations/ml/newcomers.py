"""A place for products that came after the training: among those whose words are most like their own.

A newcomer is read as a search is, as a bag of known products: it points where they point, as far out as they stand on
average, and is wanted as they are, a little more for what it lacks: nothing is known yet to be followed by it, so the
next-item table never speaks for it. Its brand and category are its own. From then on it is an item like any other:
ranked, explained, removed, audited.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .attributes import FIELDS, NOT_TOLD, Codes
from .ranking import NextItemTable, Score
from .room import Room
from .sequences import Bag
from .text import QueryIndex

# Known products that one newcomer is read as, at most.
LIKE_IT = 10
# What is added to the bias that the products like it have, docs/decisions/0008.
BIAS = 1.0
NO_CODES: Mapping[str, Codes] = {}


@dataclass(frozen=True, eq=False)
class Newcomer:
    """A product that the training did not know, and the known ones that it is read as."""

    product_id: str
    like_it: Bag
    codes: Codes = (NOT_TOLD,) * len(FIELDS)


def newcomers_of(
    index: QueryIndex, popularity: np.ndarray, words: Mapping[str, str], codes: Mapping[str, Codes] = NO_CODES
) -> list[Newcomer]:
    """Those of the products (product_id -> title, brand and category) whose words any known product has.

    Of equally like products the popular ones count more: they are known better. `popularity` is (n+1), `codes` are
    the products' attribute codes by their product_id, where they are told.
    """
    found = []
    for product_id, text in words.items():
        bag = index.bag(text, most=LIKE_IT)
        weights = bag.weights * np.log1p(popularity[bag.items])
        if weights.sum() > 0:
            like_it = Bag(bag.items, (weights / weights.sum()).astype(np.float32))
            found.append(Newcomer(product_id, like_it, codes.get(product_id, Newcomer.codes)))
    return found


def with_newcomers(score: Score, newcomers: Sequence[Newcomer]) -> Score:
    """The score with newcomers as items n+1, n+2, ... in their order."""
    bags = [newcomer.like_it for newcomer in newcomers]
    vectors = np.array([_vector(score.item_matrix[bag.items], bag.weights) for bag in bags], np.float32)
    bias = np.array([bag.weights @ score.bias[bag.items] + BIAS for bag in bags], np.float32)
    table, room = score.next_item, score.room or Room(score.item_matrix, 0)
    return replace(
        score,
        item_matrix=room.behind(score.item_matrix, vectors),
        bias=np.concatenate((score.bias, bias)),
        next_item=NextItemTable(without_followers(table.indptr, len(bags)), table.indices, table.values),
        codes=with_codes(score.codes, newcomers) if score.counts_attributes else score.codes,
    )


def with_codes(codes: np.ndarray, newcomers: Sequence[Newcomer]) -> np.ndarray:
    """The attribute codes (F, n+1) with those of newcomers behind them."""
    more = np.array([newcomer.codes for newcomer in newcomers], np.int64).reshape(-1, len(FIELDS))
    return np.concatenate((codes, more.T), axis=1)


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
