"""What an audit found so far."""

import random
from collections import Counter
from dataclasses import asdict
from time import monotonic
from typing import Any

from django.utils import timezone

from ..exceptions import VersionChanged
from ..models import RecommenderVersion, Shopper
from ..serving import Because, Fact, Recommendation
from .reference import Reference
from .shopper_audit import Claim, ShopperAudit
from .shown_lists import ShownList, prediction_holds, shown_lists

# False ones that the report tells in full.
EXAMPLES = 20
# Upper bounds of the strata by distinct products of the history.
STRATA = {0: "none", 1: "1", 4: "2-4", 9: "5-9", 19: "10-19", 50: "20-50"}


class Tally:
    """Counts what is true and what is not, of one version."""

    def __init__(self, version: RecommenderVersion, predict_every: int) -> None:
        self.version, self.predict_every = version, predict_every
        self.claims = self.visitor_claims = self.false = self.predicted = self.different = self.shoppers = 0
        self.by_tier: dict[str, Counter[str]] = {tier: Counter(checked=0, false=0) for tier in ("T1", "T2", "T5", "T0")}
        self.by_placement: dict[str, Counter[str]] = {}
        self.by_history: dict[str, Counter[str]] = {}
        self.examples: list[dict[str, Any]] = []
        self._began = monotonic()

    def check(self, reference: Reference, shopper: Shopper, draw: random.Random, is_visitor: bool) -> None:
        """Ask for this shopper's lists and check whatever they say."""
        now, claims = timezone.now(), self.claims
        audit = ShopperAudit(reference, shopper, now)
        self.shoppers += 1
        for shown in shown_lists(shopper, now, draw):
            self._check_version(shown)
            for entry in shown.recommendations:
                self._check(audit, shown, entry)
        if is_visitor:
            self.visitor_claims += self.claims - claims

    def _check_version(self, shown: ShownList) -> None:
        if shown.version not in ("", str(self.version.pk)):
            raise VersionChanged(f"Version {shown.version} was published meanwhile: start again.")

    def _check(self, audit: ShopperAudit, shown: ShownList, entry: Recommendation) -> None:
        reason = entry.reason
        faults: list[str] = []
        if isinstance(reason, Because):
            faults = audit.faults(claim_of(shown, entry, reason))
            self.claims += 1
            if self.claims % self.predict_every == 0:
                self._predict(shown, tuple(anchor.id for anchor in reason.anchors), entry.card.product_id)
        elif isinstance(reason, Fact):
            faults = audit.fact_faults(entry.card.product_id, reason.fact, reason.when)
        strata = self.by_history.setdefault(_stratum(len(audit.history.units())), Counter())
        for counter in (self.by_tier[reason.tier], self.by_placement.setdefault(shown.name, Counter()), strata):
            counter["checked"] += 1
            counter["because"] += isinstance(reason, Because)
            counter["false"] += bool(faults)
        if faults:
            self.false += 1
            self._tell(shown, product=entry.card.product_id, reason=asdict(reason), faults=faults)

    def _predict(self, shown: ShownList, anchors: tuple[str, ...], product_id: str) -> None:
        self.predicted += 1
        if not prediction_holds(shown.query, anchors, product_id):
            self.different += 1
            self._tell(shown, product=product_id, removed=anchors, faults=["another list than predicted is served"])

    def _tell(self, shown: ShownList, **what: Any) -> None:
        if len(self.examples) < EXAMPLES:
            asked = {"placement": shown.name, "limit": shown.query.limit, "shopper": shown.query.shopper.pk}
            self.examples.append({**asked, **what})

    def report(self, **settings: Any) -> dict[str, Any]:
        """All of it, JSON-able."""
        return {
            "claims": self.claims,
            "false": self.false,
            "by_tier": self.by_tier,
            "by_placement": self.by_placement,
            "by_distinct_products": self.by_history,
            "predictions": {"checked": self.predicted, "different": self.different},
            "claims_of_visitors": self.visitor_claims,
            "shoppers": self.shoppers,
            "version": self.version.pk,
            "artifact_sha256": self.version.artifact_sha256,
            "seconds": round(monotonic() - self._began, 1),
            "settings": settings,
            "examples": self.examples,
        }

    def summary(self) -> str:
        facts = self.by_tier["T5"]
        false = self.by_tier["T1"]["false"] + self.by_tier["T2"]["false"]
        return (
            f'Version {self.version.pk}: {self.claims:,} "because" of {self.shoppers:,} shoppers checked, '
            f"{false} false; {facts['checked']:,} facts, {facts['false']} false; "
            f"{self.predicted:,} removals tried, {self.different} gave another list than predicted."
        )


def claim_of(shown: ShownList, entry: Recommendation, reason: Because) -> Claim:
    """The "because" of an entry as the audit reads it."""
    return Claim(
        limit=shown.query.limit,
        product_id=entry.card.product_id,
        anchors=tuple(anchor.id for anchor in reason.anchors),
        events=tuple(anchor.event for anchor in reason.anchors),
        rank_before=reason.evidence.rank_before,
        bought=shown.query.spot.bought,
    )


def _stratum(distinct: int) -> str:
    return next((name for bound, name in STRATA.items() if distinct <= bound), "over 50")
