"""Are the reasons true, and what of the labels that shops print today? On a public data set, on one and the same model.

`python -m benchmarks.explanations --data FILE --seeds 3 --claims N --json OUT`; FILE: see
benchmarks/data_files.py. For each seed a recommender is fitted on the past, and the first 10
of new_for_you are explained for held-out shoppers, as many in each stratum of distinct products. Formulas:
docs/fidelity.md.

- coverage: share of shown products that one product explains (T1), two of which either is enough (T2), nothing (T0); as
  serving finds them, with its limits.
- false_reason_rate: of what a label names, on all shown products; on_claims: on those with a "because", beside which
  "ours" is what it names.
- naopc: items of 2 to 7 products, exact; pos and delp: by Ke, over items with more than Ke products.
- versus_ours: method minus ours with the middle 95 % of a paired bootstrap over shoppers.
- anchors_per_reason: how many products a "because" names, on average.
- latency_ms: of all reasons of a list beyond ranking it, single causes and pairs, by distinct products of the history,
  over the lists of all seeds.
- claims, false: printed claims scored again in torch, one history at a time, the whole catalog, no eps.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from benchmarks.claims import Claim, printed_claims
from benchmarks.explainers import EXPLAINERS, LABELS, beam_orders, history_fits
from benchmarks.explanation_figures import KE, OURS, Figures
from benchmarks.public_shops import Fitted, PublicShop, fit_recommender, read_shop, read_texts
from benchmarks.recheck import Recheck
from benchmarks.telling import tell
from recommendations.ml.fidelity import (
    EXACT_UNITS,
    aopc,
    aopc_bounds,
    deletion,
    evicting,
    is_false,
    is_false_leniently,
    naopc,
    pos,
)
from recommendations.ml.greedy import removal_orders
from recommendations.ml.kinds import Kind
from recommendations.ml.labels import orders
from recommendations.ml.lists_without import ListsWithout, all_subsets
from recommendations.ml.sequences import History
from recommendations.ml.training.reference import ReferenceScorer, use_one_thread
from recommendations.ml.training.settings import TrainingSettings

LIMIT = 10
STRATA = {"1": (1, 1), "2-4": (2, 4), "5-9": (5, 9), "10-19": (10, 19), "20-50": (20, 50)}
MOST_UNITS = 50
ORACLE = "beam_oracle"


@dataclass(frozen=True, eq=False)
class Measuring:
    """One fitted recommender whose lists are measured."""

    fitted: Fitted
    recheck: Recheck
    rng: np.random.Generator
    figures: Figures

    def lists(self, history: History) -> ListsWithout:
        return ListsWithout(self.fitted.scorer, history, self.fitted.popularity, LIMIT)


def measure_seed(shop: PublicShop, seed: int, options: argparse.Namespace, figures: Figures) -> None:
    """Fit with this seed and add to the figures."""
    rng = np.random.default_rng(seed)
    with TemporaryDirectory() as name:
        settings = replace(TrainingSettings(), seed=seed, steps=options.steps, shoppers_judged=options.judged)
        texts = read_texts(options.items, shop.vocabulary.product_ids) if options.items else ()
        fitted = fit_recommender(shop, Path(name), settings, texts=texts)
        recheck = Recheck(ReferenceScorer.open(name), shop.events_of_items(), LIMIT)
        measuring = Measuring(fitted, recheck, rng, figures)
        held_out = shop.held_out()
        shoppers = list(zip(held_out.shopper.tolist(), held_out.histories, strict=True))
        shoppers = [(shopper, history) for shopper, history in shoppers if history_fits(history, MOST_UNITS)]
        rng.shuffle(shoppers)
        wanted, sampled = figures.claims + options.claims, set()
        for stratum, k, (shopper, history) in _sampled(shoppers, options.shoppers):
            sampled.add(shopper)
            lists = measuring.lists(history)
            claims = printed_claims(lists)
            _explain(measuring, lists, stratum, claims)
            if k < options.compared and len(lists.units) > 1:
                _compare(measuring, lists, shopper)
            _check(measuring, history, claims, wanted)
        _check_more(measuring, [history for shopper, history in shoppers if shopper not in sampled], wanted)
        for units in (16, 50) if options.calls else ():
            if units + LIMIT <= len(shop.vocabulary):
                figures.milliseconds[str(units)] += latency(measuring, units, options.calls)


def _sampled(shoppers: list[tuple[int, History]], count: int) -> Iterator[tuple[str, int, tuple[int, History]]]:
    """(stratum, number in it, (shopper, history)): the first `count` of each."""
    for stratum, (least, most) in STRATA.items():
        some = [one for one in shoppers if least <= len(one[1].units()) <= most]
        yield from ((stratum, k, one) for k, one in enumerate(some[:count]))


def _explain(measuring: Measuring, lists: ListsWithout, stratum: str, claims: list[Claim | None]) -> None:
    """Tiers and labels of one shopper's list."""
    lists.ask(all_subsets(lists.units))
    figures, fitted = measuring.figures, measuring.fitted
    named = {label: orders(explain(fitted, lists, measuring.rng), lists.units) for label, explain in LABELS.items()}
    _ask_pairs(lists, {order[0] for found in named.values() for order in found})
    for place, claim in enumerate(claims):
        without = lists.of(place)
        figures.tiers[stratum].append(claim.tier if claim else "T0")
        for label, found in named.items():
            strict = is_false(without, found[place][0], LIMIT)
            lenient = strict and is_false_leniently(without, found[place][0], lists.units, LIMIT)
            figures.labels[label, stratum, claim is not None].append((strict, lenient))
        if claim:
            stays = without(frozenset(claim.anchors)).rank <= LIMIT
            figures.labels[OURS, stratum, True].append((stays, stays))
            if claim.tier == "T1":
                figures.evicting.append(len(evicting(without, lists.units, LIMIT)))


