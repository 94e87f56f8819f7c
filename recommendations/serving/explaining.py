"""From causes found in the pool to reasons that may be printed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from ..catalog import Card
from ..ml.pairs import EitherCause, EitherEnough
from ..ml.reasons import SPARE_WITNESSES, Cause, LeaveOneOut, witnesses_needed
from ..ml.triples import AnyOfThree
from .candidates import Pool, popular_fill
from .eligibility import possible_rivals
from .memory import EVENT_ORDER, Memory
from .queries import RecommendationQuery
from .reasons import Anchor, AnyEvidence, Because, EitherEvidence, Evidence


class Named(NamedTuple):
    """A unit of the history in the shop's own terms."""

    type: str  # "product" or "query"
    id: str


@dataclass(frozen=True)
class Claim:
    """A "because" that holds if enough of its witnesses can be bought, in the shop's own ids."""

    product_id: str
    anchors: tuple[Named, ...]
    witnesses: tuple[str, ...]  # best first
    rank_after: int  # at least
    margins: tuple[float, ...]  # of each witness; empty where no recommender ranks what is left
    share: float
    ranks_without_each: tuple[int, ...] = ()  # of two anchors
    ranks_with_one: tuple[int, ...] = ()  # of three


class Explainer:
    """Finds what the items of one pool rest on; made once a list."""

    def __init__(self, pool: Pool, query: RecommendationQuery, memory: Memory) -> None:
        self.pool, self.query, self.memory = pool, query, memory

    @cached_property
    def _left(self) -> LeaveOneOut:
        return self.pool.leave_one_out()

    @cached_property
    def _either(self) -> EitherEnough:
        nameable = {unit for unit in self.pool.history.units() if self.can_be_named(unit)}
        rivals = possible_rivals(self.pool.loaded, self.query, self.memory)
        return EitherEnough(self._left, self.pool.whole, rivals, nameable)

    @cached_property
    def _without_all(self) -> list[str]:
        """The list once all units are gone: what a stranger would see here."""
        count = self.query.limit + witnesses_needed(1, self.query.limit) + SPARE_WITNESSES
        gone = [named.id for named in map(self.named, self._all) if named.type == "product"]
        fill = popular_fill(self.query, self.memory, count, taken=[*gone, *self.memory.refills])
        return [popular.product_id for popular in fill]

    @cached_property
    def _all(self) -> tuple[int, ...]:
        """The one or two units whose removal leaves nothing to read; empty when there is more."""
        units, history = self.pool.history.units(), self.pool.history
        is_all = len(units) <= 2 and history.complete and len(history.without(*units)) == 0
        return tuple(units) if is_all else ()

    def claims(self, item: int, rank: int) -> list[Claim]:
        """Every unit that `item`, at `rank` of the list, may be said to rest on; the one to name first leads."""
        if self.pool.product_id(item) in self.memory.refills:
            return []
        if len(self._all) == 1:
            return self._popular_claims(item, rank)
        causes = self._left.causes(item, rank, self.query.limit)
        nameable = [cause for cause in causes if self.can_be_named(cause.anchors[0])]
        return [self._claim(cause) for cause in sorted(nameable, key=self._preference)]

    def either_claims(self, places: Mapping[int, int]) -> dict[int, list[Claim]]:
        """For items (item -> place): pairs of which either is enough, the one to name first leads.

        Items that one unit alone explains have none.
        """
        if len(self._all) == 1:
            return {}
        known = {item: place for item, place in places.items() if self.pool.product_id(item) not in self.memory.refills}
        if self._all:
            return {item: self._popular_either(item, place) for item, place in known.items()}
        found = self._either.causes(known, self.query.limit)
        for causes in found.values():
            causes.sort(key=lambda either: self._preference(either.cause))
        return {item: [self._either_claim(either) for either in causes] for item, causes in found.items()}

    def any_claim(self, item: int, place: int, kept: int) -> Claim | None:
        """Three units of which any one is enough, for an item that neither one nor two explain; None when none are.

        With any of them it must stay among the first `kept`. It takes longer than a list has time for.
        """
        if self._all or self.pool.product_id(item) in self.memory.refills:
            return None
        rivals = possible_rivals(self.pool.loaded, self.query, self.memory)
        found = AnyOfThree(self._left, self._either, rivals).cause(item, place, self.query.limit, kept)
        if found is None:
            return None
        newest = sorted(range(3), key=lambda anchor: self._age[found.cause.anchors[anchor]])
        claim = self._claim(found.cause)
        anchors, ranks = ([three[place] for place in newest] for three in (claim.anchors, found.ranks_with_one))
        return replace(claim, anchors=tuple(anchors), ranks_with_one=tuple(ranks))

    def _popular_either(self, item: int, place: int) -> list[Claim]:
        """Of a history of two units: without both, what a stranger sees decides."""
        either = self._either
        if not all(either.may_name(unit, item) for unit in self._all):
            return []
        ranks = tuple(either.rank_without(unit, item) for unit in self._all)
        if either.rests_on_one(item, self.query.limit) or max(ranks) > self.query.limit:
            return []
        return [replace(claim, ranks_without_each=ranks) for claim in self._popular_claims(item, place)]

    def _popular_claims(self, item: int, rank: int) -> list[Claim]:
        """What removing all units proves."""
        product_id, others = self.pool.product_id(item), self._without_all
        ahead = others[: others.index(product_id)] if product_id in others else others
        named = all(self.can_be_named(unit) for unit in self._all)
        if not named or item in self._all or len(ahead) < witnesses_needed(rank, self.query.limit):
            return []
        anchors = tuple(map(self.named, self._all))
        return [Claim(product_id, anchors, tuple(ahead), len(ahead) + 1, (), 1.0)]

    def named(self, unit: int) -> Named:
        """What a number of the history stands for."""
        queries = self.pool.history.queries
        if queries.holds(unit):
            return Named("query", self.memory.searches[unit - queries.first])
        return Named("product", self.pool.product_id(unit))

    def event(self, named: Named) -> str:
        """The strongest true word for what was done with it: one of EVENT_ORDER, "" when nothing holds any more."""
        return "searched" if named.type == "query" else self.memory.strongest_event(named.id)

    def can_be_named(self, unit: int) -> bool:
        """Whether the shop may name it and something true can be said of it; a search may not hint at a sensitive
        product."""
        loaded, queries = self.pool.loaded, self.pool.history.queries
        if queries.holds(unit):
            return not loaded.sensitive[queries.bag(unit).items].any()
        return bool(self.event(self.named(unit))) and loaded.can_be_named(unit)

    def _is_linked(self, item: int, unit: int) -> bool:
        """Whether anybody can see what connects the two: the category, the brand, the words of a search."""
        queries = self.pool.history.queries
        if queries.holds(unit):
            return item in queries.bag(unit).items
        return self.pool.loaded.is_linked(item, unit)

    def _claim(self, cause: Cause) -> Claim:
        name = self.pool.product_id
        witnesses = tuple(name(item) for item in cause.witnesses)
        anchors = tuple(map(self.named, cause.anchors))
        return Claim(name(cause.item), anchors, witnesses, cause.rank_after, cause.margins, cause.share)

    def _either_claim(self, either: EitherCause) -> Claim:
        """The one met last is named first."""
        newest = sorted((0, 1), key=lambda place: self._age[either.cause.anchors[place]])
        claim = self._claim(either.cause)
        anchors, ranks = ([two[place] for place in newest] for two in (claim.anchors, either.ranks_without_each))
        return replace(claim, anchors=tuple(anchors), ranks_without_each=tuple(ranks))

    def _preference(self, cause: Cause) -> tuple[int, int, int]:
        """The visible link first, then the stronger event, then the newer; of a pair, what its two come to."""
        events = [self.event(self.named(anchor)) for anchor in cause.anchors]
        unlinked = sum(not self._is_linked(cause.item, anchor) for anchor in cause.anchors)
        return unlinked, sum(map(EVENT_ORDER.index, events)), sum(self._age[anchor] for anchor in cause.anchors)

    @cached_property
    def _age(self) -> dict[int, int]:
        return {unit: age for age, unit in enumerate(self.pool.history.units())}

    def because(self, claim: Claim, rank: int, ahead: Sequence[str], cards: Mapping[str, Card]) -> Because | None:
        """The reason, if the claim still holds among what can be bought: None otherwise.

        `rank` is the place in the shown list, `ahead` the product_ids shown above it.
        """
        products = [anchor.id for anchor in claim.anchors if anchor.type == "product"]
        if not all(product_id in cards for product_id in products):
            return None
        rank -= sum(product_id in ahead for product_id in products)
        live = tuple(witness for witness in claim.witnesses if witness in cards)
        margin_of = dict(zip(claim.witnesses, claim.margins, strict=False))
        if len(live) < witnesses_needed(rank, self.query.limit):
            return None
        proof: dict[str, Any] = dict(
            limit=self.query.limit,
            rank_before=rank,
            rank_after=len(live) + 1,
            margin=margin_of.get(live[self.query.limit - 1]),
            share=claim.share,
            witnesses=live,
            version=self.pool.loaded.version,
        )
        if claim.ranks_with_one:
            evidence: Evidence = AnyEvidence(**proof, ranks_with_one=claim.ranks_with_one)
        elif claim.ranks_without_each:
            evidence = EitherEvidence(**proof, ranks_without_each=claim.ranks_without_each)
        else:
            evidence = Evidence(**proof)
        return Because(tuple(self._anchor(named, cards) for named in claim.anchors), evidence)

    def _anchor(self, named: Named, cards: Mapping[str, Card]) -> Anchor:
        title = named.id if named.type == "query" else cards[named.id].title
        return Anchor(named.id, title, self.event(named), named.type)


def named_products(claims: Iterable[Claim]) -> set[str]:
    """Every product whose card decides whether the claims hold."""
    named: set[str] = set()
    for claim in claims:
        anchors = (anchor.id for anchor in claim.anchors if anchor.type == "product")
        named.update(anchors, (claim.product_id, *claim.witnesses))
    return named
