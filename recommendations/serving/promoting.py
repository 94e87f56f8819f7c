"""What the shop promotes: it takes the first places, says so, and never has a cause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..boundary import never_break
from ..catalog import Card, Promotion, find_promotions, promotes_anything
from .eligibility import may_be_shown
from .memory import Memory
from .placements import Basis
from .queries import RecommendationQuery
from .reasons import Fact
from .recommendations import Recommendation

# At most one place in so many of a list.
SHARE = 3
# Promotions whose cards are asked for beyond the places there are, since some may not be for sale.
SPARE = 10


@dataclass(frozen=True)
class Promotions:
    """What is promoted in one list.

    A product `declared` is nobody's effect, shown for it or not: once something is removed its turn may come.
    """

    declared: Mapping[str, Promotion]
    allowed: Sequence[str]  # product_ids that this shopper may be shown, the first first
    places: int  # that promotions take at most

    @classmethod
    def of(cls, query: RecommendationQuery, memory: Memory) -> "Promotions":
        declared = _declared(query) if query.spot.basis is Basis.HISTORY and promotes_anything() else {}
        allowed = may_be_shown(declared, query, memory) if query.promotes else []
        return cls(declared, allowed, min(len(declared), query.limit // SHARE))

    def asked(self) -> set[str]:
        """Products whose cards decide what takes the places."""
        return set(self.allowed[: self.places + SPARE])

    def put_first(self, organic: Sequence[Recommendation], cards: Mapping[str, Card]) -> list[Recommendation]:
        """The list with its promotions in front, longer by each that was not there; `organic` is the one without.

        What is paid for says so wherever it stands.
        """
        organic = [self._told(entry) for entry in organic]
        pinned = [key for key in self.allowed if key in cards][: self.places]
        if not pinned:
            return organic
        shown = {entry.card.product_id: entry for entry in organic}
        first = [self._pinned(cards[key], shown.get(key)) for key in pinned]
        rest = [entry for entry in organic if entry.card.product_id not in pinned]
        return [replace(entry, rank=rank) for rank, entry in enumerate([*first, *rest], start=1)]

    def _told(self, organic: Recommendation) -> Recommendation:
        promotion = self.declared.get(organic.card.product_id)
        return replace(organic, reason=Fact("sponsored")) if promotion is not None and promotion.paid else organic

    def _pinned(self, card: Card, organic: Recommendation | None) -> Recommendation:
        """What was paid for says so; else what would be shown anyway stays what it is."""
        paid = self.declared[card.product_id].paid
        if organic is not None and not paid:
            return organic
        place = organic.place if organic else 0
        fact = Fact("sponsored" if paid else "promoted")
        return Recommendation(0, None, "promoted", card, fact, place=place, is_promoted=True)


@never_break(fallback=lambda query: {})
def _declared(query: RecommendationQuery) -> dict[str, Promotion]:
    """Asked of the shop's own code, so guarded: a list without promotions is still a list."""
    return find_promotions(query.placement, query.request)
