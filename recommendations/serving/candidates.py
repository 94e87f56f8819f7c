"""From a query to ranked products: which source answers, and in what order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..ml.ranking import logits
from ..ml.reasons import LeaveOneOut
from ..ml.sequences import History
from ..ml.shortlist import best_of
from ..ml.staying import Reading
from ..publishing import LoadedRecommender
from .eligibility import barred_witnesses, eligible_items, fewer_of, left_out
from .memory import Memory
from .placements import Basis
from .popular import Popular, popular_products
from .queries import RecommendationQuery

# The best eligible items, among which ranks are compared: it keeps 99.7 % of the claims of the whole catalog.
POOL = 1_000
# How far down the ranking a list looks for what a shopper can buy.
DEEPEST = 4_000


@dataclass(frozen=True, eq=False)
class Pool:
    """The best eligible items for a shopper with a history the recommender can read."""

    loaded: LoadedRecommender
    history: History
    whole: Reading  # of the history, over the whole catalog
    eligible: np.ndarray  # bool (n+1)
    items: np.ndarray  # int32 (C), best first
    scores: np.ndarray  # float32 (C)
    barred: Sequence[int]  # never witnesses

    def product_id(self, item: int) -> str:
        return self.loaded.scorer.vocabulary.product_id(item)

    def beyond(self) -> list[int]:
        """The eligible items that follow those of the pool, best first."""
        return best_of(self.whole.scores, DEEPEST, self.eligible)[len(self.items) :].tolist()

    def leave_one_out(self) -> LeaveOneOut:
        """Its scores, computed again without each unit of the history."""
        return LeaveOneOut(self.loaded.scorer, self.history, self.items, self.scores, self.barred)


def history_pool(loaded: LoadedRecommender | None, query: RecommendationQuery, memory: Memory) -> Pool | None:
    """The pool of a list that rests on the history; None when there is no recommender or nothing it can read."""
    if loaded is None or query.spot.basis is not Basis.HISTORY:
        return None
    history = memory.history(loaded.scorer.vocabulary, loaded.scorer.query_index)
    if len(history) == 0:
        return None
    whole = Reading.of(loaded.scorer, history)
    eligible = eligible_items(loaded, query, memory)
    best = best_of(whole.scores, POOL, eligible)
    barred = barred_witnesses(loaded, query, memory)
    return Pool(loaded, history, whole, eligible, best.astype(np.int32), whole.scores[best], barred)


def context_items(loaded: LoadedRecommender | None, query: RecommendationQuery, memory: Memory) -> list[str]:
    """product_ids for a list about one product: alike, or met soon after it; best first."""
    strength = context_strength(loaded, query)
    if loaded is None or strength is None:
        return []
    best = best_of(strength, POOL, eligible_items(loaded, query, memory))
    return [loaded.scorer.vocabulary.product_id(number) for number in best.tolist()]


def context_strength(loaded: LoadedRecommender | None, query: RecommendationQuery) -> np.ndarray | None:
    """What ranks a list about one product, (n+1), -inf for what it can't show; None when that product is unknown."""
    if loaded is None or query.product_id is None or not query.spot.needs_product:
        return None
    item = loaded.scorer.vocabulary.number(query.product_id)
    if item == 0:
        return None
    return _cosines_to(loaded, item) if query.spot.basis is Basis.SIMILAR else _company(loaded, item)


def _cosines_to(loaded: LoadedRecommender, item: int) -> np.ndarray:
    """Cosine to the item (n+1), of those in its own category."""
    score = loaded.scorer.score
    alike = logits(score.item_matrix[[item]], score.item_matrix)[0]
    cosine = alike / (score.norms * score.norms[item] + np.float32(1e-9))
    cosine[loaded.category != loaded.category[item]] = -np.inf
    return cosine


def _company(loaded: LoadedRecommender, item: int) -> np.ndarray:
    """How much more than usual each item follows this one (n+1); -inf for those that never did."""
    strength = np.full(len(loaded.eligible), -np.inf, np.float32)
    followers, values = loaded.scorer.score.next_item.followers(item)
    # What everybody buys follows everything: without the root it would be milk beside toothpaste.
    strength[followers] = values / np.sqrt(loaded.following[followers])
    return strength


def unknown_fill(loaded: LoadedRecommender, query: RecommendationQuery, memory: Memory) -> list[Popular]:
    """What this shopper may be shown of what the recommender does not know; where it knows all, nothing is asked."""
    among = loaded.unknown
    if not among:
        return []
    return popular_products(
        len(among), left_out(query, memory), query.now, query.catalog, fewer_of(query, memory), among
    )


def popular_fill(query: RecommendationQuery, memory: Memory, count: int, taken: Sequence[str] = ()) -> list[Popular]:
    """What the popular list adds for this shopper; nothing where only bought products are shown."""
    if query.spot.bought == "only":
        return []
    return popular_products(
        count, left_out(query, memory) | set(taken), query.now, query.catalog, fewer_of(query, memory)
    )
