"""Which products may be shown to this shopper, in this placement, now. The score never decides that."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..catalog import catalogs_of
from ..ml.vocabulary import Vocabulary
from ..models.hidden_product import Category
from ..publishing import LoadedRecommender
from .memory import Memory
from .queries import RecommendationQuery


def left_out(query: RecommendationQuery, memory: Memory) -> set[str]:
    """product_ids that this list must not show: hidden, in the basket, on this page, and met before unless bought
    products are welcome here."""
    out = set(memory.left_out) | memory.in_basket
    if query.product_id:
        out.add(query.product_id)
    if query.spot.needs_product:
        return out
    out |= memory.seen - set(memory.bought)
    if query.spot.bought == "left out":
        out |= set(memory.bought)
    return out


def fewer_of(query: RecommendationQuery, memory: Memory) -> frozenset[Category]:
    """Categories of which this list shows fewer. What was bought, and what is about the page's product, stays whole."""
    return frozenset() if query.spot.needs_product or query.spot.bought == "only" else memory.fewer


def may_be_shown(product_ids: Iterable[str], query: RecommendationQuery, memory: Memory) -> list[str]:
    """Those of the products that this list may show if they can be bought; the recommender need not know them."""
    out = left_out(query, memory)
    allowed = [key for key in product_ids if key not in out and (query.spot.bought != "only" or key in memory.bought)]
    if query.catalog is None:
        return allowed
    return [key for key, owner in zip(allowed, catalogs_of(allowed), strict=True) if owner is query.catalog]


def eligible_items(loaded: LoadedRecommender, query: RecommendationQuery, memory: Memory) -> np.ndarray:
    """bool (n+1): the recommender's items that this list may show; item 0 never."""
    vocabulary = loaded.scorer.vocabulary
    eligible = loaded.eligible.copy()
    if query.spot.bought == "only":
        eligible &= _mask(vocabulary, memory.bought)
    if query.catalog is not None:
        eligible &= loaded.items_of(query.catalog)
    eligible[vocabulary.numbers(left_out(query, memory))] = False
    if fewer := fewer_of(query, memory):
        eligible &= ~loaded.left_out_of(fewer)
    eligible[0] = False
    return eligible


def barred_witnesses(loaded: LoadedRecommender, query: RecommendationQuery, memory: Memory) -> list[int]:
    """Items that a removal may make ineligible, since it brings older events into the window."""
    numbers = loaded.scorer.vocabulary.numbers(memory.refills)
    return numbers[numbers > 0].tolist()


def possible_rivals(loaded: LoadedRecommender, query: RecommendationQuery, memory: Memory) -> np.ndarray:
    """bool (n+1): at least whatever the list may show once something is removed.

    Older events that are read then may let products back in that had been removed before.
    """
    return eligible_items(loaded, query, replace(memory, left_out=frozenset()))


def _mask(vocabulary: Vocabulary, product_ids: Iterable[str]) -> np.ndarray:
    mask = np.zeros(len(vocabulary) + 1, bool)
    mask[vocabulary.numbers(product_ids)] = True
    return mask
