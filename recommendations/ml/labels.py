"""What shops print as "because" without checking it: orders of a history's units that look at no removal.

Each label weighs the m units for each of the I shown products; the heaviest unit is the one it names.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .kinds import Kind
from .ranking import token_vectors
from .sequences import History, tokens

# (m, I): how much each unit is said to carry each shown product.
Weights = np.ndarray


@dataclass(frozen=True, eq=False)
class LabelledList:
    """A shown list and all that a label looks at."""

    history: History
    shown: list[int]  # items, best first
    item_matrix: np.ndarray  # (n+1, d)
    rng: np.random.Generator
    attention: np.ndarray | None = None  # (layers, heads, T), from the last token

    @property
    def units(self) -> list[int]:
        return self.history.units()

    def for_all(self, weights: np.ndarray) -> Weights:
        """The same weights (m) for every shown product."""
        return np.tile(np.asarray(weights, float)[:, None], (1, len(self.shown)))


Label = Callable[[LabelledList], Weights]


def at_random(labelled: LabelledList) -> Weights:
    """Any unit."""
    return labelled.rng.random((len(labelled.units), len(labelled.shown)))


def most_recent(labelled: LabelledList) -> Weights:
    """The unit met last, whatever was done."""
    return labelled.for_all(-np.arange(len(labelled.units)))


def last_viewed(labelled: LabelledList) -> Weights:
    """The product viewed last, "because you just viewed X"; then those never viewed, the one met last first."""
    history, never = labelled.history, -1 - np.arange(len(labelled.units))
    is_view = history.kinds == Kind.VIEW
    views = [np.flatnonzero(is_view & (history.items == unit)).max(initial=-1) for unit in labelled.units]
    return labelled.for_all(np.where(np.array(views) >= 0, views, never))


def most_frequent(labelled: LabelledList) -> Weights:
    """The unit met most often, of equal ones the one met last."""
    met = np.array([np.count_nonzero(labelled.history.items == unit) for unit in labelled.units], float)
    return labelled.for_all(met - np.arange(len(met)) / 1_000)


def most_similar(labelled: LabelledList) -> Weights:
    """The cosine of the two products' vectors: "similar to X"; a search's is the mean of those of its products."""
    (units,) = token_vectors(labelled.item_matrix, np.array([labelled.units]), [labelled.history])
    return _unit_length(units) @ _unit_length(labelled.item_matrix[labelled.shown]).T


def top_attention(labelled: LabelledList) -> Weights:
    """Attention of the last layer, averaged over heads, summed over the unit's tokens.

    A unit that the network does not read has 0. ValueError when the list came without attention.
    """
    if labelled.attention is None:
        raise ValueError("the list came without attention; pass PlainScorer.attention(history)")
    items, looked = tokens(labelled.history)[0], labelled.attention[-1].mean(axis=0)
    return labelled.for_all(np.array([looked[items == unit].sum() for unit in labelled.units]))


# What shops print, and whose first unit it is.
LABELS: dict[str, Label] = {
    "last_viewed": last_viewed,
    "most_similar": most_similar,
    "most_frequent": most_frequent,
    "top_attention": top_attention,
    "random": at_random,
}


def orders(weights: Weights, units: list[int]) -> list[list[int]]:
    """For each shown product the units, the heaviest first; of equal ones the one met last."""
    return [[units[row] for row in np.argsort(-column, kind="stable")] for column in weights.T]


def _unit_length(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