def _ask_pairs(lists: ListsWithout, named: Iterable[int]) -> None:
    """Rank at once without the pairs that decide whether labels are leniently false."""
    withouts = [lists.of(place) for place in range(len(lists.shown))]
    false = [unit for unit in named if any(is_false(without, unit, LIMIT) for without in withouts)]
    lists.ask(frozenset({unit, other}) for unit in false for other in lists.units if other != unit)


def _compare(measuring: Measuring, lists: ListsWithout, shopper: int) -> None:
    """All explainers on one shopper's list."""
    places, means = range(len(lists.shown)), measuring.figures.means
    found = {
        name: orders(explain(measuring.fitted, lists, measuring.rng), lists.units)
        for name, explain in EXPLAINERS.items()
    }
    found |= {OURS: removal_orders(lists), ORACLE: beam_orders(lists)}
    exact = len(lists.units) <= EXACT_UNITS
    bounds = [aopc_bounds(lists.of(place), lists.units) if exact else (0.0, 0.0) for place in places]
    for name, order in found.items():
        for ke in (ke for ke in KE if ke < len(lists.units)):
            stays = [pos(lists.of(place), order[place], ke, LIMIT) for place in places]
            ratios = [deletion(lists.of(place), order[place], ke) for place in places]
            means[f"pos@{ke}", name][shopper].append(float(np.mean(stays)))
            means[f"delp@{ke}", name][shopper].append(float(np.mean(ratios)))
        values = [naopc(aopc(lists.of(place), order[place]), bounds[place]) for place in places] if exact else []
        if any(value is not None for value in values):
            means["naopc", name][shopper].append(float(np.mean([value for value in values if value is not None])))


def _check(measuring: Measuring, history: History, printed: list[Claim | None], wanted: int) -> None:
    figures = measuring.figures
    claims = [claim for claim in printed if claim][: max(0, wanted - figures.claims)]
    only = len(history.units()) == 1
    for claim, faults in zip(claims, measuring.recheck.faults(history, claims), strict=True):
        figures.checked["only product" if only else claim.tier] += 1
        figures.false += bool(faults)
        figures.faults += [(asdict(claim), faults)] if faults else []


def _check_more(measuring: Measuring, histories: list[History], wanted: int) -> None:
    """Claims of any shoppers until as many are checked as are wanted."""
    for history in histories:
        if measuring.figures.claims >= wanted:
            break
        _check(measuring, history, printed_claims(measuring.lists(history)), wanted)


def latency(measuring: Measuring, units: int, calls: int) -> list[float]:
    """Milliseconds that all reasons of a list cost beyond ranking it, for histories of any so many products."""
    took, n = [], len(measuring.fitted.popularity) - 1
    for k in range(calls + 5):
        items = measuring.rng.choice(n, units, replace=False) + 1
        lists = measuring.lists(History.of(items, [Kind.PURCHASE] * units))
        _ = lists.whole  # a server has it from ranking
        start = perf_counter()
        printed_claims(lists)
        if k >= 5:
            took.append((perf_counter() - start) * 1_000)
    return took


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FILE")
    parser.add_argument("--items", metavar="FILE", help="the products' brands and categories")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--claims", type=int, default=5_000, metavar="N", help="claims to check for each seed")
    parser.add_argument("--shoppers", type=int, default=40, help="explained in each stratum")
    parser.add_argument("--compared", type=int, default=8, help="of these, on whom the explainers are compared")
    parser.add_argument(
        "--judged", type=int, default=2_000, help="a third of the shoppers who choose the weights of the mix"
    )
    parser.add_argument("--steps", type=int, help="of the fit, if not as many as a training takes")
    parser.add_argument("--calls", type=int, default=100, help="lists that are timed")
    parser.add_argument("--planted", type=int, default=100, metavar="CASES", help="of each planted cause, 0 for none")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    use_one_thread()
    shop, figures = read_shop(options.data), Figures()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for seed in seeds:
        measure_seed(shop, seed, options, figures)
    settings = {name: value for name, value in vars(options).items() if name not in ("data", "json")}
    found = figures.told() | {"planted": _planted(options.planted)}
    tell(found | {"data": options.data.name, "options": settings}, options.json)


def _planted(cases: int) -> dict[str, float]:
    from benchmarks.planted import SHOPS, recovery

    return {cause: recovery(cause, cases).recovered for cause in SHOPS} if cases else {}


if __name__ == "__main__":
    main()
