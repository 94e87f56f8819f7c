"""Whether what serving takes for the strongest is so on the reference path, and what finding it costs."""

from collections import defaultdict
from time import perf_counter
from typing import Any

import numpy as np

from ..ml.labels import LABELS, LabelledList, orders
from ..ml.plain import PlainScorer
from ..ml.reasons import LeaveOneOut
from ..publishing import LoadedRecommender
from ..serving import RecommendationQuery
from ..serving.candidates import Pool, history_pool
from ..serving.explaining import Explainer
from ..serving.memory import Memory, read_memory
from .shopper_audit import ShopperAudit

LIMIT = 10
OURS = "ours"


class Strongest:
    """DELp@1 of ours and of every label on the reference path, and the time that explaining a list takes.

    `plain` tells where the network of the version looks.
    """

    def __init__(self, plain: PlainScorer, seed: int) -> None:
        self.plain = plain
        self.delp: dict[str, list[float]] = defaultdict(list)
        self.milliseconds: list[float] = []
        self._rng = np.random.default_rng(seed)

    def measure(self, loaded: LoadedRecommender, audit: ShopperAudit) -> None:
        """Explain one shopper's new products once more; nothing where the shopper did something meanwhile."""
        query = RecommendationQuery("new_for_you", audit.shopper, limit=LIMIT, now=audit.now)
        memory = read_memory(audit.shopper, audit.now)
        pool = history_pool(loaded, query, memory)
        if pool is None or not np.array_equal(pool.history.items, audit.history.items):
            return
        began = perf_counter()
        explain(pool, query, memory)
        self.milliseconds.append((perf_counter() - began) * 1_000)
        self._compare(pool, query, audit)

    def _compare(self, pool: Pool, query: RecommendationQuery, audit: ShopperAudit) -> None:
        scorer, shown = pool.loaded.scorer, pool.items[:LIMIT].tolist()
        left = LeaveOneOut(scorer, pool.history, pool.items, pool.scores, pool.barred)
        if len(left.units) < 2:
            return
        attention = self.plain.attention(pool.history)
        labelled = LabelledList(pool.history, shown, scorer.score.item_matrix, self._rng, attention)
        named = {name: orders(label(labelled), labelled.units) for name, label in LABELS.items()}
        named[OURS] = orders(left.effect[:, : len(shown)], left.units)
        for place, item in enumerate(shown):
            changes = {name: audit.delp(query.spot.bought, item, order[place][0]) for name, order in named.items()}
            if None not in changes.values():
                for name, change in changes.items():
                    self.delp[name].append(float(change or 0.0))

    def figures(self) -> dict[str, Any]:
        """JSON-able: delp@1 by method (empty when nothing was compared), and milliseconds."""
        return {
            "delp@1": {name: round(float(np.mean(changes)), 4) for name, changes in sorted(self.delp.items())},
            "latency_ms": percentiles(self.milliseconds),
        }


def explain(pool: Pool, query: RecommendationQuery, memory: Memory) -> None:
    """Find what each product of a list rests on, as serving does."""
    explainer = Explainer(pool, query, memory)
    places = {item: place for place, item in enumerate(pool.items[: query.limit].tolist(), start=1)}
    found = {item: explainer.claims(item, place) for item, place in places.items()}
    explainer.either_claims({item: place for item, place in places.items() if not found[item]})


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """p50, p99 and how many were timed."""
    if not milliseconds:
        return {"lists": 0}
    middle, slow = np.percentile(milliseconds, [50, 99])
    return {"lists": len(milliseconds), "p50": round(float(middle), 2), "p99": round(float(slow), 2)}
