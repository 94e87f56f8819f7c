"""From causes found in the pool to reasons that may be printed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..catalog import Card
from ..ml.reasons import SPARE_WITNESSES, Cause, LeaveOneOut, witnesses_needed
from .candidates import Pool, popular_fill
from .memory import EVENT_ORDER, Memory
from .queries import RecommendationQuery
from .reasons import Anchor, Because, Evidence


@dataclass(frozen=True)
class Claim:
    """A "because" that holds if enough of its witnesses can be bought, in the shop's own ids."""

    product_id: str
    anchor: str
    witnesses: tuple[str, ...]  # best first
    rank_after: int  # at least
    margin: float | None
    share: float


class Explainer:
    """Finds what the items of one pool rest on; made once a list."""

    def __init__(self, pool: Pool, query: RecommendationQuery, memory: Memory) -> None:
        self.pool, self.query, self.memory = pool, query, memory

    @cached_property
    def _left(self) -> LeaveOneOut:
        pool = self.pool
        return LeaveOneOut(pool.loaded.scorer, pool.history, pool.items, pool.scores, pool.barred)

    @cached_property
    def _without_sole(self) -> list[str]:
        """The list once the only unit is gone: what a stranger would see here."""
        count = self.query.limit + witnesses_needed(1, self.query.limit) + SPARE_WITNESSES
        fill = popular_fill(self.query, self.memory, count, taken=[self._sole, *self.memory.refills])
        return [popular.product_id for popular in fill]

    @cached_property
    def _sole(self) -> str:
        """The product whose removal leaves nothing to read, or "" when there are several units."""
        units, history = self.pool.history.units(), self.pool.history
        is_sole = len(units) == 1 and history.complete and len(history.without(units[0])) == 0
        return self.pool.product_id(units[0]) if is_sole else ""

    def claims(self, item: int, rank: int) -> list[Claim]:
        """Every unit that `item`, at `rank` of the list, may be said to rest on; the one to name first leads."""
        if self.pool.product_id(item) in self.memory.refills:
            return []
        if self._sole:
            return self._sole_claim(item, rank)
        causes = self._left.causes(item, rank, self.query.limit)
        nameable = [cause for cause in causes if self._can_be_named(cause.anchor)]
        return [self._claim(cause) for cause in sorted(nameable, key=self._preference)]

    def _sole_claim(self, item: int, rank: int) -> list[Claim]:
        product_id, others = self.pool.product_id(item), self._without_sole
        ahead = others[: others.index(product_id)] if product_id in others else others
        named = self._can_be_named(self.pool.history.units()[0])
        if not named or product_id == self._sole or len(ahead) < witnesses_needed(rank, self.query.limit):
            return []
        return [Claim(product_id, self._sole, tuple(ahead), len(ahead) + 1, None, 1.0)]

    def _can_be_named(self, unit: int) -> bool:
        """Whether the shop may name it and something true can be said of it."""
        event = self.memory.strongest_event(self.pool.product_id(unit))
        return bool(event) and self.pool.loaded.can_be_named(unit)

    def _claim(self, cause: Cause) -> Claim:
        name = self.pool.product_id
        witnesses = tuple(name(item) for item in cause.witnesses)
        return Claim(name(cause.item), name(cause.anchor), witnesses, cause.rank_after, cause.margin, cause.share)

    def _preference(self, cause: Cause) -> tuple[bool, int, int]:
        """The visible link first, then the stronger event, then the newer."""
        event = self.memory.strongest_event(self.pool.product_id(cause.anchor))
        linked = self.pool.loaded.is_linked(cause.item, cause.anchor)
        return not linked, EVENT_ORDER.index(event), self._age[cause.anchor]

    @cached_property
    def _age(self) -> dict[int, int]:
        return {unit: age for age, unit in enumerate(self.pool.history.units())}

    def because(self, claim: Claim, rank: int, ahead: Sequence[str], cards: Mapping[str, Card]) -> Because | None:
        """The reason, if the claim still holds among what can be bought: None otherwise.

        `rank` is the place in the shown list, `ahead` the product_ids shown above it.
        """
        if claim.anchor not in cards:
            return None
        rank -= claim.anchor in ahead
        live = tuple(witness for witness in claim.witnesses if witness in cards)
        if len(live) < witnesses_needed(rank, self.query.limit):
            return None
        evidence = Evidence(
            limit=self.query.limit,
            rank_before=rank,
            rank_after=len(live) + 1,
            margin=claim.margin,
            share=claim.share,
            witnesses=live,
            version=self.pool.loaded.version,
        )
        event = self.memory.strongest_event(claim.anchor)
        return Because((Anchor(claim.anchor, cards[claim.anchor].title, event),), evidence)


def named_products(claims: Iterable[Claim]) -> set[str]:
    """Every product whose card decides whether the claims hold."""
    return {key for claim in claims for key in (claim.product_id, claim.anchor, *claim.witnesses)}
