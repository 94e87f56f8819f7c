"""Everything true that can be said of why one product is in a list."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..catalog import find_cards
from .explaining import Claim, Explainer, named_products
from .inspection import Inspection
from .promoting import Promotions
from .queries import RecommendationQuery
from .reasons import Anchor, Because, Fact, NoReason, Reason
from .recommendations import Recommendation, RecommendationList


@dataclass(frozen=True)
class Why:
    """A shown product, and each single product without which the list would lose it; or else two that are enough.

    Nothing is among the causes for which the shop's own template has no words.
    """

    recommendation: Recommendation | None  # None when it is not in the list any more
    causes: tuple[Because, ...] = ()
    inspection: Inspection | None = None  # of the list, computed again; of a row, of the list that it was cut from

    @property
    def again(self) -> RecommendationList:
        """The list, computed again."""
        return self.inspection.served if self.inspection else RecommendationList("")

    def without(self, anchors: Iterable[Anchor]) -> RecommendationList:
        """The list as it would be, and will be once these are removed; by the same version. Raises whatever fails."""
        return self.inspection.served_without(anchor.unit for anchor in anchors)

    @property
    def reason(self) -> Reason:
        """What the panel leads with."""
        if self.causes:
            return self.causes[0]
        return self.recommendation.reason if self.recommendation else NoReason()

    @property
    def remembered(self) -> tuple[Anchor, ...]:
        """What of the history is told of where no cause is: by "You bought this" the product itself, else the X of
        "Bought together"."""
        entry = self.recommendation
        if self.causes or entry is None or not isinstance(entry.reason, Fact):
            return ()
        if entry.reason.fact == "bought":
            return (Anchor(entry.card.product_id, entry.card.title, "bought"),)
        return entry.reason.anchors

    @property
    def others(self) -> tuple[Recommendation, ...]:
        """What it can be compared with: what else the recommender chose for the list, where it chose this one."""
        chosen = tuple(entry for entry in self.again.recommendations if entry.source == "recommender")
        return tuple(entry for entry in chosen if entry != self.recommendation) if self.recommendation in chosen else ()


def why(
    query: RecommendationQuery, product_id: str, anchor: tuple[str, str] | None = None, further: bool = False
) -> Why:
    """Why the list of `query` shows `product_id`, computed again now.

    The cause that was printed leads: `anchor`, (type, id), where a row named one, else the list's own choice. Rows are
    cut from the list without promotions. Going `further`, three of which any one is enough are looked for where
    neither one nor two are a cause. Raises whatever fails: the list of last resort is not what was asked about.
    """
    if anchor:
        query = replace(query, promotes=False)
    inspection = Inspection(query)
    shown = inspection.served.recommendations
    found = next((entry for entry in shown if entry.card.product_id == product_id), None)
    if found is None:
        return Why(None, (), inspection)
    pool = inspection.pool
    if pool is None or found.source != "recommender" or found.is_promoted or found.reason.tier == "T5":
        return Why(found, (), inspection)
    item = pool.loaded.scorer.vocabulary.number(product_id)
    if item not in pool.items:  # so far down the ranking nothing is explained
        return Why(found, (), inspection)
    if isinstance(found.reason, Because) and found.reason.tier == "T2":  # then there is no single cause
        return Why(found, _sayable([found.reason]), inspection)
    explainer = inspection.explainer
    claims = explainer.claims(item, found.place)
    cards = find_cards(named_products(claims), query.request)
    ahead = [entry.card.product_id for entry in shown if 0 < entry.place < found.place]
    reasons = [explainer.because(claim, found.place, ahead, cards) for claim in claims]
    if not any(reasons) and further and (claim := _any_claim(explainer, found)):
        cards = find_cards(named_products([claim]), query.request)
        reasons = [explainer.because(claim, found.place, ahead, cards)]
    first = {anchor} if anchor else {named.unit for named in found.reason.anchors}
    causes = sorted(_sayable(reasons), key=lambda reason: reason.anchors[0].unit not in first)  # else in their order
    return Why(found, tuple(causes), inspection)


def _sayable(reasons: Iterable[Because | None]) -> tuple[Because, ...]:
    """Those that there are words for: a shop's own template may fail."""
    return tuple(reason for reason in reasons if reason is not None and reason.text)


def _any_claim(explainer: Explainer, found: Recommendation) -> Claim | None:
    kept = explainer.query.limit - Promotions.of(explainer.query, explainer.memory).places
    item = explainer.pool.loaded.scorer.vocabulary.number(found.card.product_id)
    return explainer.any_claim(item, found.place, kept) if found.reason.kind == "none" else None
