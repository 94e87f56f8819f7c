"""How long a list takes in process at the demo's size, what the process weighs, and that it never loads torch.

Run after `make demo`: `python -m benchmarks.demo --calls 2000 --json OUT`.
"""

import argparse
import json
import os
import random
import sys
from collections.abc import Callable
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
        "memory_mib": memory_mib(),
        "torch_loaded": "torch" in sys.modules,
    }


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
