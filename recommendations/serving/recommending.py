"""recommend(): from a query to the list a page shows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ..boundary import never_break
from ..catalog import Card, catalogs_of, find_cards
from ..publishing import current_recommender
from .candidates import Pool, context_items, history_pool, popular_fill
from .explaining import Claim, Explainer, named_products
from .memory import Memory, read_memory
from .placements import Basis
from .queries import RecommendationQuery
from .reasons import Fact, NoReason, Reason
from .recommendations import Recommendation, RecommendationList
from .tokens import seal_list

# Candidates whose cards are asked for beyond the limit, since some may not be for sale.
SPARE = 10
# Cards of one row that print the same "because", never on neighbours.
MOST_EQUAL_LABELS = 3


@dataclass(frozen=True)
class Candidate:
    """A product that may be shown, before its card is known."""

    product_id: str
    source: str
    score: float | None = None
    item: int = 0
    reason: Reason = NoReason()  # noqa: RUF009 - frozen and stateless


def popular_list(query: RecommendationQuery) -> RecommendationList:
    """The list of last resort: popular products, nothing read of the shopper."""
    return _fallback(query)


@never_break(fallback=lambda query: RecommendationList(query.placement))
def _fallback(query: RecommendationQuery) -> RecommendationList:
    if query.spot.needs_product or query.spot.bought == "only":
        return RecommendationList(query.placement)
    memory = Memory()
    return _shown(query, memory, None, _popular(query, memory))


@never_break(fallback=popular_list)
def recommend(query: RecommendationQuery) -> RecommendationList:
    """The list for a query: at most `limit` products that this shopper can buy now, best first, with true reasons.

    Never raises (but with RECOMMENDATIONS["STRICT"]): an error is logged and the popular list served.
    """
    memory = read_memory(query.shopper, query.now, query.without)
    loaded = current_recommender()
    if query.spot.basis is not Basis.HISTORY:
        found = context_items(loaded, query, memory)
        candidates = [Candidate(product_id, query.spot.basis.value) for product_id in found]
        return _shown(query, memory, None, candidates, version=str(loaded.version) if loaded else "")
    pool = history_pool(loaded, query, memory)
    if pool is None:
        candidates = _bought(query, memory) if query.spot.bought == "only" else _popular(query, memory)
        return _shown(query, memory, None, candidates)
    return _shown(query, memory, pool, _ranked(pool, query, memory), version=str(pool.loaded.version))


def _ranked(pool: Pool, query: RecommendationQuery, memory: Memory) -> Iterator[Candidate]:
    """The pool, then what fills a list that it can't; nothing is computed that no list comes to."""
    pooled = [pool.product_id(int(item)) for item in pool.items]
    for column in range(len(pooled)):
        yield _from_pool(pool, memory, column)
    if query.spot.bought == "only":  # bought since the training
        yield from (candidate for candidate in _bought(query, memory) if candidate.product_id not in pooled)
    else:
        yield from _popular(query, memory, pooled)


def _from_pool(pool: Pool, memory: Memory, column: int) -> Candidate:
    item = int(pool.items[column])
    product_id = pool.product_id(item)
    when = memory.bought.get(product_id)
    reason = Fact("bought", when) if when else NoReason()
    return Candidate(product_id, "recommender", float(pool.scores[column]), item, reason)


def _popular(query: RecommendationQuery, memory: Memory, taken: Sequence[str] = ()) -> list[Candidate]:
    fill = popular_fill(query, memory, query.limit + SPARE, taken)
    return [Candidate(popular.product_id, popular.source, reason=popular.reason) for popular in fill]


def _bought(query: RecommendationQuery, memory: Memory) -> list[Candidate]:
    """Without a recommender: what was bought, the latest first."""
    latest = sorted(memory.bought, key=memory.bought.__getitem__, reverse=True)
    kept = [key for key in latest if key not in memory.left_out | memory.in_basket]
    if query.catalog is not None:
        kept = [key for key, owner in zip(kept, catalogs_of(kept), strict=True) if owner is query.catalog]
    return [Candidate(key, "bought", reason=Fact("bought", memory.bought[key])) for key in kept]


def _shown(
    query: RecommendationQuery,
    memory: Memory,
    pool: Pool | None,
    candidates: Iterable[Candidate],
    version: str = "",
) -> RecommendationList:
    """Cards for the best candidates and for what their reasons rest on, in one query of the shop's."""
    explainer = Explainer(pool, query, memory) if pool is not None else None
    ranked = iter(candidates)
    at_first = query.limit + SPARE
    first = list(islice(ranked, at_first if pool is None else min(at_first, len(pool.items))))
    claims = _claims(explainer, first, query.limit) if explainer else {}
    asked = {candidate.product_id for candidate in first} | named_products(claims.values())
    cards = find_cards(asked, query.request)
    live = [candidate for candidate in first if candidate.product_id in cards]
    if len(live) < query.limit and (rest := list(ranked)):  # most of the best are sold out
        cards |= find_cards({candidate.product_id for candidate in rest}, query.request)
        live += [candidate for candidate in rest if candidate.product_id in cards]
    shown = live[: query.limit]
    recommendations = _recommendations(shown, cards, explainer, claims)
    return RecommendationList(
        placement=query.placement,
        version=version,
        token=seal_list(query, [candidate.product_id for candidate in shown], version),
        recommendations=tuple(recommendations),
        personal=query.shopper is not None,
    )


def _claims(explainer: Explainer, candidates: Sequence[Candidate], limit: int) -> dict[str, Claim]:
    """The claim to print for each candidate, if any; neighbours name different anchors if they can."""
    places = {
        candidate.item: place
        for place, candidate in enumerate(candidates, start=1)
        if candidate.item and candidate.reason.kind == "none"
    }
    found = {item: explainer.claims(item, min(place, limit)) for item, place in places.items()}
    unexplained = {item: place for item, place in places.items() if place <= limit and not found[item]}
    found |= explainer.either_claims(unexplained) if unexplained else {}
    chosen: dict[str, Claim] = {}
    previous: tuple[str, ...] = ()
    for claims in filter(None, found.values()):
        claim = next((claim for claim in claims if claim.anchors != previous), claims[0])
        chosen[claim.product_id] = claim
        previous = claim.anchors
    return chosen


def _recommendations(
    shown: Sequence[Candidate],
    cards: dict[str, Card],
    explainer: Explainer | None,
    claims: dict[str, Claim],
) -> list[Recommendation]:
    made: list[Recommendation] = []
    labels: list[tuple[str, ...]] = []
    for rank, candidate in enumerate(shown, start=1):
        reason = candidate.reason
        if explainer is not None and candidate.product_id in claims:
            ahead = [above.product_id for above in shown[: rank - 1]]
            reason = explainer.because(claims[candidate.product_id], rank, ahead, cards) or reason
        label = tuple(anchor.id for anchor in reason.anchors) if reason.kind == "because" else ()
        is_new = not label or (label not in labels[-1:] and labels.count(label) < MOST_EQUAL_LABELS)
        labels.append(label if is_new else ())
        card = cards[candidate.product_id]
        made.append(Recommendation(rank, candidate.score, candidate.source, card, reason, is_new))
    return made
