"""The fidelity gate: before a version serves, whether what its lists say is true. Formulas: docs/fidelity.md."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any

from django.utils import timezone

from ..ml.plain import PlainScorer
from ..ml.scorer import Scorer
from ..models import ProductPopularity, RecommenderVersion
from ..publishing import LoadedRecommender, on_trial
from .plots import draw_plots
from .reference import Reference
from .second_look import SecondLook
from .shopper_audit import SHARE_ROOM, ShopperAudit
from .shoppers import Asking, asking_for, stratified, visitors
from .strongest import OURS, Strongest
from .tally import Tally

SHARE_OF_TRAINING = 0.2
MOST_SHOPPERS = 1_000
# Real shoppers asked for each made-up visitor.
REAL_PER_VISITOR = 4
# Of the claims, each fifth is tried by really removing what it names, from a drawn one of a shopper's first five.
PREDICT_EVERY = 5
# What must be true without exception: metric -> (figure of what is not, figure of what was checked).
EXACT = {
    "CV": ("false", "claims"),
    "FACT": ("false_facts", "facts"),
    "MIN": ("not_minimal", "pairs"),
    "PRED": ("different", "predictions"),
}


@dataclass(frozen=True)
class Verdict:
    """What is kept of it in RecommenderVersion.fidelity, and why the version must not serve, "" if it may."""

    fidelity: dict[str, Any]
    refusal: str


def check_reasons(
    version: RecommenderVersion,
    directory: Path,
    training_seconds: float,
    report: Callable[[float], None] = lambda share: None,
) -> Verdict:
    """Ask the artifact in `directory`, which nobody is served by yet, for lists, and check all they say.

    It ends after MOST_SHOPPERS, or 20 % of the time the training took, at least one shopper later; `report(share done)`
    is called after each. Nothing of it stays in the database. Raises NotConfigured without torch.
    """
    began, draw = monotonic(), random.Random(version.pk)  # noqa: S311 - a sample # nosec B311
    gate = _Gate(version, directory)
    with on_trial(gate.loaded):
        for asking, is_visitor in _askings(draw):
            gate.check(asking, is_visitor, draw.random())
            spent = (monotonic() - began) / max(SHARE_OF_TRAINING * training_seconds, 1e-9)
            done = min(1.0, max(spent, gate.tally.shoppers / MOST_SHOPPERS))
            report(done)
            if done == 1.0:
                break
    took = {"seconds": round(monotonic() - began, 1), "training_seconds": round(training_seconds, 1)}
    figures = gate.figures() | took
    return Verdict({"gate": figures, "plots": draw_plots({"gate": figures})}, refusal(figures))


class _Gate(SecondLook):
    """A version that nobody is served by yet."""

    def __init__(self, version: RecommenderVersion, directory: Path) -> None:
        loaded = LoadedRecommender(version.pk, Scorer.open(directory))
        loaded.refresh()
        super().__init__(Tally(version, PREDICT_EVERY), loaded, Reference.of_files(directory))
        self.strongest = Strongest(PlainScorer.open(directory, loaded.scorer.vocabulary), version.pk)

    def check(self, asking: Asking, is_visitor: bool, seed: float) -> ShopperAudit:
        audit = super().check(asking, is_visitor, seed)
        if not is_visitor:
            self.strongest.measure(self.loaded, audit)
        return audit

    def read_again(self, found: Tally) -> None:
        if found.facts["false"]:  # of what was bought or erased since it was counted: no version's fault
            ProductPopularity.objects.count_again(timezone.now())
        super().read_again(found)

    def figures(self) -> dict[str, Any]:
        """JSON-able."""
        tally = self.tally
        return {
            "claims": tally.claims,
            "false": tally.false_claims,
            "facts": tally.facts["checked"],
            "false_facts": tally.facts["false"],
            "pairs": tally.by_tier["T2"]["checked"],
            "not_minimal": tally.needless,
            "predictions": tally.predicted,
            "different": tally.different,
            "shoppers": tally.shoppers,
            "visitors": tally.visitors,
            "coverage": {
                length: {tier: round(count / counts.total(), 4) for tier, count in sorted(counts.items())}
                for length, counts in tally.covered.items()
            },
            "covered": {length: counts.total() for length, counts in tally.covered.items()},
            **self.strongest.figures(),
            "examples": [_told(example) for example in tally.examples[:5]],
        }


def exact_metrics(figures: Mapping[str, Any]) -> dict[str, float | None]:
    """The share of what is true, of each metric that must be 1; None where nothing was to be checked."""
    checked = {name: (figures[bad], figures[all_]) for name, (bad, all_) in EXACT.items()}
    return {name: 1 - bad / all_ if all_ else None for name, (bad, all_) in checked.items()}


def refusal(figures: Mapping[str, Any]) -> str:
    """Why a version with these figures must not serve, "" when nothing speaks against it.

    A shop in which nothing is claimed yet is no reason.
    """
    reasons = [
        f"{name} {1 - figures[bad] / figures[all_]:.4f} ({figures[bad]:,} of {figures[all_]:,} are not), 1 is needed"
        for name, (bad, all_) in EXACT.items()
        if figures[bad]
    ]
    changes = figures["delp@1"]
    reasons += [
        f"DELp@1 {changes[OURS]:.4f} is above {change:.4f} of {name}: what explains most was not found"
        for name, change in changes.items()
        if changes[OURS] > change + SHARE_ROOM
    ]
    if not reasons:
        return ""
    first = f" First: {figures['examples'][0]}" if figures["examples"] else ""
    return f"Not every reason it would give is true. {'; '.join(reasons)}.{first}"


def _askings(draw: random.Random) -> Iterator[tuple[Asking, bool]]:
    real, made_up = stratified(draw), visitors(draw)
    while some := [asking_for(shopper) for shopper in islice(real, REAL_PER_VISITOR)] + list(islice(made_up, 1)):
        yield from some


def _told(example: Mapping[str, Any]) -> str:
    """Where and of which product: whose, and what is wrong with it, quotes a history, which few may see."""
    return f"product {example['product']} in {example['placement']} (limit {example['limit']})"
