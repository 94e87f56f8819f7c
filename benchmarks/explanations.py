"""Are the reasons true, and what of the labels that shops print today? On a public data set, on one and the same model.

`python -m benchmarks.explanations --data FILE --seeds 3 --claims N --json OUT`; FILE is Amazon's Beauty.txt.gz (or any
file of its form) or online_retail_2009_2010.csv.gz. For each seed a recommender is fitted on the past, and the first 10
of new_for_you are explained for held-out shoppers, as many in each stratum of distinct products. Formulas:
docs/fidelity.md.

- coverage: share of shown products with a single cause (T1), with a pair of which either is enough (T2, counted here by
  the definition: a minimal pair of the 8 strongest), with none (T0).
- false_reason_rate: of what a label names, on all shown products; "ours" is on the claims.
- naopc: items of 2 to 7 products, exact; pos and delp: by Ke, over items with more than Ke products.
- versus_ours: method minus ours with the middle 95 % of a paired bootstrap over shoppers.
- claims, false: T1 claims scored again in torch, one history at a time, the whole catalog, no eps.
"""

import argparse
import json
from collections import defaultdict
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from benchmarks.demo import percentiles
from benchmarks.explainers import EXPLAINERS, LABELS, beam_oracle, history_fits, leave_one_out
from benchmarks.public_shops import Fitted, PublicShop, fit_recommender, read_shop
from benchmarks.recheck import Recheck
from recommendations.ml.fidelity import (
    EXACT_UNITS,
    aopc,
    aopc_bounds,
    deletion,
    evicting,
    is_false,
    is_false_leniently,
    minimal_pairs,
    naopc,
    paired_bootstrap,
    pos,
    specificity,
)
from recommendations.ml.kinds import Kind
from recommendations.ml.labels import orders
from recommendations.ml.lists_without import ListsWithout as Removals
from recommendations.ml.lists_without import all_subsets
from recommendations.ml.reasons import Cause, LeaveOneOut, witnesses_needed
from recommendations.ml.sequences import History
from recommendations.ml.training.reference import ReferenceScorer, use_one_thread
from recommendations.ml.training.settings import TrainingSettings

LIMIT = 10
STRATA = {"1": (1, 1), "2-4": (2, 4), "5-9": (5, 9), "10-19": (10, 19), "20-50": (20, 50)}
MOST_UNITS = 50
KE = (1, 2, 3, 4, 5)
OURS = "leave_one_out"
ORACLE = "beam_oracle"
STRONGEST = 8


@dataclass
class Figures:
    """What was measured, shopper by shopper, over all seeds."""

    tiers: dict = field(default_factory=lambda: defaultdict(list))  # stratum -> tier of each item
    labels: dict = field(default_factory=lambda: defaultdict(list))  # (label, stratum) -> (strict, lenient)
    ours: list = field(default_factory=list)  # strictly false, of each claim
    evicting: list = field(default_factory=list)  # of each claimed item, how many units evict it
    methods: dict = field(default_factory=lambda: defaultdict(dict))  # (metric, method) -> shopper -> mean of its items
    claims: int = 0
    false: int = 0
    faults: list = field(default_factory=list)


def measure_seed(shop: PublicShop, seed: int, options: argparse.Namespace, figures: Figures) -> dict:
    """Fit with this seed and add to the figures; returns the latencies."""
    rng = np.random.default_rng(seed)
    with TemporaryDirectory() as name:
        settings = replace(TrainingSettings(), seed=seed, steps=options.steps, shoppers_judged=options.judged)
        fitted = fit_recommender(shop, Path(name), settings)
        recheck = Recheck(ReferenceScorer.open(name), LIMIT)
        histories = [h for h in shop.held_out().histories if history_fits(h, MOST_UNITS)]
        rng.shuffle(histories)
        wanted = figures.claims + options.claims
        for stratum, (least, most) in STRATA.items():
            some = [h for h in histories if least <= len(h.units()) <= most][: options.shoppers]
            for k, history in enumerate(some):
                shown = Removals(fitted.scorer, history, fitted.popularity, LIMIT)
                if k < options.compared and len(shown.units) > 1:
                    _compare(fitted, shown, rng, (seed, stratum, k), figures)
                claims = _explain(fitted, shown, stratum, rng, figures)
                _check(recheck, history, claims, wanted, figures)
        for history in histories:
            if figures.claims >= wanted:
                break
            _check(
                recheck, history, _causes(Removals(fitted.scorer, history, fitted.popularity, LIMIT)), wanted, figures
            )
        sizes = [units for units in (16, 50) if units + LIMIT <= len(shop.vocabulary)]
        return {str(units): latency(fitted, units, options.calls, rng) for units in sizes}


