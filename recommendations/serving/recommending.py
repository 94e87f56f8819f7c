"""recommend(): from a query to the list a page shows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from ..boundary import CircuitBreaker, never_break
from ..catalog import Card, catalogs_of, find_cards
from ..publishing import LoadedRecommender, current_recommender
from .candidates import POOL, Pool, context_items, history_pool, popular_fill, unknown_fill
from .explaining import Claim, Explainer, Named, named_products
from .measuring import measured
from .memory import Memory, read_memory, read_wishes
from .placements import Basis, Placement
from .popular import Popular
from .promoting import Promotions
from .queries import RecommendationQuery
from .reasons import Fact, NoReason, Reason
from .recommendations import Recommendation, RecommendationList
from .together import company_of, named_company, together_fact
from .tokens import seal_list

# Of whatever reads a history.
HISTORY = CircuitBreaker()
# Candidates whose cards are asked for beyond the limit, since some may not be for sale.
SPARE = 10
# How many cards are asked for next, and then four times as many, while the list is not full.
MORE = 50
# Cards of one row that print the same words, never on neighbours.
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
    """The list of last resort: popular products, nothing read of the shopper but what must not be shown."""
    return _fallback(query)


@never_break(fallback=lambda query: RecommendationList(query.placement), breaker=CircuitBreaker())
def _fallback(query: RecommendationQuery) -> RecommendationList:
    if query.spot.needs_product or query.spot.bought == "only":
        return RecommendationList(query.placement)
    query, memory = replace(query, promotes=False), _wishes(query)
    return _shown(query, memory, None, None, _popular(query, memory))


@never_break(fallback=lambda query: Memory(), breaker=CircuitBreaker())
def _wishes(query: RecommendationQuery) -> Memory:
    return read_wishes(query.shopper, query.now)


@measured
@never_break(fallback=popular_list, breaker=HISTORY)
def recommend(query: RecommendationQuery) -> RecommendationList:
    """The list for a query: at most `limit` products that this shopper can buy now, best first, with true reasons.

    Never raises (but with RECOMMENDATIONS["STRICT"]): an error is logged and the popular list served.
    """
    memory = read_memory(query.shopper, query.now, query.without, query.without_queries)
    return make_list(query, memory, current_recommender())


def make_list(query: RecommendationQuery, memory: Memory, loaded: LoadedRecommender | None) -> RecommendationList:
    """What recommend() serves while nothing fails, by this version whatever is published meanwhile.

    Raises whatever fails, and is in no figures: for whoever tells of lists, and shows none.
    """
    if query.spot.basis is not Basis.HISTORY:
        found = context_items(loaded, query, memory)
        candidates = [Candidate(product_id, query.spot.basis.value) for product_id in found]
        return _shown(query, memory, loaded, None, candidates, version=str(loaded.version) if loaded else "")
    pool = history_pool(loaded, query, memory)
    if pool is None:
        candidates: Iterable[Candidate] = (
            _bought(query, memory) if query.spot.bought == "only" else _popular(query, memory)
        )
        return _shown(query, memory, loaded, None, candidates)
    return _shown(query, memory, loaded, pool, _ranked(pool, query, memory), version=str(pool.loaded.version))


def _ranked(pool: Pool, query: RecommendationQuery, memory: Memory) -> Iterator[Candidate]:
    """The pool and what ranks behind it, then what the recommender does not know, which fills a list that they can't;
    nothing is computed that no list comes to.

    What it knows is never put in for being popular: that could bring it before what beats it without the X of a
    "because", and the "because" would be false.
    """
    yield from (_ranked_one(pool, memory, item) for item in pool.items.tolist())
    yield from (_ranked_one(pool, memory, item) for item in pool.beyond())
    if query.spot.bought == "only":
        known = pool.loaded.scorer.vocabulary.number
        yield from (candidate for candidate in _bought(query, memory) if not known(candidate.product_id))
    else:
        yield from map(_of_popular, unknown_fill(pool.loaded, query, memory))


def _ranked_one(pool: Pool, memory: Memory, item: int) -> Candidate:
    product_id = pool.product_id(item)
    when = memory.bought.get(product_id)
    reason = Fact("bought", when) if when else NoReason()
    return Candidate(product_id, "recommender", float(pool.whole.scores[item]), item, reason)


def _of_popular(popular: Popular) -> Candidate:
    return Candidate(popular.product_id, popular.source, reason=popular.reason)


def _popular(query: RecommendationQuery, memory: Memory) -> Iterator[Candidate]:
    """As many as a list mostly needs, then the next thousand, for whom few of those are for sale."""
    taken: list[str] = []
    for count in (query.limit + SPARE, POOL):
        fill = popular_fill(query, memory, count, taken)
        yield from map(_of_popular, fill)
        if len(fill) < count:
            return
        taken += [popular.product_id for popular in fill]


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
    loaded: LoadedRecommender | None,
    pool: Pool | None,
    candidates: Iterable[Candidate],
    version: str = "",
) -> RecommendationList:
    """Cards for the best candidates and for what their reasons rest on, in one query of the shop's."""
    explainer = Explainer(pool, query, memory) if pool is not None and query.explains else None
    promotions = Promotions.of(query, memory)
    ranked = iter(candidates)
    at_first = query.limit + SPARE
    first = list(islice(ranked, at_first if pool is None else min(at_first, len(pool.items))))
    claims = _claims(explainer, dict(enumerate(first[: query.limit], start=1)), promotions)
    company = company_of(_without_better_fact(first), loaded, query, memory)
    asked = {candidate.product_id for candidate in first} | named_products(chain(*claims.values()))
    cards = find_cards(asked | named_company(company.values()) | promotions.asked(), query.request)
    live = [candidate for candidate in first if candidate.product_id in cards]
    count = MORE
    while len(live) < query.limit and (rest := list(islice(ranked, count))):  # this shopper can buy few of the best
        cards |= find_cards({candidate.product_id for candidate in rest}, query.request)
        live += [candidate for candidate in rest if candidate.product_id in cards]
        count *= 4
    moved_up = {
        place: spare for place, spare in enumerate(first, 1) if place > query.limit and spare in live[: query.limit]
    }
    if more := _claims(explainer, moved_up, promotions):
        cards |= find_cards(named_products(chain(*more.values())), query.request)
        claims |= more
    facts = {key: together_fact(others, memory, cards) for key, others in company.items()}
    organic = _recommendations(live[: query.limit], cards, explainer, claims, facts, promotions)
    recommendations = _labelled(promotions.put_first(organic, cards)[: query.limit], query.spot)
    return RecommendationList(
        placement=query.placement,
        version=version,
        token=seal_list(query, [entry.card.product_id for entry in recommendations], version),
        recommendations=tuple(recommendations),
        personal=query.shopper is not None,
    )


