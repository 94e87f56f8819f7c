"""One list verified at once, in a web process: plain numpy instead of what serves, and no torch."""

from dataclasses import dataclass

from ..ml.plain import PlainScorer
from ..publishing import LoadedRecommender
from ..serving import Because, RecommendationList, RecommendationQuery
from .reference import Reference
from .shopper_audit import ShopperAudit
from .shown_lists import ShownList
from .tally import claim_of


@dataclass(frozen=True)
class Verdict:
    """One causal reason of the list, and what is not true of it."""

    product_id: str
    title: str
    reason: str
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Verification:
    """Every causal reason of one list."""

    verdicts: tuple[Verdict, ...]

    @property
    def false(self) -> int:
        return sum(bool(verdict.faults) for verdict in self.verdicts)


def verify_list(loaded: LoadedRecommender, query: RecommendationQuery, served: RecommendationList) -> Verification:
    """Derive each causal reason a second time: other queries, another score, the whole catalog. Takes seconds.

    Raises ArtifactError when the version's files are not what was published.
    """
    causal = [entry for entry in served.recommendations if isinstance(entry.reason, Because)]
    if not causal or query.shopper is None:
        return Verification(())
    reference = Reference(PlainScorer.open(loaded.scorer.directory, loaded.scorer.vocabulary, loaded.scorer.newcomers))
    audit = ShopperAudit(reference, query.shopper, query.now, query.of)
    shown = ShownList(query, served.placement, served.version, served.recommendations)
    verdicts = [
        Verdict(
            entry.card.product_id,
            entry.card.title,
            entry.reason.text,
            tuple(audit.faults(claim_of(shown, entry, entry.reason))),
        )
        for entry in causal
    ]
    return Verification(tuple(verdicts))