def _causes(shown: Removals) -> list[list[Cause]]:
    left = LeaveOneOut(shown.scorer, shown.history, shown.pool, shown.pool_scores)
    return [left.causes(item, place, LIMIT) for place, item in enumerate(shown.shown, start=1)]


def _explain(
    fitted: Fitted, shown: Removals, stratum: str, rng: np.random.Generator, figures: Figures
) -> list[list[Cause]]:
    """Tiers and labels of one shopper's list; returns the causes of each item."""
    shown.ask(all_subsets(shown.units))
    causes, ours = _causes(shown), orders(leave_one_out(fitted, shown, rng), shown.units)
    named = {label: orders(explain(fitted, shown, rng), shown.units) for label, explain in LABELS.items()}
    for place, found in enumerate(causes):
        without = shown.of(place)
        figures.tiers[stratum].append(_tier(shown, place, found, ours[place]))
        if found:
            figures.ours.append(is_false(without, found[0].anchors[0], LIMIT))
            figures.evicting.append(len(evicting(without, shown.units, LIMIT)))
        for label, order in named.items():
            first = order[place][0]
            strict = is_false(without, first, LIMIT)
            figures.labels[label, stratum].append(
                (strict, strict and is_false_leniently(without, first, shown.units, LIMIT))
            )
    return causes


def _tier(shown: Removals, place: int, causes: list[Cause], strongest: list[int]) -> str:
    without = shown.of(place)
    if causes:
        return "T1"
    if len(shown.units) == 1:  # without it the list is a stranger's
        return "T1" if without(frozenset(shown.units)).rank > witnesses_needed(place + 1, LIMIT) else "T0"
    few = strongest[:STRONGEST] if len(shown.units) > 2 else []
    return "T2" if minimal_pairs(without, few, LIMIT) else "T0"


def _compare(fitted: Fitted, shown: Removals, rng: np.random.Generator, shopper: tuple, figures: Figures) -> None:
    """All explainers on one shopper's list."""
    shown.ask(all_subsets(shown.units))
    places = range(len(shown.shown))
    found = {name: orders(explain(fitted, shown, rng), shown.units) for name, explain in EXPLAINERS.items()}
    found[ORACLE] = [beam_oracle(shown.of(place), shown.units) for place in places]
    exact = len(shown.units) <= EXACT_UNITS
    bounds = [aopc_bounds(shown.of(place), shown.units) if exact else (0.0, 0.0) for place in places]
    for name, order in found.items():
        for ke in (ke for ke in KE if ke < len(shown.units)):
            stays = [pos(shown.of(place), order[place], ke, LIMIT) for place in places]
            ratios = [deletion(shown.of(place), order[place], ke) for place in places]
            figures.methods[f"pos@{ke}", name][shopper] = float(np.mean(stays))
            figures.methods[f"delp@{ke}", name][shopper] = float(np.mean(ratios))
        values = [naopc(aopc(shown.of(place), order[place]), bounds[place]) for place in places]
        if exact and any(value is not None for value in values):
            figures.methods["naopc", name][shopper] = float(np.mean([v for v in values if v is not None]))


def _check(recheck: Recheck, history: History, causes: list[list[Cause]], wanted: int, figures: Figures) -> None:
    claims = [cause for found in causes for cause in found[:1]][: max(0, wanted - figures.claims)]
    for claim, faults in zip(claims, recheck.faults(history, claims), strict=True):
        figures.claims += 1
        figures.false += bool(faults)
        figures.faults += [(asdict(claim), faults)] if faults else []


