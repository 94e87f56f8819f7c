"""What an audit found so far."""

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from time import monotonic
from typing import Any

from django.utils import timezone

from ..models import RecommenderVersion, Shopper
from ..serving import Anchor, Because, Fact, Recommendation
from .facts import Said, fact_faults, promotion_faults
from .reference import Reference
from .shopper_audit import Claim, ShopperAudit
from .shoppers import stratum
from .shown_lists import ShownList, prediction_holds, shown_lists

# False ones that the report tells in full.
EXAMPLES = 20
TIERS = ("P", "T1", "T2", "T4", "T5", "T0")
CAUSAL = {"T1", "T2"}
COUNTS = ("claims", "visitor_claims", "false", "predicted", "different", "shoppers", "visitors", "needless")
# The placement whose coverage is told, of real shoppers: all of it is chosen from the history.
COVERED = "new_for_you"


class Tally:
    """Counts what is true and what is not, of one version."""

    def __init__(self, version: RecommenderVersion, predict_every: int) -> None:
        self.version, self.predict_every = version, predict_every
        self.claims = self.visitor_claims = self.false = self.predicted = self.different = self.shoppers = 0
        self.visitors = 0  # of the shoppers, those that were made up
        self.needless = 0  # pairs and threes of which fewer would do
        self.by_tier: dict[str, Counter[str]] = {tier: Counter(checked=0, false=0) for tier in TIERS}
        self.by_placement: dict[str, Counter[str]] = {}
        self.by_history: dict[str, Counter[str]] = {}
        self.covered: dict[str, Counter[str]] = {}  # length of history -> tier -> products
        self.examples: list[dict[str, Any]] = []
        self._began, self._tried_from = monotonic(), 0

    def check(
        self, reference: Reference, asking: AbstractContextManager[Shopper], draw: random.Random, is_visitor: bool
    ) -> ShopperAudit:
        """Ask for a shopper's lists and check whatever they say; what it was checked with.

        Removals are tried for each `predict_every`th claim, from a drawn one on: every place of a list has its turn. A
        made-up visitor is gone before the reference scores anything: on SQLite nobody else writes meanwhile.
        """
        claims, self._tried_from = self.claims, draw.randrange(self.predict_every)
        with asking as shopper:
            audit = ShopperAudit(reference, shopper, timezone.now())
            audits = {"": audit}  # by the registered model that a list shows
            asked = []
            for shown in shown_lists(shopper, audit.now, draw):
                if shown.query.of not in audits:
                    audits[shown.query.of] = ShopperAudit(reference, shopper, audit.now, shown.query.of)
                by = audits[shown.query.of]
                asked += [(by, shown, entry, self._faults_now(by, shown, entry)) for entry in shown.recommendations]
        self.shoppers += 1
        for by, shown, entry, faults in asked:
            self._count(by, shown, entry, faults)
            if shown.name == COVERED and not is_visitor:
                self.covered.setdefault(_length(audit), Counter())[entry.reason.tier] += 1
        if is_visitor:
            self.visitors += 1
            self.visitor_claims += self.claims - claims
        return audit

    def add(self, other: "Tally") -> None:
        """Count what another tally of the same version found, too."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("by_tier", "by_placement", "by_history", "covered"):
            for key, counter in getattr(other, name).items():
                getattr(self, name).setdefault(key, Counter()).update(counter)
        self.examples += other.examples[: EXAMPLES - len(self.examples)]

    def _faults_now(self, audit: ShopperAudit, shown: ShownList, entry: Recommendation) -> list[str]:
        """What is found out while the shopper is there: facts are counted again, and some removals tried."""
        reason = entry.reason
        faults: list[str] = []
        if isinstance(reason, Because):
            self.claims += 1
            if (self.claims + self._tried_from) % self.predict_every == 0:
                self._predict(shown, reason.anchors, entry.card.product_id)
        elif isinstance(reason, Fact):
            faults = fact_faults(audit, _said(shown, entry))
        return faults + promotion_faults(audit, _said(shown, entry))

    def _count(self, audit: ShopperAudit, shown: ShownList, entry: Recommendation, faults: list[str]) -> None:
        reason = entry.reason
        if isinstance(reason, Because):
            claim = claim_of(shown, entry, reason)
            faults = faults + audit.faults(claim)
            self.needless += len(claim.anchors) > 1 and not audit.is_minimal(claim)
        for counter in (
            self.by_tier[reason.tier],
            self.by_placement.setdefault(shown.name, Counter()),
            self.by_history.setdefault(_length(audit), Counter()),
        ):
            counter["checked"] += 1
            counter["because"] += isinstance(reason, Because)
            counter["false"] += bool(faults)
        if faults:
            self.false += 1
            self._tell(shown, product=entry.card.product_id, reason=asdict(reason), faults=faults)

    def _predict(self, shown: ShownList, anchors: Sequence[Anchor], product_id: str) -> None:
        self.predicted += 1
        if not prediction_holds(shown.query, anchors, product_id):
            self.different += 1
            self._tell(
                shown,
                product=product_id,
                removed=[anchor.id for anchor in anchors],
                faults=["another list than predicted is served"],
            )

    @property
    def facts(self) -> Counter[str]:
        """checked and false of everything that is said and is no "because", and of what should have been said."""
        said = sum((self.by_tier[tier] for tier in self.by_tier if tier not in CAUSAL | {"T0"}), Counter())
        unsaid = self.by_tier["T0"]["false"]
        return said + Counter(checked=unsaid, false=unsaid)

    @property
    def false_claims(self) -> int:
        return sum(self.by_tier[tier]["false"] for tier in CAUSAL)

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
            "visitors": self.visitors,
            "version": self.version.pk,
            "artifact_sha256": self.version.artifact_sha256,
            "seconds": round(monotonic() - self._began, 1),
            "settings": settings,
            "examples": self.examples,
        }

    def summary(self) -> str:
        return (
            f'Version {self.version.pk}: {self.claims:,} "because" of {self.shoppers:,} shoppers checked, '
            f"{self.false_claims} false; {self.facts['checked']:,} facts, {self.facts['false']} false; "
            f"{self.predicted:,} removals tried, {self.different} gave another list than predicted."
        )


def _length(audit: ShopperAudit) -> str:
    return stratum(len(audit.history.units()))


def claim_of(shown: ShownList, entry: Recommendation, reason: Because) -> Claim:
    """The "because" of an entry as the audit reads it."""
    return Claim(
        limit=shown.query.limit,
        product_id=entry.card.product_id,
        anchors=tuple(anchor.id for anchor in reason.anchors),
        events=tuple(anchor.event for anchor in reason.anchors),
        rank_before=reason.evidence.rank_before,
        bought=shown.query.spot.bought,
        rank_after=reason.evidence.rank_after,
        ranks_without_each=getattr(reason.evidence, "ranks_without_each", ()),
        ranks_with_one=getattr(reason.evidence, "ranks_with_one", ()),
    )


def _said(shown: ShownList, entry: Recommendation) -> Said:
    reason, query = entry.reason, shown.query
    told = dict(fact=reason.fact, when=reason.when, shoppers=reason.shoppers) if isinstance(reason, Fact) else {}
    return Said(
        entry.card.product_id,
        anchors=tuple(anchor.id for anchor in reason.anchors),
        events=tuple(anchor.event for anchor in reason.anchors),
        about=query.product_id or "",
        placement=query.placement,
        limit=query.limit,
        bought=query.spot.bought,
        **told,
    )
