"""How long a list takes in process at the demo's size, what the process weighs, and that it never loads torch.

Run after `make demo`: `python -m benchmarks.demo --calls 2000 --json OUT`.
"""

import argparse
import json
import os
import random
import sys
from collections.abc import Callable
from datetime import timedelta
from time import perf_counter

# As the demo's web workers run: threads of a small matrix product only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import django
import numpy as np


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """p50 and p99, in milliseconds."""
    return {name: round(float(np.percentile(milliseconds, q)), 2) for name, q in (("p50", 50), ("p99", 99))}


def timed(call: Callable[[int], object], calls: int) -> dict[str, float]:
    """Percentiles of `calls` calls after a warm-up of 50."""
    for k in range(50):
        call(k)
    took = []
    for k in range(calls):
        start = perf_counter()
        call(k)
        took.append((perf_counter() - start) * 1_000)
    return percentiles(took)


def memory_mib() -> dict[str, float]:
    """Resident and private (unshared) memory of this process, in MiB."""
    with open("/proc/self/smaps_rollup") as file:
        sizes = {line.split()[0].rstrip(":"): int(line.split()[1]) for line in file if line.endswith("kB\n")}
    private = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return {"resident": round(sizes["Rss"] / 1024, 1), "private": round(private / 1024, 1)}


def measure(calls: int, seed: int) -> dict[str, object]:
    """All figures, over households drawn with `seed`."""
    from recommendations.models import Shopper
    from recommendations.publishing import current_recommender
    from recommendations.serving import RecommendationQuery, because_rows, recommend

    shoppers = list(Shopper.objects.filter(external_id__isnull=False))
    random.Random(seed).shuffle(shoppers)
    loaded = current_recommender()
    if loaded is None or not shoppers:
        raise SystemExit("No version is published or nobody has a history: run `make demo` first.")

    def of(k: int, placement: str = "home") -> RecommendationQuery:
        return RecommendationQuery(placement, shoppers[k % len(shoppers)])

    reasons = [entry.reason.tier for k in range(200) for entry in recommend(of(k, "new_for_you")).recommendations]
    return {
        "products": len(loaded.scorer.vocabulary),
        "shoppers": len(shoppers),
        "calls": calls,
        "home_ms": timed(lambda k: recommend(of(k)), calls),
        "new_for_you_ms": timed(lambda k: recommend(of(k, "new_for_you")), calls),
        "because_rows_ms": timed(lambda k: because_rows(of(k, "new_for_you")), calls // 4),
        "stranger_ms": timed(lambda k: recommend(RecommendationQuery("home")), calls),
        "new_for_you_tiers": {tier: round(reasons.count(tier) / len(reasons), 3) for tier in sorted(set(reasons))},
        "visits": {str(views): visits(200, views, seed) for views in (1, 3, 5)},
        "memory_mib": memory_mib(),
        "torch_loaded": "torch" in sys.modules,
    }


def visits(count: int, views: int, seed: int) -> dict[str, float]:
    """Of made-up visitors who view `views` products drawn at random: how many see a row, or a "because" at home."""
    from django.db import transaction
    from django.utils import timezone

    from recommendations.capture import record
    from recommendations.ml.kinds import Kind
    from recommendations.models import Product, Shopper
    from recommendations.serving import RecommendationQuery, because_rows, recommend

    product_ids = list(Product.objects.order_by("pk").values_list("product_id", flat=True))
    draw, rows, causes = random.Random(seed), 0, 0
    for _ in range(count):
        with transaction.atomic():
            visitor, now = Shopper.objects.create(), timezone.now()
            for place, product_id in enumerate(draw.sample(product_ids, views)):
                record(visitor, Kind.VIEW, product_id, occurred_at=now - timedelta(minutes=views - place))
            rows += bool(because_rows(RecommendationQuery("new_for_you", visitor)))
            shown = recommend(RecommendationQuery("home", visitor, limit=12)).recommendations
            causes += any(entry.reason.kind == "because" for entry in shown)
            transaction.set_rollback(True)
    return {"with_a_row": round(rows / count, 3), "with_a_because_at_home": round(causes / count, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="OUT")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shopdemo.settings")
    django.setup()
    figures = measure(options.calls, options.seed)
    text = json.dumps(figures, indent=1)
    print(text)
    if options.json:
        with open(options.json, "w") as file:
            file.write(text)


if __name__ == "__main__":
    main()