def latency(fitted: Fitted, units: int, calls: int, rng: np.random.Generator) -> dict[str, float]:
    """Milliseconds that all causes of a list cost beyond ranking it, for histories of any so many products."""
    took, n = [], len(fitted.popularity) - 1
    for k in range(calls + 5 if calls else 0):
        items = rng.choice(n, units, replace=False) + 1
        shown = Removals(fitted.scorer, History.of(items, [Kind.PURCHASE] * units), fitted.popularity, LIMIT)
        start = perf_counter()
        _causes(shown)
        if k >= 5:
            took.append((perf_counter() - start) * 1_000)
    return percentiles(took) if took else {}


def report(figures: Figures, latencies: list[dict]) -> dict:
    """The figures in the form that others read."""
    return {
        "claims": figures.claims,
        "false": figures.false,
        "coverage": {s: {t: _mean([x == t for x in v]) for t in ("T1", "T2", "T0")} for s, v in figures.tiers.items()},
        "false_reason_rate": _false_rates(figures),
        "false_reason_rate_by_stratum": {
            label: {s: _rates(figures.labels[label, s]) for s in STRATA if (label, s) in figures.labels}
            for label in LABELS
        },
        "specificity": specificity(figures.evicting),
        "naopc": {m: _mean(list(v.values())) for (metric, m), v in figures.methods.items() if metric == "naopc"},
        "pos": _by_ke(figures, "pos"),
        "delp": _by_ke(figures, "delp"),
        "versus_ours": _versus_ours(figures),
        "shown": sum(map(len, figures.tiers.values())),
        "latency_ms": latencies[0],
        "faults": figures.faults[:20],
    }


def _false_rates(figures: Figures) -> dict[str, dict[str, float]]:
    found = {label: _rates([v for s in STRATA for v in figures.labels.get((label, s), [])]) for label in LABELS}
    ours = _mean(figures.ours)
    return found | {"ours": {"strict": ours, "lenient": ours}}


def _rates(values: list[tuple[bool, bool]]) -> dict[str, float]:
    return {"strict": _mean([strict for strict, _ in values]), "lenient": _mean([lenient for _, lenient in values])}


def _by_ke(figures: Figures, metric: str) -> dict[str, dict[str, float]]:
    names = [*EXPLAINERS, ORACLE]
    cells = {m: {ke: figures.methods.get((f"{metric}@{ke}", m), {}) for ke in KE} for m in names}
    return {m: {str(ke): _mean(list(v.values())) for ke, v in row.items() if v} for m, row in cells.items()}


def _versus_ours(figures: Figures) -> dict[str, dict[str, dict[str, float]]]:
    found: dict = defaultdict(dict)
    for (metric, method), values in figures.methods.items():
        ours = figures.methods[metric, OURS]
        both = sorted(values.keys() & ours.keys())
        if method != OURS and both:
            difference = paired_bootstrap([values[s] for s in both], [ours[s] for s in both])
            found[metric][method] = {name: round(value, 4) for name, value in asdict(difference).items()}
    return found


def _mean(values: list) -> float:
    return round(float(np.mean(values)), 4) if values else 0.0


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FILE")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--claims", type=int, default=2_000, metavar="N", help="claims to check for each seed")
    parser.add_argument("--shoppers", type=int, default=40, help="explained in each stratum")
    parser.add_argument("--compared", type=int, default=10, help="of these, on whom the explainers are compared")
    parser.add_argument("--judged", type=int, default=2_000, help="shoppers who choose the weights of the mix")
    parser.add_argument("--steps", type=int, help="of the fit, if not as many as a training takes")
    parser.add_argument("--calls", type=int, default=100, help="lists that are timed")
    parser.add_argument("--planted", type=int, default=200, metavar="CASES", help="of each planted cause, 0 for none")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    use_one_thread()
    shop, figures = read_shop(options.data), Figures()
    latencies = [measure_seed(shop, seed, options, figures) for seed in range(options.seeds)]
    settings = {name: value for name, value in vars(options).items() if name not in ("data", "json")}
    found = report(figures, latencies) | {"planted": _planted(options.planted), "data": options.data.name} | settings
    text = json.dumps(found, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text)


def _planted(cases: int) -> dict[str, float]:
    from benchmarks.planted import SHOPS, recovery

    return {cause: recovery(cause, cases).recovered for cause in SHOPS} if cases else {}


if __name__ == "__main__":
    main()
