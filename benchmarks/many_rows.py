"""What a training takes where there is much: made interactions with a long tail, by the app's own training.

`python -m benchmarks.many_rows --rows 1000000 2000000 --products 100000 --json OUT` makes a shop for each number of
rows and trains on it in a process of its own, as a shop's worker does, from the arrays to the artifact.

- seconds: of each stage, by the clock; cpu_seconds and peak_rss_mb of the whole process, the made rows in it.
- ndcg@10: of the recommender and of each baseline, as the training's own judge finds them, with repeats and without.
- linear: seconds a million rows of the stages that do not depend on the steps, by the number of rows.

The shop: products have categories and a popularity of 1 / rank; a shopper has three favourite categories and comes
back over two years, for 25 events in the mean. An event is about one of the three products that usually follow the one
before (.2), about the same category (.4), a product met before (.1), or any of the favourite categories.
"""

import argparse
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np

from benchmarks.peers.answering import peak_rss_mb
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.training.pipeline import train
from recommendations.ml.training.progress import STAGES
from recommendations.ml.training.settings import TrainingSettings
from recommendations.ml.vocabulary import Vocabulary

MEAN_EVENTS, MOST_EVENTS = 25, 200
FAVOURITES, FOLLOWERS = 3, 3
CATEGORY_SIZE = 250
FOLLOWS, SAME_CATEGORY, AGAIN = 0.2, 0.4, 0.1
DAY, DAYS = 86_400, 730
KINDS, SHARES = (Kind.VIEW, Kind.ADD_TO_CART, Kind.PURCHASE), (0.75, 0.1, 0.15)
FITTING = ("judged fit", "final fit")


def made_log(rows: int, products: int, seed: int = 0) -> InteractionLog:
    """About so many interactions (whole histories), each shopper's in order of time."""
    rng = np.random.default_rng(seed)
    lengths = np.minimum(rng.geometric(1 / MEAN_EVENTS, max(rows // MEAN_EVENTS, 2)), MOST_EVENTS)
    shoppers, categories = len(lengths), max(products // CATEGORY_SIZE, 1)
    favourites = rng.integers(0, categories, (shoppers, FAVOURITES))
    followers = rng.integers(1, products + 1, (products + 1, FOLLOWERS))
    items = np.zeros((shoppers, int(lengths.max())), np.int32)
    for place in range(items.shape[1]):
        now = np.flatnonzero(lengths > place)
        before = items[now, place - 1] if place else np.zeros(len(now), np.int32)
        how = rng.random(len(now)) if place else np.ones(len(now))
        of = favourites[now, rng.integers(0, FAVOURITES, len(now))]
        of = np.where(how < FOLLOWS + SAME_CATEGORY, (before - 1) // CATEGORY_SIZE % categories, of)
        found = _of_category(of, products, rng)
        found = np.where(how < FOLLOWS, followers[before, rng.integers(0, FOLLOWERS, len(now))], found)
        met = items[now, (rng.random(len(now)) * max(place, 1)).astype(int)]
        items[now, place] = np.where((how >= 1 - AGAIN) & (place > 0), met, found)
    shopper = np.repeat(np.arange(shoppers), lengths)
    item = items[np.arange(items.shape[1]) < lengths[:, None]]
    return InteractionLog.from_rows(shopper, item, rng.choice(KINDS, len(item), p=SHARES), _times(lengths, rng))


def _of_category(category: np.ndarray, products: int, rng: np.random.Generator) -> np.ndarray:
    """A product of each category, the k-th most popular as often as 1 / k."""
    rank = (CATEGORY_SIZE + 1.0) ** rng.random(len(category))
    return np.minimum(category * CATEGORY_SIZE + rank.astype(np.int32), products)


def _times(lengths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ascending within each history, days apart in the mean, from any day of two years."""
    apart = rng.exponential(5 * DAY, int(lengths.sum()))
    ends = np.cumsum(lengths)
    since = np.cumsum(apart)
    since -= np.repeat(since[ends - lengths] - apart[ends - lengths], lengths)
    begins = np.repeat(rng.random(len(lengths)) * DAYS * DAY, lengths)
    return (begins + since).astype(np.int64)


def measure(rows: int, products: int, steps: int | None, seed: int) -> dict:
    """One training, in this process."""
    log = made_log(rows, products, seed)
    settings = replace(TrainingSettings(), seed=seed, steps=steps, max_seconds=6 * 3_600.0)
    names = Vocabulary([str(k) for k in range(1, products + 1)])
    began = process_time()
    with TemporaryDirectory() as folder:
        found = train(log, names, Path(folder), settings)
    return {
        "rows": len(log),
        "shoppers": len(np.unique(log.shopper)),
        "steps": found.steps,
        "accepted": found.accepted,
        "refusal": found.refusal,
        "seconds": found.timings,
        "cpu_seconds": round(process_time() - began, 1),
        "peak_rss_mb": round(peak_rss_mb()),
        "ndcg@10": {name: {m: round(v["ndcg@10"], 4) for m, v in of.items()} for name, of in found.metrics.items()},
    }


def per_million(measured: list[dict]) -> dict[str, list[float]]:
    """Stage -> seconds a million rows, for each number of rows; of those that fit nothing."""
    stages = [stage for stage in STAGES if stage not in FITTING]
    return {s: [round(one["seconds"].get(s, 0) / one["rows"] * 1e6, 2) for one in measured] for s in stages}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--steps", type=int, help="of each fit, if not as many as a training takes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    measured = []
    for rows in options.rows:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            measured.append(process.submit(measure, rows, options.products, options.steps, options.seed).result())
        print(json.dumps(measured[-1], indent=1), flush=True)
    report = {"products": options.products, "measured": measured, "linear": per_million(measured)}
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