def _without_better_fact(candidates: Iterable[Candidate]) -> list[str]:
    """Products of which nothing is known that says more than what they were bought together with."""
    reasons = ((candidate.product_id, candidate.reason) for candidate in candidates)
    return [key for key, reason in reasons if not (isinstance(reason, Fact) and reason.fact == "bought")]


def _claims(
    explainer: Explainer | None, candidates: Mapping[int, Candidate], promotions: Promotions
) -> dict[str, list[Claim]]:
    """The claims that may be printed for each candidate at its place, the one to print first: neighbours name different
    anchors if they can.
    """
    if explainer is None or not candidates:
        return {}
    limit = explainer.query.limit
    places = {
        candidate.item: place
        for place, candidate in candidates.items()
        if candidate.item and candidate.reason.kind == "none" and candidate.product_id not in promotions.declared
    }
    found = {item: explainer.claims(item, min(place, limit)) for item, place in places.items()}
    unexplained = {item: min(place, limit) for item, place in places.items() if not found[item]}
    for item, claims in (explainer.either_claims(unexplained) if unexplained else {}).items():
        # What stays without either must stay though promotions take places.
        found[item] = [claim for claim in claims if max(claim.ranks_without_each) <= limit - promotions.places]
    ordered: dict[str, list[Claim]] = {}
    previous: tuple[Named, ...] = ()
    for claims in filter(None, found.values()):
        first = next((claim for claim in claims if claim.anchors != previous), claims[0])
        ordered[first.product_id] = [first, *(claim for claim in claims if claim is not first)]
        previous = first.anchors
    return ordered


def _recommendations(
    shown: Sequence[Candidate],
    cards: Mapping[str, Card],
    explainer: Explainer | None,
    claims: Mapping[str, Sequence[Claim]],
    facts: Mapping[str, Fact | None],
    promotions: Promotions,
) -> list[Recommendation]:
    """Each with the best that can be said of it: a cause, a fact, or nothing."""
    made: list[Recommendation] = []
    for place, candidate in enumerate(shown, start=1):
        product_id, because = candidate.product_id, None
        if explainer is not None and product_id in claims:
            ahead = [above.product_id for above in shown[: place - 1]]
            made_of = (explainer.because(claim, place, ahead, cards) for claim in claims[product_id])
            because = next(filter(None, made_of), None)  # of what a claim names something may be sold out
        reason = because or facts.get(product_id) or candidate.reason
        is_promoted = product_id in promotions.declared
        card, told = cards[product_id], (candidate.score, candidate.source)
        made.append(Recommendation(place, *told, card, reason, place=place, is_promoted=is_promoted))
    return made


def _labelled(shown: Iterable[Recommendation], spot: Placement) -> list[Recommendation]:
    """The same words are printed a few times, and never on neighbours; where only what was bought is shown, each says
    when (docs/decisions/0017)."""
    made: list[Recommendation] = []
    labels: list[tuple[object, ...]] = []
    for entry in shown:
        label = () if spot.bought == "only" else entry.reason.label
        is_new = not label or (label not in labels[-1:] and labels.count(label) < MOST_EQUAL_LABELS)
        labels.append(label if is_new else ())
        made.append(entry if is_new else replace(entry, is_labelled=False))
    return made
