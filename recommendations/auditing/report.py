"""The fidelity report of one version: all that the gate has no time for, on real shoppers. Formulas: docs/fidelity.md.

Every method is measured on the same shoppers, products and recommender.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from time import monotonic
from typing import Any

import numpy as np
from django.utils import timezone

from ..ml.fidelity import (
    EXACT_UNITS,
    Without,
    aopc,
    aopc_bounds,
    deletion,
    evicting,
    insertion,
    is_false,
    is_false_leniently,
    naopc,
    paired_bootstrap,
    pos,
    specificity,
)
from ..ml.labels import LABELS
from ..ml.lists_without import all_subsets
from ..models import RecommenderVersion
from ..publishing import LoadedRecommender, on_trial
from ..publishing.artifacts import open_scorer
from .explained import LIMIT, ExplainedList, ExplainedShop
from .shoppers import stratified, stratum
from .steadiness import agrees_without_learning, kept_beside_another, told_again
from .strongest import OURS, percentiles

KE = (1, 2, 3, 4, 5)
# Shoppers whose lists are ranked by a recommender that learned nothing: it scores one history at a time.
WITHOUT_LEARNING = 50
# For each Ke: metric -> value of one product.
BY_KE: dict[str, Callable[[Without, Sequence[int], int], float]] = {
    "pos": lambda without, order, ke: pos(without, order, ke, LIMIT),
    "delp": deletion,
    "insp": insertion,
}


def make_report(
    version: RecommenderVersion, shoppers: int, seed: int = 0, progress: Callable[[int], None] = lambda done: None
) -> dict[str, Any]:
    """Measure a version with an artifact, current or not; JSON-able. Raises ArtifactError when it can't be opened.

    `progress(shoppers done)` is called after each. Nothing of it stays in the database.
    """
    began = monotonic()
    loaded = LoadedRecommender(version.pk, open_scorer(version))
    loaded.refresh()
    report = _Report(ExplainedShop(loaded, seed))
    with on_trial(loaded):
        for shopper in islice(stratified(random.Random(seed)), shoppers):  # noqa: S311 - a sample # nosec B311
            found = report.shop.explained(shopper, timezone.now())
            if found is not None:
                report.add(found)
            progress(report.shoppers)
    return report.figures() | {"asked": shoppers, "seed": seed, "seconds": round(monotonic() - began, 1)}


class _Report:
    """What was measured, shopper by shopper."""

    def __init__(self, shop: ExplainedShop) -> None:
        self.shop, self.shoppers = shop, 0
        self.tiers: dict[str, Counter[str]] = defaultdict(Counter)
        self.tiers_by_event: dict[str, Counter[str]] = defaultdict(Counter)
        self.lengths: Counter[str] = Counter()
        # (label, on claims only) -> (false strictly, leniently) of each product
        self.labels: dict[tuple[str, bool], list[tuple[bool, bool]]] = defaultdict(list)
        self.evicting: list[int] = []  # of each single cause, how many units evict its product
        # (metric, method) -> shopper -> mean over the list
        self.means: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
        self.steady: dict[str, list[bool]] = defaultdict(list)
        self.chance: list[float] = []
        self.milliseconds: list[float] = []

    def add(self, found: ExplainedList) -> None:
        """Measure one shopper's list."""
        self.shoppers += 1
        length = stratum(len(found.units))
        self.lengths[length] += 1
        for counts in (self.tiers[length], self.tiers_by_event[found.strongest_kind]):
            counts.update(entry.reason.tier for entry in found.entries)
        found.lists.ask(all_subsets(found.units))
        self._add_labels(found)
        if len(found.units) > 1:
            self._add_orders(found)
        self.steady["same_input"] += told_again(found)
        self.steady["another_event"] += kept_beside_another(self.shop, found)
        self.milliseconds.append(self.shop.milliseconds(found.query))
        if len(found.units) > 1 and self.shoppers <= WITHOUT_LEARNING:
            agreed = agrees_without_learning(self.shop, found)
            self.steady["without_learning"] += agreed
            self.chance += [1 / len(found.units)] * len(agreed)

    def _add_labels(self, found: ExplainedList) -> None:
        _ask_pairs(found)
        for place in range(len(found.items)):
            without = found.lists.of(place)
            for label in LABELS:
                false = _falsity(without, found.orders[label][place][0], found.units)
                self.labels[label, False].append(false)
                if place in found.named:
                    self.labels[label, True].append(false)
            if place in found.named:
                stays = without(found.named[place]).rank <= LIMIT
                self.labels[OURS, True].append((stays, stays))
                if len(found.named[place]) == 1:
                    self.evicting.append(len(evicting(without, found.units, LIMIT)))

    def _add_orders(self, found: ExplainedList) -> None:
        places = range(len(found.items))
        exact = len(found.units) <= EXACT_UNITS
        bounds = [aopc_bounds(found.lists.of(place), found.units) if exact else (0.0, 0.0) for place in places]
        for method, order in found.orders.items():
            for ke in (ke for ke in KE if ke < len(found.units)):
                for metric, measure in BY_KE.items():
                    values = [measure(found.lists.of(place), order[place], ke) for place in places]
                    self.means[f"{metric}@{ke}", method][self.shoppers] = float(np.mean(values))
            ratios = [naopc(aopc(found.lists.of(k), order[k]), bounds[k]) for k in (places if exact else ())]
            some = [value for value in ratios if value is not None]
            if some:
                self.means["naopc", method][self.shoppers] = float(np.mean(some))

    def figures(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "shoppers": self.shoppers,
            "left_out": dict(self.shop.left_out),
            "by_length": dict(self.lengths),
            "limit": LIMIT,
            "shown": sum(counts.total() for counts in self.tiers.values()),
            "claims": len(self.labels[OURS, True]),
            "coverage": _shares(self.tiers),
            "coverage_by_event": _shares(self.tiers_by_event),
            "false_reason_rate": self._rates(on_claims=False),
            "false_reason_rate_on_claims": self._rates(on_claims=True),
            "specificity": specificity(self.evicting),
            **{metric: self._by_ke(metric) for metric in BY_KE},
            "naopc": {method: _mean(self.means["naopc", method].values()) for method in self._methods("naopc")},
            "versus_ours": self._versus_ours(),
            "stability": {name: _mean(self.steady[name]) for name in ("same_input", "another_event")},
            "sanity": {"agreement": _mean(self.steady["without_learning"]), "chance": _mean(self.chance)},
            "latency_ms": percentiles(self.milliseconds),
        }

    def _rates(self, on_claims: bool) -> dict[str, dict[str, float | None]]:
        found = {label: values for (label, claims), values in self.labels.items() if claims == on_claims and values}
        return {
            label: {"strict": _mean(strict for strict, _ in values), "lenient": _mean(lenient for _, lenient in values)}
            for label, values in found.items()
        }

    def _by_ke(self, metric: str) -> dict[str, dict[str, float | None]]:
        return {
            method: {
                str(ke): _mean(found.values()) for ke in KE if (found := self.means.get((f"{metric}@{ke}", method)))
            }
            for method in self._methods(f"{metric}@1")
        }

    def _methods(self, metric: str) -> list[str]:
        return [method for name, method in self.means if name == metric]

    def _versus_ours(self) -> dict[str, dict[str, dict[str, float]]]:
        """metric -> label -> its mean difference to ours, and the middle 95 % of a paired bootstrap over shoppers."""
        found: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
        for (metric, method), values in self.means.items():
            ours = self.means.get((metric, OURS), {})
            both = sorted(values.keys() & ours.keys())
            if method != OURS and both:
                difference = paired_bootstrap([values[s] for s in both], [ours[s] for s in both])
                found[metric][method] = {name: round(value, 4) for name, value in asdict(difference).items()}
        return dict(found)


def _shares(tiers: Mapping[str, Counter[str]]) -> dict[str, dict[str, float]]:
    """stratum -> tier -> its share of what is shown there."""
    return {
        name: {tier: round(count / counts.total(), 4) for tier, count in sorted(counts.items())}
        for name, counts in tiers.items()
    }


def _falsity(without: Without, named: int, units: Sequence[int]) -> tuple[bool, bool]:
    """Whether the named unit is no reason strictly, and leniently."""
    strict = is_false(without, named, LIMIT)
    return strict, strict and is_false_leniently(without, named, units, LIMIT)


def _ask_pairs(found: ExplainedList) -> None:
    """Rank at once without the pairs that decide whether labels are leniently false."""
    withouts = [found.lists.of(place) for place in range(len(found.items))]
    named = {order[0] for label in LABELS for order in found.orders[label][: len(withouts)]}
    false = [unit for unit in named if any(is_false(without, unit, LIMIT) for without in withouts)]
    found.lists.ask(frozenset({unit, other}) for unit in false for other in found.units if other != unit)


def _mean(values: Iterable[float]) -> float | None:
    some = list(values)
    return round(float(np.mean(some)), 4) if some else None
