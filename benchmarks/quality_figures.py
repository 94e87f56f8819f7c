"""The figures of the quality benchmark: every metric with both spreads, beside the baselines, and by segment."""

from collections.abc import Sequence

import numpy as np

from benchmarks.protocols import Question
from recommendations.ml.baselines import count_items
from recommendations.ml.exposure import gini, miscalibration, novelty, self_information
from recommendations.ml.fidelity import paired_bootstrap
from recommendations.ml.metrics import CUTS, coverage, every_metric, hr, ndcg
from recommendations.ml.segments import of_products, of_shoppers

DRAWS = 2_000
LEADING = "ndcg@10"

Lists = Sequence[Sequence[int]]


class Judge:
    """What is counted once for a question, so that any lists can be measured by it."""

    def __init__(self, question: Question, category: np.ndarray | None = None):
        log, n = question.log.before(question.fit_until), question.products
        asked = question.asked.asked
        self.asked, self.n = asked, n
        self.targets = [set(targets.tolist()) for targets in asked.targets]
        self.popularity = count_items(log.products(), n)
        self.information = self_information(log, n)
        self._category = category
        self._past = [np.repeat(met, times) for met, times in zip(asked.met, asked.met_counts, strict=True)]

    def each(self, lists: Lists) -> dict[str, np.ndarray]:
        """The metrics that every shopper (S) has of their own."""
        found = every_metric(lists, self.targets, self.n)
        if self._category is not None:
            found |= {f"miscalibration@{k}": miscalibration(self._past, lists, self._category, k) for k in CUTS}
        return found

    def all_lists(self, lists: Lists) -> dict[str, float]:
        """The metrics of all lists together."""
        found = {f"coverage@{k}": coverage(lists, self.n, k) for k in CUTS}
        found |= {f"gini@{k}": gini(lists, self.n, k) for k in CUTS}
        return found | {f"novelty@{k}": novelty(lists, self.information, k) for k in CUTS}

    def means(self, lists: Lists) -> dict[str, float]:
        """Every metric."""
        return {name: float(np.nanmean(values)) for name, values in self.each(lists).items()} | self.all_lists(lists)

    def segments(self, lists: dict[str, list[Lists]]) -> dict[str, dict]:
        """segment -> {"shoppers", metric -> method -> mean over the method's lists}."""
        found: dict[str, dict] = {}
        for name, metric in (("hr@10", hr), (LEADING, ndcg)):
            for method, seeds in lists.items():
                for segment, (shoppers, value) in self._segments(seeds, metric).items():
                    place = found.setdefault(segment, {"shoppers": shoppers})
                    place.setdefault(name, {})[method] = round(value, 5)
        return found

    def _segments(self, seeds: list[Lists], metric) -> dict[str, tuple[int, float]]:
        found = []
        for lists in seeds:
            values = np.array([metric(r, t, 10) for r, t in zip(lists, self.targets, strict=True)])
            by_shopper = of_shoppers(values, self.asked)
            by_product = of_products(lists, self.targets, self.popularity, metric, 10)
            found.append({f"{name} shoppers": told for name, told in by_shopper.items()})
            found[-1] |= {f"{name} products": told for name, told in by_product.items()}
        return {name: (found[0][name][0], float(np.mean([one[name][1] for one in found]))) for name in found[0]}


def figures(judge: Judge, seeds: list[Lists], other: dict[str, Lists]) -> dict:
    """All metrics of all seeds and baselines: mean, std over seeds, ci = middle 95 % of a bootstrap over shoppers."""
    each = [judge.each(lists) for lists in seeds]
    together = [judge.all_lists(lists) for lists in seeds]
    per_shopper = {name: np.mean([one[name] for one in each], axis=0) for name in each[0]}
    bounds = _bootstrap(per_shopper)
    found: dict = {
        name: spread([float(np.nanmean(one[name])) for one in each]) | {"ci": bounds[name]} for name in per_shopper
    }
    found |= {name: spread([one[name] for one in together]) for name in together[0]}
    table = {name: {k: round(v, 5) for k, v in judge.means(lists).items()} for name, lists in other.items()}
    best = max(table, key=lambda name: table[name][LEADING])
    gain = paired_bootstrap(per_shopper[LEADING].tolist(), judge.each(other[best])[LEADING].tolist())
    paired = {
        "over": best,
        "mean": round(gain.mean, 5),
        "ci": [round(gain.low, 5), round(gain.high, 5)],
        "relative": round(gain.mean / table[best][LEADING], 4) if table[best][LEADING] else None,
    }
    segments = judge.segments({"recommender": seeds, **{name: [lists] for name, lists in other.items()}})
    return found | {
        "baselines": table,
        "paired_gain": paired,
        "segments": segments,
        "shoppers": len(judge.targets),
    }


def over_folds(folds: list[dict]) -> dict:
    """The newest fold's figures with those of each fold, and their mean and standard deviation over the folds."""
    names = ("hr@10", LEADING, "recall@20")
    told = [
        {name: fold[name] for name in (*names, "paired_gain", "shoppers")}
        | {"baselines": {name: values[LEADING] for name, values in fold["baselines"].items()}}
        for fold in folds
    ]
    over = {name: spread([fold[name]["mean"] for fold in folds]) for name in names}
    gains = [fold["paired_gain"]["relative"] for fold in folds]
    if None not in gains:
        over["relative_gain"] = spread(gains)
    return folds[0] | {"folds": told, "over_folds": over}


def spread(values: list[float]) -> dict[str, float]:
    """Mean and standard deviation."""
    return {"mean": round(float(np.mean(values)), 5), "std": round(float(np.std(values)), 5)}


def _bootstrap(per_shopper: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """The middle 95 % of each mean over redrawn shoppers, the same shoppers for all metrics."""
    values = np.stack(list(per_shopper.values()), axis=1)
    rng = np.random.default_rng(0)
    means = [np.nanmean(values[rng.integers(0, len(values), len(values))], axis=0) for _ in range(DRAWS)]
    low, high = np.percentile(means, [2.5, 97.5], axis=0).round(5)
    return {name: [float(low[k]), float(high[k])] for k, name in enumerate(per_shopper)}
