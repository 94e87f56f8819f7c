"""The figures of the explanation benchmark: what was measured, shopper by shopper, and the form that others read."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from benchmarks.demo import percentiles
from benchmarks.explainers import LABELS
from recommendations.ml.fidelity import paired_bootstrap, specificity

OURS = "ours"
KE = (1, 2, 3, 4, 5)
TIERS = ("T1", "T2", "T0")

False_ = tuple[bool, bool]  # strictly, leniently


@dataclass
class Figures:
    """What was measured over all seeds."""

    tiers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # stratum -> tier of each product
    # (label, stratum, whether the product has a "because") -> of each product
    labels: dict[tuple[str, str, bool], list[False_]] = field(default_factory=lambda: defaultdict(list))
    evicting: list[int] = field(default_factory=list)  # of each single cause, how many units evict its product
    # (metric, method) -> shopper -> the mean of their products, by each seed that measured them
    means: dict[tuple[str, str], dict[int, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    checked: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # kind of claim -> how many
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # by distinct products
    false: int = 0
    faults: list = field(default_factory=list)

    @property
    def claims(self) -> int:
        return sum(self.checked.values())

    def told(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "claims": self.claims,
            "false": self.false,
            "claims_by_kind": dict(self.checked),
            "coverage": {
                s: {tier: _mean(x == tier for x in tiers) for tier in TIERS} for s, tiers in self.tiers.items()
            },
            "false_reason_rate": self._rates(lambda claimed: True),
            "false_reason_rate_on_claims": self._rates(lambda claimed: claimed),
            "false_reason_rate_by_stratum": self._by_stratum(),
            "anchors_per_reason": self._anchors_per_reason(),
            "specificity": specificity(self.evicting),
            "naopc": {m: _mean_of_shoppers(values) for (metric, m), values in self.means.items() if metric == "naopc"},
            "pos": self._by_ke("pos"),
            "delp": self._by_ke("delp"),
            "versus_ours": self._versus_ours(),
            "shown": sum(map(len, self.tiers.values())),
            "shown_by_stratum": {stratum: len(tiers) for stratum, tiers in self.tiers.items()},
            "compared": {metric: len(values) for (metric, m), values in self.means.items() if m == OURS},
            "latency_ms": {
                units: percentiles(took) | {"lists": len(took)} for units, took in self.milliseconds.items()
            },
            "faults": self.faults[:20],
        }

    def _anchors_per_reason(self) -> float:
        """How many products a "because" names, on average: 1 (T1) or 2 (T2)."""
        return _mean(int(tier[1]) for tiers in self.tiers.values() for tier in tiers if tier != "T0")

    def _rates(self, counts) -> dict[str, dict[str, float]]:
        """Over all shown products, or those with a "because"; ours is what it prints, on these."""
        found: dict[str, list[False_]] = {label: [] for label in (*LABELS, OURS)}
        for (label, _, claimed), values in self.labels.items():
            found[label] += values if counts(claimed) else []
        return {label: _rate(values) for label, values in found.items()}

    def _by_stratum(self) -> dict[str, dict[str, dict[str, float]]]:
        found: dict[str, dict[str, list[False_]]] = defaultdict(lambda: defaultdict(list))
        for (label, stratum, _), values in self.labels.items():
            found[label][stratum] += values
        return {label: {s: _rate(values) for s, values in strata.items()} for label, strata in found.items()}

    def _by_ke(self, metric: str) -> dict[str, dict[str, float]]:
        methods = [m for name, m in self.means if name == f"{metric}@1"]
        cells = {m: {ke: self.means.get((f"{metric}@{ke}", m), {}) for ke in KE} for m in methods}
        return {
            m: {str(ke): _mean_of_shoppers(found) for ke, found in row.items() if found} for m, row in cells.items()
        }

    def _versus_ours(self) -> dict[str, dict[str, dict[str, float]]]:
        """metric -> method -> its mean difference to ours, with the middle 95 % of a paired bootstrap over shoppers."""
        found: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
        for (metric, method), values in self.means.items():
            ours = self.means[metric, OURS]
            both = sorted(values.keys() & ours.keys())
            if method != OURS and both:
                difference = paired_bootstrap(*([_mean(of[s], None) for s in both] for of in (values, ours)))
                found[metric][method] = {name: round(value, 4) for name, value in asdict(difference).items()}
        return found


def _rate(values: list[False_]) -> dict[str, float]:
    return {"strict": _mean(strict for strict, _ in values), "lenient": _mean(lenient for _, lenient in values)}


def _mean(values: Iterable[float], digits: int | None = 4) -> float:
    some = list(values)
    mean = float(np.mean(some)) if some else 0.0
    return mean if digits is None else round(mean, digits)


def _mean_of_shoppers(values: Mapping[int, Sequence[float]]) -> float:
    return _mean(_mean(of_seeds, None) for of_seeds in values.values())
