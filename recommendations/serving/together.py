"""The fact "Bought together by 20+ shoppers of X": which X of the history, or of the page, holds of a product."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

import numpy as np

from ..catalog import Card
from ..publishing import LoadedRecommender
from .memory import Memory
from .placements import Basis
from .queries import RecommendationQuery
from .reasons import Anchor, Fact, rounded_down

# Nothing is printed of a count older than this.
FRESH = timedelta(days=2)
# Of sensitive products fewer shoppers than this could be told apart.
FEWEST_OF_SENSITIVE = 20
# Products of the history that are looked up for each shown one, since some may not be for sale.
MOST_NAMED = 3


@dataclass(frozen=True)
class Company:
    """What shoppers of a product bought too, and what number of them may be printed."""

    product_id: str  # "" for the product of the page, which needs no naming
    shoppers: int


def company_of(
    product_ids: Iterable[str], loaded: LoadedRecommender | None, query: RecommendationQuery, memory: Memory
) -> dict[str, list[Company]]:
    """For each product what it was bought together with, the one to name first leads. Reads no table.

    A list about one product of the page says it of that product, a list that rests on the history of products in it.
    """
    if loaded is None or query.spot.basis is Basis.SIMILAR or not _is_fresh(loaded, query):
        return {}
    about = [query.product_id] if query.spot.basis is Basis.TOGETHER else memory.seen
    met = loaded.scorer.vocabulary.numbers(about)
    found = {product_id: list(_company(product_id, met, loaded, query, memory)) for product_id in product_ids}
    return {product_id: company for product_id, company in found.items() if company}


def named_company(found: Iterable[Sequence[Company]]) -> set[str]:
    """Every product whose card the facts need."""
    return {other.product_id for company in found for other in company if other.product_id}


def together_fact(company: Sequence[Company], memory: Memory, cards: Mapping[str, Card]) -> Fact | None:
    """The fact about a product with this company, if it can be told: what is named must be for sale."""
    for other in company:
        if not other.product_id:
            return Fact("bought_together", shoppers=other.shoppers)
        if other.product_id in cards:
            title, event = cards[other.product_id].title, memory.strongest_event(other.product_id)
            return Fact("bought_together", anchors=(Anchor(other.product_id, title, event),), shoppers=other.shoppers)
    return None


def _company(
    product_id: str, met: np.ndarray, loaded: LoadedRecommender, query: RecommendationQuery, memory: Memory
) -> Iterator[Company]:
    """The visible link first (the same category or brand), then the most shoppers."""
    item, name = loaded.scorer.vocabulary.number(product_id), loaded.scorer.vocabulary.product_id
    others, shoppers = loaded.together.row(item)
    known = np.isin(others, met)
    pairs = [
        (other, count)
        for other, count in zip(others[known].tolist(), shoppers[known].tolist(), strict=True)
        if rounded_down(count) and (count >= FEWEST_OF_SENSITIVE or not loaded.sensitive[[item, other]].any())
    ]
    if query.spot.needs_product:
        yield from (Company("", rounded_down(count)) for _, count in pairs)
        return
    pairs.sort(key=lambda pair: (not loaded.is_linked(item, pair[0]), -pair[1], pair[0]))
    nameable = ((name(other), count) for other, count in pairs if loaded.can_be_named(other))
    told = (Company(key, rounded_down(count)) for key, count in nameable if memory.strongest_event(key))
    yield from islice(told, MOST_NAMED)


def _is_fresh(loaded: LoadedRecommender, query: RecommendationQuery) -> bool:
    counted_at = loaded.together.counted_at
    return counted_at is not None and query.now - counted_at <= FRESH
