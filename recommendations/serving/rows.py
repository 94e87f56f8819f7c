"""Rows "Because you viewed X", cut from one ranked list: without X, none of a row's products would be in that list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..boundary import never_break
from ..catalog import Card, find_cards
from ..publishing import current_recommender
from .candidates import history_pool
from .explaining import Claim, Explainer, Named, named_products
from .measuring import measured_rows
from .memory import read_memory
from .placements import Basis
from .promoting import Promotions
from .queries import RecommendationQuery
from .reasons import Anchor
from .recommendations import Recommendation
from .recommending import HISTORY
from .tokens import seal_list

# Length R of the ranked list that the rows are cut from, and so the K of each claim.
RANKED = 40
LEAST_IN_ROW = 4
MOST_IN_ROW = 10


@dataclass(frozen=True)
class BecauseRow:
    """Products that the ranked list would lose without the anchor; every reason names that anchor."""

    anchor: Anchor
    text: str
    token: str
    recommendations: tuple[Recommendation, ...]


@measured_rows
@never_break(fallback=lambda *_, **__: [], breaker=HISTORY)
def because_rows(query: RecommendationQuery, rows: int = 3) -> list[BecauseRow]:
    """At most `rows` rows of at least 4 products for a placement that rests on the history; no product twice.

    The query's limit is not used: the ranked list has RANKED products. Empty when nothing true can be said.
    """
    if query.spot.basis is not Basis.HISTORY:
        return []
    query = replace(query, limit=RANKED)
    memory = read_memory(query.shopper, query.now, query.without, query.without_queries)
    pool = history_pool(current_recommender(), query, memory)
    if pool is None:
        return []
    explainer = Explainer(pool, query, memory)
    promoted = Promotions.of(query, memory).declared
    claims = {
        (claim.anchors[0], claim.product_id): claim
        for place, item in enumerate(pool.items[:RANKED].tolist(), start=1)
        if pool.product_id(item) not in memory.bought and pool.product_id(item) not in promoted
        for claim in explainer.claims(item, place)
    }
    picked = _cover(claims, rows)
    kept = [claim for anchor in picked for claim in picked[anchor]]
    ranked = [pool.product_id(item) for item in pool.items[:RANKED].tolist()]
    cards = find_cards(set(ranked) | named_products(kept), query.request)
    made = [_row(explainer, found, ranked, cards) for found in picked.values()]
    return [row for row in made if row is not None]


def _cover(claims: Mapping[tuple[Named, str], Claim], rows: int) -> dict[Named, list[Claim]]:
    """Greedy set cover: the anchor with most products not yet in a row, until none has enough."""
    picked: dict[Named, list[Claim]] = {}
    taken: set[str] = set()
    while len(picked) < rows:
        free: dict[Named, list[Claim]] = {}
        for (anchor, product_id), claim in claims.items():
            if product_id not in taken and anchor not in picked:
                free.setdefault(anchor, []).append(claim)
        best = max(free, key=lambda anchor: min(len(free[anchor]), MOST_IN_ROW), default=None)
        if best is None or len(free[best]) < LEAST_IN_ROW:
            break
        picked[best] = free[best][:MOST_IN_ROW]
        taken |= {claim.product_id for claim in picked[best]}
    return picked


def _row(
    explainer: Explainer, claims: Sequence[Claim], ranked: Sequence[str], cards: Mapping[str, Card]
) -> BecauseRow | None:
    live = [product_id for product_id in ranked if product_id in cards]
    found: list[Recommendation] = []
    for claim in claims:
        if claim.product_id not in live:
            continue
        place = live.index(claim.product_id)
        reason = explainer.because(claim, place + 1, live[:place], cards)
        if reason is not None:
            score = float(explainer.pool.scores[ranked.index(claim.product_id)])
            card = cards[claim.product_id]
            found.append(Recommendation(len(found) + 1, score, "recommender", card, reason))
    if len(found) < LEAST_IN_ROW:
        return None
    reason = found[0].reason
    if not (text := reason.text):
        return None
    shown = [recommendation.card.product_id for recommendation in found]
    token = seal_list(explainer.query, shown, str(explainer.pool.loaded.version), is_row=True)
    return BecauseRow(reason.anchors[0], text, token, tuple(found))
